// Lifetimes: never early, at most a second late, on the boot clock, with no request needed.

#include <doctest/doctest.h>

#include <functional>
#include <iterator>
#include <random>
#include <string>

#include "tests/unit/store_support.hpp"

namespace tlscache::test {

TEST_CASE("a TTL of n seconds never ends early, and ends at most a second late, at any phase") {
    cache c;
    std::mt19937_64 random(seed());
    for (int i = 0; i < 100; ++i) {
        c.now.boot_ns += static_cast<std::int64_t>(random() % second_ns);
        const std::int64_t ttl = 1 + i % 3;
        const auto whole = static_cast<double>(ttl);
        c.set("stored", "x", ttl);
        c.set("touched", "x");
        CHECK(c.touch("touched", ttl));
        c.get("stored");
        CHECK(c.seen.ttl == ttl);
        c.get("touched");
        CHECK(c.seen.ttl == ttl);
        c.pass(whole - 1e-9);
        CHECK(c.has("stored"));
        CHECK(c.has("touched"));
        c.pass(1.0);
        CHECK_FALSE(c.has("stored"));
        CHECK_FALSE(c.has("touched"));
    }
}

TEST_CASE("the time left is what was asked right after a store, and falls with the clock") {
    cache c;
    for (const std::int64_t phase :
         {std::int64_t{0}, std::int64_t{1}, second_ns / 3, second_ns / 2, second_ns - 1}) {
        c.now.boot_ns = 5'000 * second_ns + phase;
        for (const std::int64_t ttl :
             {std::int64_t{2}, std::int64_t{60}, std::int64_t{2'592'000}}) {
            c.set("k", "x", ttl);
            c.get("k");
            CHECK(c.seen.ttl == ttl);
            c.pass(0.4);
            c.get("k");
            CHECK(c.seen.ttl == ttl);
            c.pass(0.61);
            c.get("k");
            CHECK(c.seen.ttl == ttl - 1);
            c.now.boot_ns = 5'000 * second_ns + phase;
        }
    }
}

TEST_CASE("an entry without a TTL says so and stays") {
    cache c;
    c.set("k", "x");
    c.pass(3e8);
    c.tick();
    CHECK(c.get("k") == "x");
    CHECK(c.seen.ttl == store::time_to_live::forever);
}

TEST_CASE("a TTL of 0 is gone at once, and takes the old value with it") {
    cache c;
    c.set("k", "old");
    CHECK(c.set("k", "new", 0) == store::set_status::stored);
    CHECK_FALSE(c.has("k"));
    c.set("k", "again");
    CHECK(c.touch("k", 0));
    CHECK_FALSE(c.has("k"));
}

TEST_CASE("a suspended machine's entries age: only the boot clock counts") {
    cache c;
    c.set("k", "x", 600);
    c.now.boot_ns += 599 * second_ns;  // asleep; a monotonic clock would have stood still
    CHECK(c.has("k"));
    c.now.boot_ns += 2 * second_ns;
    CHECK_FALSE(c.has("k"));
}

TEST_CASE("a step of the wall clock changes no lifetime") {
    for (const std::int64_t step : {3'600 * second_ns, -3'600 * second_ns}) {
        cache c;
        c.set("k", "x", 600);
        c.now.wall_ns += step;
        c.get("k");
        CHECK(c.seen.ttl == 600);
        c.set("later", "x", 600);
        c.get("later");
        CHECK(c.seen.ttl == 600);
        c.pass(599.9);
        CHECK(c.has("k"));
        c.pass(1.0);
        CHECK_FALSE(c.has("k"));
    }
}

TEST_CASE("entries expire with no request, within a second, a bounded number per call") {
    cache c;
    for (int i = 0; i < 1'000; ++i) {
        c.set("k" + std::to_string(i), "x", 10 + i % 2);
    }
    c.set("stays", "x", 100);
    c.pass(9.9);
    CHECK_FALSE(c.entries.expire(c.now, 100));
    CHECK(c.entries.collect().items == 1'001);
    c.pass(0.7);
    CHECK(c.entries.expire(c.now, 100));
    CHECK(c.entries.collect().items == 901);
    c.tick();
    CHECK(c.entries.collect().items == 501);
    c.pass(1.0);
    c.tick();
    CHECK(c.entries.collect().items == 1);
    CHECK(c.entries.collect().expired == 1'000);
    CHECK(c.entries.collect().expired_unfetched == 1'000);
    CHECK(c.has("stays"));
}

TEST_CASE("a longer or shorter touch moves the expiry of what a tick does") {
    cache c;
    c.set("longer", "x", 10);
    c.set("shorter", "x", 1'000);
    c.touch("longer", 1'000);
    c.touch("shorter", 10);
    c.pass(11);
    c.tick();
    CHECK(c.has("longer"));
    CHECK(c.entries.collect().items == 1);
}

TEST_CASE("a flush with a delay is never early, and erases what was stored before it, all of it") {
    cache c;
    c.set("before", "x");
    c.entries.flush(c.now, 10);
    c.set("meanwhile", "x");
    c.pass(9.999);
    CHECK(c.has("before"));
    CHECK(c.has("meanwhile"));
    c.pass(0.001);
    c.set("after", "x");
    CHECK_FALSE(c.has("before"));
    c.tick();
    CHECK(c.entries.collect().items == 1);
    CHECK(c.has("after"));
    CHECK(c.entries.collect().flushed == 2);
}

TEST_CASE("a flush takes what is there at that moment and nothing that comes after") {
    cache c;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 5'000; ++i) {
            c.set("k" + std::to_string(i), "x");
        }
        c.entries.flush(c.now, 0);
        CHECK(c.entries.collect().items == 0);
        CHECK(c.entries.collect().bytes == 0);
        c.set("k1", "y");
        CHECK(c.get("k1") == "y");
    }
}

TEST_CASE("a flush at once replaces one that waits") {
    cache c;
    c.entries.flush(c.now, 10);
    c.entries.flush(c.now, 0);
    c.set("k", "x");
    c.pass(20);
    CHECK(c.has("k"));
}

TEST_CASE("two delayed flushes that come due with the sweep of the first unfinished lose nothing") {
    cache c;
    for (int i = 0; i < 500; ++i) {
        c.set("a" + std::to_string(i), "x");
    }
    c.entries.flush(c.now, 1);
    c.pass(1);
    c.entries.expire(c.now, 10);
    c.set("b", "x");
    c.entries.flush(c.now, 1);
    c.pass(1);
    c.set("c", "x");
    c.tick();
    CHECK(c.entries.collect().items == 1);
    CHECK(c.has("c"));
}

TEST_CASE("age and time since access are told") {
    cache c;
    c.set("k", "x", 10'000);
    c.get("k");
    CHECK(c.seen.age == 0);
    CHECK(c.seen.since_access == 0);
    CHECK_FALSE(c.seen.fetched);
    c.pass(500);
    c.get("k");
    CHECK(c.seen.age == 500);
    CHECK(c.seen.since_access >= 500 - 64);
    CHECK(c.seen.since_access <= 500);
    CHECK(c.seen.fetched);
    c.touch("k", 20'000);
    CHECK(c.seen.age == 500);
}

namespace {

std::uint64_t cas_of(cache& c, std::string_view name) {
    REQUIRE(c.get(name).has_value());
    return c.seen.cas;
}

}  // namespace

TEST_CASE("a cas does not come again within the second, however the entry went") {
    cache c;
    const auto flush = [&] { c.entries.flush(c.now, 0); };
    const auto expire = [&] { c.touch("k", 0); };
    const auto expire_by_tick = [&] {
        c.touch("k", 0);
        c.tick();
    };
    const auto erase = [&] { c.erase("k"); };
    const std::function<void()> ways[] = {flush, expire, expire_by_tick, erase};
    for (std::size_t i = 0; i != std::size(ways); ++i) {
        CAPTURE(i);
        c.pass(2);
        c.set("k", "old");
        const std::uint64_t told = cas_of(c, "k");
        ways[i]();
        CHECK_FALSE(c.has("k"));
        c.set("k", "new");
        CHECK(cas_of(c, "k") > told);
    }
}

TEST_CASE("a request with an earlier reading of the clock sees an entry as new, with its cas") {
    cache c;
    c.set("k", "x");
    const std::uint64_t told = cas_of(c, "k");
    c.pass(-1.5);
    CHECK(cas_of(c, "k") == told);
    CHECK(c.seen.age == 0);
    CHECK(c.seen.since_access == 0);
    c.set("k", "y");
    CHECK(cas_of(c, "k") != told);
    c.pass(1.5);
    c.set("k", "z");
    CHECK(cas_of(c, "k") != told);
}

}  // namespace tlscache::test
