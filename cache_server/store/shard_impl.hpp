#pragma once

// A shard's inside: what the calls of shard.hpp share. All under the shard's lock.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "cache_server/store/entry_table.hpp"
#include "cache_server/store/eviction_policy.hpp"
#include "cache_server/store/shard.hpp"
#include "cache_server/store/slot_time.hpp"

namespace tlscache::store {

struct shard_options {
    const arena& memory;
    char* base = nullptr;  // of the shard's part of it
    std::size_t bytes_max = 0;
    std::size_t value_bytes_max = 0;
    bool evict = true;
    bool use_cas = true;
    policy_factory policy = nullptr;
};

// What a new entry gets beside its content.
struct entry_birth {
    std::uint32_t expiry = expiry_never;
    std::uint8_t bits = 0;
    std::optional<std::uint64_t> new_cas;
    std::uint64_t hint = 0;
};

enum class store_outcome : std::uint8_t { stored, too_large, no_memory };

struct shard::impl {
    impl(const shard_options& options, const key_hash& hash);

    // Carries out a flush that has become due.
    void advance(const instant& now) noexcept;
    void flush(const instant& now, std::uint64_t delay_seconds) noexcept;

    // The entry of a key, if it is there and alive; what is due goes at once.
    std::optional<slot> live(const tlscache::store::key& key, const instant& now) noexcept;

    void remove(slot s, removal_cause cause) noexcept;
    void overwrite(slot s) noexcept;
    void evict(slot s, const instant& now) noexcept;

    // Puts a new entry in the place of `old`, if any. Evicts as needed. `placed` is its slot if it
    // is `stored`. If not, `old` is still there, or is nullopt now: it went before the new one
    // turned out to have no place.
    store_outcome replace(std::optional<slot>& old, entry_content content, const entry_birth& birth,
                          const instant& now, slot& placed);

    void touch(slot s, const time_to_live& ttl, const instant& now) noexcept;
    void note_hit(slot s, std::uint64_t hint, const instant& now) noexcept;

    // Seconds since it was stored. Negative if that was by a request with a later reading of the
    // clock: threads read it once per batch, so one may still work with an earlier reading.
    std::int64_t age(slot s, const instant& now) const noexcept;
    // Its cas without telling it to anybody; 0 under -C.
    std::uint64_t cas_of(slot s, const instant& now) const noexcept;
    // The same, told to somebody.
    std::uint64_t show_cas(slot s, const instant& now) noexcept;
    void cas_changes(slot s, const instant& now) noexcept;
    std::uint64_t next_cas(const instant& now) noexcept;
    // What an entry stored now must have as its own cas; 0 if the derived one will do.
    std::uint64_t cas_for_new(const std::optional<std::uint64_t>& asked,
                              const instant& now) noexcept;

    entry_view view(slot s, bool show, const instant& now) noexcept;

    // See shard::find, set, erase, calculate, expire.
    get_status find(const tlscache::store::key& key, const access& how, const instant& now,
                    entry_view& entry);
    set_result set(const set_request& request, const instant& now);
    erase_status erase(const erase_request& request, const instant& now);
    arithmetic_status calculate(const arithmetic_request& request, const instant& now,
                                entry_view& entry);
    bool expire(const instant& now, std::size_t entries_max) noexcept;

    std::optional<set_result> refuse_set(const set_request& request, std::optional<slot> old,
                                         bool& stale, const instant& now);
    set_result append(const set_request& request, slot s, const instant& now);
    erase_status keep_as_stale(const erase_request& request, slot s, const instant& now);
    arithmetic_status write_number(const arithmetic_request& request, slot s, std::uint64_t number,
                                   const instant& now, entry_view& entry);
    arithmetic_status start_number(const arithmetic_request& request, const instant& now,
                                   entry_view& entry);
    void begin_flush(const instant& now) noexcept;
    std::size_t sweep_flushed(std::size_t entries_max) noexcept;
    std::size_t expire_block(std::uint32_t block, const instant& now, std::size_t max) noexcept;
    void count_refusal(store_outcome outcome) noexcept;

    static constexpr std::int64_t no_flush = std::numeric_limits<std::int64_t>::max();
    static constexpr std::size_t number_bytes_max = 20;

    const shard_options options;
    const std::size_t policy_bytes_per_slot;
    entry_table table;
    std::unique_ptr<eviction_policy> policy;
    statistics counters;

    std::int64_t flush_at_ns = no_flush;
    std::uint8_t epoch = 0;        // bit_epoch or 0: of entries stored since the last flush
    std::uint32_t sweep_next = 0;  // flushed entries are in [sweep_next, sweep_end)
    std::uint32_t sweep_end = 0;
    std::uint32_t expire_cursor = 0;  // block where the next scan begins
    std::uint64_t last_cas = 0;
    std::int64_t contended_second = -1;  // see cas_changes
    char number[number_bytes_max];       // what calculate() shows
};

}  // namespace tlscache::store
