#pragma once

// Who goes when room is needed. A policy sees slot numbers, never keys, bytes or clocks; expiry is
// the store's duty. The very objects that run in the daemon are those that the trace replay runs.
//
// Called under the shard's lock, by one thread at a time. Allocates only when built. Throws
// nothing after construction.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace tlscache::store {

// Number of an entry in its shard; 0 .. slots_max - 1. Reused after on_remove.
using slot = std::uint32_t;

enum class removal_cause : std::uint8_t { evicted, expired, deleted, flushed };

struct insertion {
    tlscache::store::slot slot;
    std::uint64_t key_hash;  // the same key has the same hash for the life of the process
    std::uint32_t charge;    // bytes that the entry costs
    std::uint32_t lifetime;  // seconds told at insertion; 0: none told
    std::uint64_t hint;      // keyed hash of the peer; 0: none given
};

// What a policy may count on when it is built.
struct policy_limits {
    std::uint32_t slots_max;
    std::uint64_t charge_max;  // the sum of charges never exceeds it
};

class eviction_policy {
  public:
    virtual ~eviction_policy() = default;

    virtual void on_insert(const insertion& entry) noexcept = 0;
    virtual void on_hit(tlscache::store::slot slot, std::uint64_t hint) noexcept = 0;
    virtual void on_resize(tlscache::store::slot slot, std::uint32_t charge) noexcept = 0;
    virtual void on_remove(tlscache::store::slot slot, removal_cause cause) noexcept = 0;

    // Who goes next; nullopt when it holds nothing. The same answer until another call changes
    // the state; the entry goes only when the store says on_remove.
    virtual std::optional<tlscache::store::slot> victim() noexcept = 0;

    // State kept per possible slot, in bytes; charged to -m and shown in the statistics.
    virtual std::size_t bytes_per_slot() const noexcept = 0;
};

// How the store gets its policy by name, one per shard; plugins/registry implements it.
using policy_factory = std::unique_ptr<eviction_policy> (*)(const policy_limits& limits);

}  // namespace tlscache::store
