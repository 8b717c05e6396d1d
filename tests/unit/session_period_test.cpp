// Which keys live when. P is a period, L a lifetime; a manual clock.

#include <algorithm>
#include <set>

#include "client_lib/session/limits.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;
using tests::frontend;

namespace {

constexpr std::int64_t period = 3600;
constexpr std::int64_t lifetime = 7200;
constexpr std::int64_t current = 472'222;
constexpr unix_seconds start = current * period;

std::set<std::int64_t> live_periods(tests::fixed_source& source, unix_seconds now) {
    std::set<std::int64_t> periods;
    for (const auto& keys : source.keys(now)->accepted) {
        periods.insert(keys->period - current);
    }
    return periods;
}

}  // namespace

TEST_CASE("next, current and ceil(L/P) older periods are live, the current one issues") {
    frontend here;
    for (const unix_seconds now : {start, start + 1, start + period - 1}) {
        CHECK(live_periods(here.source, now) == std::set<std::int64_t>{-2, -1, 0, 1});
        CHECK(here.source.keys(now)->issuing->period == current);
    }
    CHECK(here.source.keys(start - 1)->issuing->period == current - 1);
    CHECK(here.source.keys(start + period)->issuing->period == current + 1);
    CHECK(here.source.keys(start)->lifetime == lifetime);
}

TEST_CASE("a lifetime that is no multiple of the period ends a key within a period") {
    tests::fixed_source source("shop", {3600, 5400}, {1});
    CHECK(live_periods(source, start) == std::set<std::int64_t>{-2, -1, 0, 1});
    CHECK(live_periods(source, start + 1799) == std::set<std::int64_t>{-2, -1, 0, 1});
    CHECK(live_periods(source, start + 1800) == std::set<std::int64_t>{-1, 0, 1});
    CHECK(live_periods(source, start + 3599) == std::set<std::int64_t>{-1, 0, 1});
    // A clock that is set back finds its keys again.
    CHECK(live_periods(source, start) == std::set<std::int64_t>{-2, -1, 0, 1});
}

TEST_CASE("a session of a period's first and last second is found until P + L after its start") {
    frontend here;
    const unix_seconds end = start + period + lifetime;
    for (const unix_seconds made : {start, start + period - 1}) {
        const session_id id = here.make_id(made);
        std::vector<std::uint8_t> sealed;
        REQUIRE(here.sealer.seal(id, {}, {}, made, sealed));
        const auto key = here.sealer.key_of(id, made);
        REQUIRE(key);
        // Always under the same name, also when the period has changed.
        for (const unix_seconds later : {made, start + period - 1, start + period, end - 1}) {
            CHECK(here.sealer.key_of(id, later) == key);
            CHECK(here.sealer.open(id, {}, sealed, later));
        }
        CHECK_FALSE(here.sealer.key_of(id, end));
        CHECK_FALSE(here.sealer.open(id, {}, sealed, end));
        CHECK(here.source.keys(end - 1)->find(id.bytes.data()) != nullptr);
        CHECK(here.source.keys(end)->find(id.bytes.data()) == nullptr);
    }
}

TEST_CASE("a session lives its whole lifetime on every frontend whose clock is right") {
    frontend here;
    for (const std::int64_t offset : {std::int64_t{0}, period / 2, period - 1}) {
        const session_id id = here.make_id(start + offset);
        CHECK(here.accepts(id, start + offset + lifetime));
    }
}

TEST_CASE("frontends whose clocks are one period apart know each other's sessions") {
    frontend ahead;
    frontend right;
    for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{1}, period - 1}) {
        const unix_seconds now = start + offset;
        const session_id from_ahead = ahead.make_id(now + period);
        CHECK(right.accepts(from_ahead, now));
        const session_id from_right = right.make_id(now);
        CHECK(ahead.accepts(from_right, now + period));
        // Control: what is further ahead than the next period is not known yet.
        CHECK_FALSE(right.accepts(ahead.make_id(now + 2 * period), now));
    }
}

TEST_CASE("a session of the next period is sealed and opened in this one") {
    frontend right;
    const session_id id = frontend().make_id(start + period);
    std::vector<std::uint8_t> sealed;
    REQUIRE(right.sealer.seal(id, {}, {}, start, sealed));
    CHECK(frontend().sealer.open(id, {}, sealed, start + period));
}

TEST_CASE("no key is zero, and none is repeated over purposes, periods, roots, namespaces") {
    std::set<std::vector<std::uint8_t>> seen;
    std::size_t keys_seen = 0;
    const auto add = [&](byte_view key) {
        CHECK(std::ranges::any_of(key, [](std::uint8_t byte) { return byte != 0; }));
        seen.insert({key.begin(), key.end()});
        ++keys_seen;
    };
    for (const std::string_view name : {"shop", "shop2", "s"}) {
        for (const std::int64_t length : {3600, 1800, 900}) {
            tests::fixed_source source(name, {length, 7200}, {1, 2});
            for (const auto& keys : source.keys(start)->accepted) {
                add(keys->key_id);
                add(keys->lookup);
                add(keys->seal);
                add(keys->id);
                add(keys->ticket);
            }
        }
    }
    CHECK(keys_seen == 3 * 2 * (4 + 6 + 10) * 5);
    CHECK(seen.size() == keys_seen);
}

TEST_CASE("keys depend on root, namespace, period and P alone") {
    tests::fixed_source a("shop", {3600, 7200}, {1, 2});
    tests::fixed_source b("shop", {3600, 86400}, {2});
    const auto keys = a.keys(start)->find(b.keys(start)->issuing->key_id.data());
    REQUIRE(keys != nullptr);
    CHECK(keys->seal == b.keys(start)->issuing->seal);
    CHECK(a.keys(start)->issuing->seal != keys->seal);
}

TEST_CASE("keys of the same period stay the same objects, old ones are let go") {
    tests::fixed_source source("shop", tests::usual_schedule, {1});
    const auto before = source.keys(start)->issuing;
    const std::weak_ptr<const period_keys> oldest = source.keys(start)->accepted.back();
    REQUIRE(oldest.lock()->period == current - 2);
    CHECK(source.keys(start + 5)->issuing == before);
    const auto after = source.keys(start + period);
    CHECK(after->find(before->key_id.data()) == before.get());
    CHECK(oldest.expired());
}

TEST_CASE("all roots accept, only the first issues") {
    frontend old_root("shop", {1});
    frontend spreading("shop", {1, 2});
    frontend changed("shop", {2, 1});
    frontend new_root("shop", {2});
    CHECK(spreading.accepts(changed.make_id(start), start));
    CHECK(changed.accepts(spreading.make_id(start), start));
    CHECK(old_root.accepts(spreading.make_id(start), start));
    CHECK(new_root.accepts(changed.make_id(start), start));
    CHECK_FALSE(new_root.accepts(spreading.make_id(start), start));
}

TEST_CASE("before 1970 and at the end of time there is no key, not a wrong one") {
    tests::fixed_source source("shop", tests::usual_schedule, {1});
    CHECK(source.keys(-1) == nullptr);
    CHECK(source.keys(INT64_MIN) == nullptr);
    CHECK(source.keys(INT64_MAX) == nullptr);
    CHECK(live_periods(source, 0).size() == 2);
    CHECK(source.keys(start) != nullptr);
}
