// Eight threads on the same keys: for ThreadSanitizer, and for entries that are never torn.

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/store_support.hpp"

namespace tlscache::test {

namespace {

// A value that says whether it is whole: all its bytes are the same.
std::string whole(std::uint64_t n) {
    return std::string(1 + n % 600, static_cast<char>('a' + n % 26));
}

void hammer(store::store& entries, const store::instant& now, std::uint64_t salt,
            std::uint64_t operations, std::atomic<int>& torn) {
    std::mt19937_64 random(salt);
    for (std::uint64_t i = 0; i < operations; ++i) {
        const std::string name = "k" + std::to_string(random() % 5'000);
        const store::key key{name, entries.hash(name, false), false};
        entries.prepare(key.hash);
        store::shard& shard = entries.shard_of(key.hash);
        const std::uint64_t what = random() % 100;
        if (what < 50) {
            shard.get(key, {}, now, [&](const store::entry_view& e, store::get_status) {
                torn += e.value.find_first_not_of(e.value.front()) == e.value.npos ? 0 : 1;
            });
        } else if (what < 90) {
            const std::string value = whole(random());
            store::set_request request;
            request.key = key;
            request.value = value;
            request.ttl = {static_cast<std::int64_t>(1 + random() % 100)};
            shard.set(request, now);
        } else if (what < 97) {
            store::erase_request request;
            request.key = key;
            shard.erase(request, now);
        } else if (what < 99) {
            entries.expire(now, 100);
            entries.collect();
        } else if (i % 50 == 0) {
            entries.flush(now, random() % 2);
        }
    }
}

}  // namespace

TEST_CASE("eight threads see whole values only, and the counts agree afterwards") {
    store::store_options options = cache::with(2 * mebibyte);
    options.shards = 2;
    cache c(options);
    std::atomic<int> torn{0};
    const std::uint64_t each = operations(160'000) / 8;
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] { hammer(c.entries, c.now, seed() + t, each, torn); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(torn == 0);
    std::uint64_t held = 0;
    for (int i = 0; i < 5'000; ++i) {
        held += c.has("k" + std::to_string(i)) ? 1 : 0;
    }
    c.tick();
    const store::statistics s = c.entries.collect();
    CHECK(s.items == held);
    CHECK(s.items_total == s.items + s.expired + s.evicted + s.deleted + s.overwritten + s.flushed);
    CHECK(s.bytes_resident <= s.bytes_max);
}

}  // namespace tlscache::test
