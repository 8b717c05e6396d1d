#include "client_lib/transport/lookup_table.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

namespace tlscache::transport {
namespace {

using namespace std::chrono_literals;

struct fixture {
    lookup_table table{100};
    steady_time now{1h};

    lookup_id open(unsigned answers, steady_duration in,
                   unavailable_reason reason = unavailable_reason::none) {
        lookup_done done = [](lookup_result) {};
        return table.open(answers, reason, now + in, done);
    }
    static lookup_result miss() {
        lookup_result out;
        out.outcome = outcome::miss;
        return out;
    }
    static lookup_result hit(std::size_t key_index) {
        lookup_result out;
        out.outcome = outcome::hit;
        out.key_index = key_index;
        return out;
    }
    static lookup_result lost() {
        lookup_result out;
        out.reason = unavailable_reason::connection_lost;
        return out;
    }
};

TEST_CASE_FIXTURE(fixture, "the first hit decides, and the other key's answer comes to nobody") {
    const lookup_id id = open(2, 1ms);
    const auto made = table.answer(id, hit(1));
    REQUIRE(made);
    CHECK(made->id == id);
    CHECK(made->result.key_index == 1);
    CHECK_FALSE(table.answer(id, hit(0)));
    CHECK(table.size() == 0);
}

TEST_CASE_FIXTURE(fixture, "a miss is one only if all keys were answered for") {
    const lookup_id two = open(2, 1ms);
    CHECK_FALSE(table.answer(two, miss()));
    CHECK(table.answer(two, miss())->result.outcome == outcome::miss);

    const lookup_id lost_first = open(2, 1ms);
    CHECK_FALSE(table.answer(lost_first, lost()));
    const auto made = table.answer(lost_first, miss());
    CHECK(made->result.outcome == outcome::unavailable);
    CHECK(made->result.reason == unavailable_reason::connection_lost);

    const lookup_id never_asked = open(1, 1ms, unavailable_reason::breaker_open);
    CHECK(table.answer(never_asked, miss())->result.reason == unavailable_reason::breaker_open);
}

TEST_CASE_FIXTURE(fixture, "deadlines expire in their order, each once, none before its time") {
    const lookup_id late = open(1, 3ms);
    const lookup_id early = open(1, 1ms);
    const lookup_id answered = open(1, 2ms);
    CHECK(table.next_deadline() == now + 1ms);
    CHECK_FALSE(table.expire(now + 1ms - 1ns));
    CHECK(table.expire(now + 1ms)->id == early);
    CHECK(table.answer(answered, miss()));
    CHECK_FALSE(table.expire(now + 2ms));
    const auto made = table.expire(now + 3ms);
    CHECK(made->id == late);
    CHECK(made->result.reason == unavailable_reason::deadline);
    CHECK_FALSE(table.expire(now + 1h));
    CHECK(table.next_deadline() == steady_time::max());
}

TEST_CASE_FIXTURE(fixture, "a full table takes no more and keeps the caller's callback") {
    for (int i = 0; i < 100; ++i) {
        REQUIRE(open(1, 1ms) != 0);
    }
    lookup_done done = [](lookup_result) {};
    CHECK(table.open(1, unavailable_reason::none, now, done) == 0);
    CHECK(done);
    CHECK(table.take_any(unavailable_reason::cancelled)->result.reason ==
          unavailable_reason::cancelled);
    CHECK(open(1, 1ms) != 0);
}

TEST_CASE_FIXTURE(fixture,
                  "in any order of answers, deadlines and cancels each is decided exactly once") {
    std::mt19937_64 random(7);
    std::set<lookup_id> seen;        // numbers are never used twice
    std::map<lookup_id, int> alive;  // and how many answers each waits for
    std::vector<lookup_id> all;
    int decided = 0;
    const auto note = [&](const std::optional<decision>& made) {
        if (made) {
            REQUIRE(alive.erase(made->id) == 1);
            ++decided;
        }
    };
    for (int i = 0; i < 50'000; ++i) {
        now += std::chrono::microseconds(random() % 50);
        switch (random() % 4) {
            case 0:
                if (const lookup_id id =
                        open(1 + random() % 2, std::chrono::microseconds(random() % 3000));
                    id != 0) {
                    REQUIRE(seen.insert(id).second);
                    alive[id] = 1;
                    all.push_back(id);
                }
                break;
            case 1:
                note(table.expire(now));
                break;
            case 2:
                if (!all.empty()) {
                    note(table.answer(all[random() % all.size()], random() % 2 ? miss() : hit(0)));
                }
                break;
            default:
                if (!all.empty()) {
                    const std::size_t recent = std::min<std::size_t>(all.size(), 20);
                    note(table.take(all[all.size() - 1 - random() % recent],
                                    unavailable_reason::cancelled));
                }
        }
        CHECK(table.size() == alive.size());
    }
    now += 1h;
    while (const auto made = table.expire(now)) {
        note(made);
    }
    CHECK(alive.empty());
    CHECK(decided == static_cast<int>(seen.size()));
    CHECK(decided > 1000);
}

}  // namespace
}  // namespace tlscache::transport
