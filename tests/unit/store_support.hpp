#pragma once

// A store with a clock that tests move by hand, and verbs that read as commands do.

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "cache_server/store/store.hpp"
#include "plugins/registry.hpp"

namespace tlscache::test {

inline constexpr std::int64_t second_ns = 1'000'000'000;
inline constexpr std::size_t mebibyte = std::size_t{1} << 20;

// How many random operations a test does in all; TLSCACHE_TEST_OPS raises or lowers it.
inline std::uint64_t operations(std::uint64_t by_default) {
    const char* const asked = std::getenv("TLSCACHE_TEST_OPS");
    return asked == nullptr ? by_default : std::strtoull(asked, nullptr, 10);
}

inline std::uint64_t seed() {
    const char* const asked = std::getenv("TLSCACHE_TEST_SEED");
    return asked == nullptr ? 20'240'229 : std::strtoull(asked, nullptr, 10);
}

struct cache {
    explicit cache(store::store_options options) : entries(options, now) {}
    explicit cache(std::size_t bytes_max = 16 * mebibyte, const char* policy = "lru")
        : cache(with(bytes_max, policy)) {}

    static store::store_options with(std::size_t bytes_max, const char* policy = "lru") {
        store::store_options options;
        options.bytes_max = bytes_max;
        options.policy = plugins::find_eviction_policy(policy);
        options.value_bytes_max = mebibyte;
        return options;
    }

    store::key key(std::string_view name, bool tagged = false) const {
        return {name, entries.hash(name, tagged), tagged};
    }
    store::shard& shard_of(const store::key& k) const { return entries.shard_of(k.hash); }

    store::set_result set(const store::set_request& request) {
        return shard_of(request.key).set(request, now);
    }
    store::set_status set(std::string_view name, std::string_view value,
                          std::int64_t ttl = store::time_to_live::forever) {
        store::set_request request;
        request.key = key(name);
        request.value = value;
        request.ttl = {ttl};
        request.show_cas = false;
        return set(request).status;
    }
    std::optional<std::string> get(std::string_view name, const store::access& how = {}) {
        std::optional<std::string> value;
        const store::key k = key(name);
        shard_of(k).get(k, how, now, [&](const store::entry_view& e, store::get_status) {
            value = std::string(e.value);
            seen = e;
        });
        return value;
    }
    bool has(std::string_view name) {
        store::access quietly;
        quietly.no_bump = true;
        quietly.show_cas = false;
        return get(name, quietly).has_value();
    }
    store::erase_status erase(std::string_view name) {
        store::erase_request request;
        request.key = key(name);
        return shard_of(request.key).erase(request, now);
    }
    bool touch(std::string_view name, std::int64_t ttl) {
        store::access how;
        how.touch = store::time_to_live{ttl};
        return get(name, how).has_value();
    }
    void pass(double seconds) {
        const auto ns = static_cast<std::int64_t>(seconds * 1e9);
        now.boot_ns += ns;
        now.wall_ns += ns;
    }
    void tick() {
        while (entries.expire(now, 100)) {
        }
    }

    store::instant now{1'000 * second_ns, 1'700'000'000 * second_ns};
    store::store entries;
    store::entry_view seen;  // of the last hit; its value is gone
};

}  // namespace tlscache::test
