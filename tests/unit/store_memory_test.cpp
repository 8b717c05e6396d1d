// What -m bounds, and what happens at the bound.

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <string>
#include <system_error>

#include "tests/unit/store_support.hpp"

namespace tlscache::test {

namespace {

// What of the arena is there, as the kernel counts it.
std::size_t arena_bytes() {
    std::ifstream status("/proc/self/status");
    std::string word;
    std::size_t kibibytes = 0;
    while (status >> word) {
        if (word == "RssShmem:") {
            status >> kibibytes;
        }
    }
    return kibibytes * 1024;
}

void check_bounds(cache& c) {
    const store::statistics s = c.entries.collect();
    CHECK(arena_bytes() <= s.bytes_resident);
    CHECK(s.bytes <= s.bytes_max);
    CHECK(s.bytes_resident <= s.bytes_max);
}

// Stores keys prefix0 .. prefix(count-1); how many of the last `last` are there afterwards.
int fill(cache& c, const std::string& prefix, int count, std::size_t bytes, int last) {
    const std::string value(bytes, 'v');
    int refused = 0;
    for (int i = 0; i < count; ++i) {
        refused += c.set(prefix + std::to_string(i), value) == store::set_status::stored ? 0 : 1;
        if (i % 4096 == 0) {
            check_bounds(c);
        }
    }
    CHECK(refused == 0);
    check_bounds(c);
    int present = 0;
    for (int i = count - last; i < count; ++i) {
        present += c.has(prefix + std::to_string(i)) ? 1 : 0;
    }
    return present;
}

}  // namespace

TEST_CASE("memory follows the size mix") {
    for (const auto& policy : plugins::eviction_policies()) {
        CAPTURE(policy.name);
        cache c(16 * mebibyte, policy.name.data());
        CHECK(fill(c, "small", 200'000, 100, 1'000) == 1'000);
        CHECK(fill(c, "large", 4'000, 8'000, 1'000) >= 950);
        CHECK(fill(c, "back", 200'000, 100, 50'000) == 50'000);
        const std::size_t sizes[] = {60, 1'000, 16'000};
        for (int round = 0; round < 4; ++round) {
            const std::string name = "round" + std::to_string(round) + ".";
            for (const std::size_t size : sizes) {
                CHECK(fill(c, name + std::to_string(size), 2'000, size, 500) == 500);
            }
        }
        std::string value;
        for (int i = 0; i < 30'000; ++i) {
            value.assign(sizes[i % 3], 'v');
            CHECK(c.set("mix" + std::to_string(i), value) == store::set_status::stored);
        }
        check_bounds(c);
        CHECK(c.entries.collect().refused_no_memory == 0);
    }
}

TEST_CASE("a small cache works, and stays within its bytes") {
    for (const unsigned megabytes : {1u, 2u, 3u, 4u, 8u}) {
        CAPTURE(megabytes);
        cache c(megabytes * mebibyte);
        CHECK(fill(c, "small", 20'000, 100, 1'000) == 1'000);
        CHECK(fill(c, "large", 500, 20'000, 10) == 10);
        CHECK(fill(c, "tiny", 100'000, 0, 1'000) == 1'000);
        CHECK(fill(c, "again", 500, 2'000, 50) == 50);
    }
}

TEST_CASE("sizes drawn at random stay within the bytes, and are never refused") {
    cache c(4 * mebibyte);
    std::mt19937_64 random(seed());
    MESSAGE("seed ", seed());
    for (int i = 0; i < 60'000; ++i) {
        const std::size_t bytes = random() % (random() % 50 == 0 ? 200'000 : 2'000);
        const std::string name = "k" + std::to_string(random() % 20'000);
        REQUIRE(c.set(name, std::string(bytes, 'v')) == store::set_status::stored);
        if (i % 4 == 0) {
            c.erase("k" + std::to_string(random() % 20'000));
        }
        if (i % 256 == 0) {
            check_bounds(c);
        }
    }
}

TEST_CASE(
    "what is larger than the limit, or than the cache, is refused, evicts nothing, and leaves "
    "no old value") {
    store::store_options options = cache::with(mebibyte);
    options.value_bytes_max = 1'000'000;
    cache c(options);
    c.set("other", "x");
    c.set("k", "old");
    CHECK(c.set("k", std::string(1'000'001, 'v')) == store::set_status::too_large);
    CHECK(c.set("k", std::string(1'000'001, 'v'), 0) == store::set_status::too_large);
    CHECK_FALSE(c.has("k"));
    c.set("k", "old");
    CHECK(c.set("k", std::string(999'999, 'v')) == store::set_status::stored);
    CHECK(c.get("k")->size() == 999'999);

    cache tiny(cache::with(512 * 1024));
    tiny.set("other", "x");
    CHECK(tiny.set("k", std::string(600'000, 'v')) == store::set_status::too_large);
    CHECK(tiny.has("other"));
    CHECK(tiny.entries.collect().refused_too_large == 1);
    CHECK(tiny.entries.collect().evicted == 0);
}

TEST_CASE("without eviction a full cache refuses and counts, and takes again what was made free") {
    store::store_options options = cache::with(mebibyte);
    options.evict = false;
    cache c(options);
    const std::string value(1'000, 'v');
    int stored = 0;
    while (c.set("k" + std::to_string(stored), value) == store::set_status::stored) {
        ++stored;
    }
    CHECK(stored > 800);
    CHECK(c.has("k0"));
    CHECK(c.set("more", value) == store::set_status::no_memory);
    CHECK(c.entries.collect().refused_no_memory == 2);
    CHECK(c.entries.collect().evicted == 0);
    CHECK(c.set("k1", std::string(1'000, 'w')) == store::set_status::stored);
    c.erase("k2");
    CHECK(c.set("more", value) == store::set_status::stored);
    check_bounds(c);
}

TEST_CASE("without eviction, what is replaced in a full cache is replaced or refused, never both") {
    store::store_options options = cache::with(mebibyte);
    options.evict = false;
    cache c(options);
    std::mt19937_64 random(seed());
    MESSAGE("seed ", seed());
    const auto key = [&] { return "k" + std::to_string(random() % 6'000); };
    std::uint64_t refused = 0;
    for (int i = 0; i < 200'000; ++i) {
        const std::string name = key();
        const std::string value(random() % (random() % 100 == 0 ? 20'000 : 300), 'v');
        const store::set_status status = c.set(name, value);
        REQUIRE(c.get(name).has_value() == (status == store::set_status::stored));
        refused += status == store::set_status::no_memory ? 1 : 0;
        if (i % 20'000 < 2'000) {
            c.erase(key());
        }
        if (i % 1'000 == 0) {
            check_bounds(c);
        }
    }
    const store::statistics s = c.entries.collect();
    CHECK(refused > 0);
    CHECK(s.refused_no_memory == refused);
    CHECK(s.items_total == s.items + s.expired + s.evicted + s.deleted + s.overwritten + s.flushed);
    std::uint64_t present = 0;
    for (int i = 0; i < 6'000; ++i) {
        present += c.has("k" + std::to_string(i)) ? 1 : 0;
    }
    CHECK(present == s.items);
}

TEST_CASE("a limit of exactly what is reserved is enough to lock memory, a page less is not") {
    constexpr std::size_t page = 4096;
    const std::size_t reserved = store::store::reserved_bytes(2 * mebibyte);
    const auto locks_within = [](std::size_t bytes) {
        const pid_t child = ::fork();
        if (child == 0) {
            const rlimit limit{bytes, bytes};
            bool locked = ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
            // Root may lock without limit.
            locked = locked && (::geteuid() != 0 || ::setuid(65'534) == 0);
            try {
                store::store_options options = cache::with(2 * mebibyte);
                options.lock_memory = store::lock_memory_mode::required;
                const cache c(options);
            } catch (const std::system_error&) {
                locked = false;
            }
            ::_exit(locked ? 0 : 1);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        return status == 0;
    };
    CHECK(locks_within(reserved));
    CHECK_FALSE(locks_within(reserved - page));
}

TEST_CASE("memory goes back to the system when the cache empties") {
    cache c(16 * mebibyte);
    fill(c, "k", 50'000, 200, 1);
    const std::uint64_t full = c.entries.collect().bytes_resident;
    c.entries.flush(c.now, 0);
    for (int tick = 0; tick < 20; ++tick) {
        c.entries.expire(c.now, 1'000);
    }
    const store::statistics s = c.entries.collect();
    CHECK(s.items == 0);
    CHECK(s.bytes == 0);
    CHECK(s.bytes_resident < full / 3);
}

TEST_CASE("all keys are found while the index grows, and none after they are erased") {
    cache c(64 * mebibyte);
    const int count = 200'000;
    for (int i = 0; i < count; ++i) {
        c.set(std::to_string(i), std::to_string(i * 7));
    }
    int wrong = 0;
    for (int i = 0; i < count; ++i) {
        wrong += c.get(std::to_string(i)) == std::to_string(i * 7) ? 0 : 1;
    }
    CHECK(wrong == 0);
    for (int i = 0; i < count; i += 2) {
        wrong += c.erase(std::to_string(i)) == store::erase_status::erased ? 0 : 1;
    }
    for (int i = 0; i < count; ++i) {
        wrong += c.has(std::to_string(i)) == (i % 2 == 1) ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(c.entries.collect().items == count / 2);
}

TEST_CASE("keys of 1 and 250 bytes are kept, none and 251 bytes are refused") {
    cache c;
    for (const unsigned bytes : {1u, 2u, 249u, 250u}) {
        const std::string name(bytes, 'k');
        CHECK(c.set(name, "x") == store::set_status::stored);
        CHECK(c.get(name) == "x");
    }
    for (const unsigned bytes : {0u, 251u, 255u, 256u, 1'000u}) {
        const std::string name(bytes, 'k');
        CHECK(c.set(name, "x") == store::set_status::too_large);
        CHECK_FALSE(c.has(name));
    }
    CHECK(c.entries.collect().items == 4);
}

TEST_CASE("tagged and other keys of the same bytes are two entries") {
    cache c;
    const std::string name(18, 'k');
    for (const bool tagged : {false, true}) {
        store::set_request request;
        request.key = c.key(name, tagged);
        request.value = tagged ? "tagged" : "other";
        CHECK(c.set(request).status == store::set_status::stored);
    }
    CHECK(c.entries.collect().items == 2);
    CHECK(c.get(name) == "other");
    c.erase(name);
    CHECK_FALSE(c.has(name));
    CHECK(c.entries.collect().items == 1);
}

TEST_CASE("values of every length around a boundary of sizes come back whole") {
    cache c;
    for (std::size_t bytes = 0; bytes < 20'000; bytes += bytes < 9'000 ? 1 : 97) {
        const std::string value(bytes, static_cast<char>('a' + bytes % 26));
        const std::string name = "k" + std::to_string(bytes);
        REQUIRE(c.set(name, value) == store::set_status::stored);
        REQUIRE(c.get(name) == value);
    }
    for (const unsigned bytes : {65'535u, 65'536u, 1'048'575u, 1'048'576u}) {
        const std::string value(bytes, 'v');
        CHECK(c.set("large", value) == store::set_status::stored);
        CHECK(c.get("large") == value);
    }
}

TEST_CASE("shards: one for small caches, one per 64 MiB at least, more for threads") {
    const auto shards = [](std::size_t bytes, unsigned threads) {
        store::store_options options = cache::with(bytes);
        options.threads = threads;
        return cache(options).entries.shard_count();
    };
    CHECK(shards(mebibyte, 8) == 1);
    CHECK(shards(16 * mebibyte, 8) == 1);
    CHECK(shards(64 * mebibyte, 4) == 4);
    CHECK(shards(64 * mebibyte, 1) == 2);
    CHECK(shards(1'024 * mebibyte, 1) == 16);
    CHECK(shards(1'024 * mebibyte, 16) == 32);
}

TEST_CASE("LRU order of eviction is exact over a mix of sizes") {
    cache c(2 * mebibyte, "lru");
    std::mt19937_64 random(seed());
    std::vector<int> order;  // oldest first
    for (int i = 0; i < 20'000; ++i) {
        c.set("k" + std::to_string(i), std::string(20 + random() % 900, 'v'));
        order.push_back(i);
    }
    bool held = false;
    int wrong = 0;
    for (const int i : order) {
        const bool here = c.has("k" + std::to_string(i));
        wrong += held && !here ? 1 : 0;
        held = held || here;
    }
    CHECK(held);
    CHECK(wrong == 0);
}

}  // namespace tlscache::test
