// One contract for all policies of the registry, then what each of them is about.

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>

#include "tests/support/allocation_count.hpp"
#include "tests/unit/eviction_support.hpp"

namespace tlscache::test {

TEST_CASE("names are found in upper and lower case, and no others") {
    CHECK(plugins::eviction_policies().size() >= 3);
    CHECK((plugins::find_eviction_policy("LRU") == plugins::find_eviction_policy("lru")));
    CHECK((plugins::find_eviction_policy("Clock") != nullptr));
    CHECK((plugins::find_eviction_policy("fifo") != nullptr));
    CHECK((plugins::find_eviction_policy("") == nullptr));
    CHECK((plugins::find_eviction_policy("lr") == nullptr));
    CHECK((plugins::find_eviction_policy("lru2") == nullptr));
    std::set<std::string> names;
    for (const auto& policy : plugins::eviction_policies()) {
        CHECK((plugins::find_eviction_policy(policy.name) == policy.make));
        names.emplace(policy.name);
    }
    CHECK(names.size() == plugins::eviction_policies().size());
}

TEST_CASE("every policy keeps the contract under random calls") {
    constexpr std::uint32_t slots = 200;
    for (const auto& entry : plugins::eviction_policies()) {
        CAPTURE(entry.name);
        const auto policy = entry.make({slots, 1'000'000});
        CHECK(policy->bytes_per_slot() <= 64);
        CHECK_FALSE(policy->victim().has_value());
        std::mt19937_64 random(7);
        std::vector<bool> held(slots, false);
        std::uint32_t count = 0;
        int wrong = 0;
        // A policy allocates when it is built, and never again.
        const testing::allocation_count counted;
        for (int i = 0; i < 100'000; ++i) {
            const auto s = static_cast<store::slot>(random() % slots);
            if (!held[s]) {
                policy->on_insert({s, random(), 100, 60, 0});
                held[s] = true;
                ++count;
            } else if (random() % 3 != 0) {
                policy->on_hit(s, 0);
                policy->on_resize(s, 120);
            } else {
                policy->on_remove(s, static_cast<store::removal_cause>(random() % 4));
                held[s] = false;
                --count;
            }
            const auto first = policy->victim();
            wrong += first == policy->victim() ? 0 : 1;          // stable
            wrong += first.has_value() == (count != 0) ? 0 : 1;  // somebody goes, if there is one
            wrong += !first || held[*first] ? 0 : 1;             // only who is there
            if (first && random() % 8 == 0) {
                policy->on_remove(*first, store::removal_cause::evicted);
                held[*first] = false;
                --count;
            }
        }
        while (const auto last = policy->victim()) {
            policy->on_remove(*last, store::removal_cause::flushed);
            wrong += held[*last] ? 0 : 1;
            held[*last] = false;
            --count;
        }
        const int allocations = counted.so_far();
        CHECK(wrong == 0);
        CHECK(count == 0);
        CHECK(allocations == 0);
    }
}

TEST_CASE("an object larger than the cache is a miss that evicts nothing") {
    for (const auto& policy : plugins::eviction_policies()) {
        CAPTURE(policy.name);
        tiny_cache c(policy.make, 100);
        const std::pair<const char*, std::uint32_t> trace[] = {
            {"A", 40}, {"B", 40}, {"C", 200}, {"A", 40}, {"B", 40}};
        int hits = 0;
        for (const auto& [name, charge] : trace) {
            hits += c.read(name, charge) ? 1 : 0;
            CHECK(c.used() <= 100);
        }
        CHECK(hits == 2);
        CHECK_FALSE(c.has("C"));
    }
}

TEST_CASE("a cache of nothing always misses, and ends") {
    for (const auto& policy : plugins::eviction_policies()) {
        tiny_cache c(policy.make, 0);
        for (int i = 0; i < 100; ++i) {
            CHECK_FALSE(c.read(std::to_string(i % 3), 1));
            CHECK(c.used() == 0);
        }
    }
}

TEST_CASE("a cache of exactly the working set has first misses only") {
    for (const auto& policy : plugins::eviction_policies()) {
        CAPTURE(policy.name);
        tiny_cache c(policy.make, 500);
        std::mt19937_64 random(11);
        int misses = 0;
        for (int i = 0; i < 10'000; ++i) {
            misses += c.read(std::to_string(random() % 50), 10) ? 0 : 1;
        }
        CHECK(misses == 50);
        CHECK(c.used() == 500);
    }
}

namespace {

std::string left_after(const char* policy, const std::string& reads) {
    tiny_cache c(plugins::find_eviction_policy(policy), 3);
    for (const char name : reads) {
        c.read(std::string(1, name), 1);
    }
    std::string left;
    for (char name = 'A'; name <= 'Z'; ++name) {
        left += c.has(std::string(1, name)) ? std::string(1, name) : "";
    }
    return left;
}

}  // namespace

TEST_CASE("FIFO lets the first in out first, used or not") {
    CHECK(left_after("fifo", "ABCAD") == "BCD");
    CHECK(left_after("fifo", "ABCADE") == "CDE");
}

TEST_CASE("LRU lets the least recently used out") {
    CHECK(left_after("lru", "ABCAD") == "ACD");
    CHECK(left_after("lru", "ABCADE") == "ADE");
    CHECK(left_after("lru", "ABCBADB") == "ABD");
}

TEST_CASE("CLOCK gives what was used a second chance, and not a third") {
    CHECK(left_after("clock", "ABCAD") == "ACD");
    CHECK(left_after("clock", "ABCAAADE") == "ADE");
    CHECK(left_after("clock", "ABCABCD") == "BCD");
    CHECK(left_after("clock", "ABCAADEF") == "DEF");
}

}  // namespace tlscache::test
