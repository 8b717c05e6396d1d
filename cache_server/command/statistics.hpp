#pragma once

// What the commands count. Each executor counts in a block of its own (relaxed atomics, written by
// one thread); sums are made when somebody asks.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string_view>

#include "cache_server/store/statistics.hpp"

namespace tlscache::command {

enum class counter : std::uint8_t {
    cmd_get,  // one per key
    cmd_set,
    cmd_flush,
    cmd_touch,
    cmd_meta,
    get_hits,
    get_misses,
    delete_misses,
    delete_hits,
    incr_misses,
    incr_hits,
    decr_misses,
    decr_hits,
    cas_misses,
    cas_hits,
    cas_badval,
    touch_hits,
    touch_misses,
    store_too_large,
    store_no_memory,
    tagged_get,
    tagged_hits,
    tagged_set,
    judged_no,
    refused_unknown_command,
    refused_bad_line,
    refused_key_too_long,
    refused_bad_data,
    refused_line_too_long,
    other_protocol_tls,
    other_protocol_binary,
    other_protocol_resp,
    other_protocol_http,
    count_,
};
inline constexpr std::size_t counter_count = static_cast<std::size_t>(counter::count_);

// As it stands in "stats" ("get_hits", "tls_refused_bad_line").
std::string_view name_of(counter which) noexcept;

using counter_values = std::array<std::uint64_t, counter_count>;

// Counters of one executor. add() by its thread only, read by any.
class counter_block {
  public:
    void add(counter which) noexcept {
        std::atomic<std::uint64_t>& value = values_[static_cast<std::size_t>(which)];
        value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    void add_to(counter_values& sum) const noexcept;

  private:
    alignas(64) std::array<std::atomic<std::uint64_t>, counter_count> values_{};
};

// One per daemon, outlives the executors. Thread safe.
class statistics {
  public:
    counter_block& new_block();

    // Since the start; never go down. For metrics.
    counter_values totals() const;

    // Since the last "stats reset"; for memcached's names.
    counter_values since_reset() const;
    store::statistics since_reset(const store::statistics& now) const;

    // "stats reset": remembers where the counters stand.
    void reset(const store::statistics& now);

  private:
    counter_values sum() const noexcept;  // under the lock

    mutable std::mutex mutex_;  // guards all below
    std::list<counter_block> blocks_;
    counter_values base_{};
    store::statistics store_base_;
};

}  // namespace tlscache::command
