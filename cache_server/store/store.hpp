#pragma once

// The cache: shards behind one short lock each. A request goes to the shard of its key's hash and
// never hops threads. Nothing outside store/ keeps a pointer into it: what a hit shows is valid
// inside the callback only.
//
// Thread safe. Lifetimes are exact: never early, at most a second late, and expire() makes entries
// go without any request.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "cache_server/store/arena.hpp"
#include "cache_server/store/eviction_policy.hpp"
#include "cache_server/store/shard.hpp"
#include "cache_server/store/statistics.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache::store {

struct store_options {
    std::size_t bytes_max = 64u << 20;    // the shards' part of -m: entries, index, policy state
    std::size_t value_bytes_max = 16384;  // -I
    unsigned threads = 4;                 // decides the number of shards beside bytes_max
    policy_factory policy = nullptr;
    bool evict = true;    // -M: false refuses a store when full
    bool use_cas = true;  // -C
    using lock_memory_mode = tlscache::store::lock_memory_mode;
    lock_memory_mode lock_memory = lock_memory_mode::automatic;
    unsigned shards = 0;  // 0: by the rule of bytes_max and threads
};

class store {
  public:
    // Throws std::system_error if memory can't be reserved, or can't be locked under `required`.
    explicit store(const store_options& options, const instant& now);
    ~store();  // erases everything
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    // Addresses that it reserves; the kernel counts all of them as locked, touched or not.
    static std::size_t reserved_bytes(std::size_t bytes_max) noexcept;

    // The hash that keys carry: keyed with random bits of this process.
    std::uint64_t hash(std::string_view key_bytes, bool tagged) const noexcept;

    // Prefetches what a lookup of this hash will touch, so that a batch is done in two passes.
    void prepare(std::uint64_t key_hash) const noexcept { shard_of(key_hash).prepare(key_hash); }
    // The second step, when others have been prepared meanwhile: prefetches the entry itself.
    // Takes the shard's lock for a moment.
    void prepare_entry(std::uint64_t key_hash) const noexcept {
        shard_of(key_hash).prepare_entry(key_hash);
    }

    shard& shard_of(std::uint64_t key_hash) const noexcept;

    // Removes what is due, in all shards, at most entries_max of them; true if more is due.
    bool expire(const instant& now, std::size_t entries_max) noexcept;

    // Everything stored before `at` is a miss from `at` on (memcached's flush_all N), and erased.
    void flush(const instant& now, std::uint64_t delay_seconds) noexcept;

    statistics collect() const noexcept;

    bool memory_locked() const noexcept;
    std::size_t shard_count() const noexcept;
    std::size_t policy_bytes_per_slot() const noexcept;

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache::store
