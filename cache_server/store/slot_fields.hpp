#pragma once

// What a shard knows of each slot: 13 bytes that lie together, since a lookup reads them all, and
// a minimum for each 64 slots, so that a scan for expired entries reads a 16th of a byte per entry
// that is not due. Guarded by the shard's lock.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "cache_server/store/eviction_policy.hpp"
#include "cache_server/store/lazy_array.hpp"

namespace tlscache::store {

enum slot_bit : std::uint8_t {
    bit_fetched = 1,
    bit_stale = 2,
    bit_win_sent = 4,
    bit_cas_seen = 8,  // somebody was told its cas
    bit_epoch = 16,    // which side of the last flush it was stored on
    bit_run = 32,      // kept in a run of pages, not in a page of its size class
};

// Expiry is in half seconds of the boot clock: see slot_time.hpp.
inline constexpr std::uint32_t expiry_free = 0;  // the slot holds nothing
inline constexpr std::uint32_t expiry_never = 0xffff'ffff;

class slot_fields {
  public:
    static constexpr std::uint32_t block_slots = 64;
    // A record, and the slot's share of its block's minimum.
    static constexpr std::size_t bytes_per_slot = 14;

    explicit slot_fields(std::uint32_t slots_max)
        : records_(slots_max + block_slots),  // blocks are read whole
          block_minimum_(slots_max / block_slots + 1) {}

    std::uint32_t where(slot s) const noexcept { return get24(records_[s].where); }
    void set_where(slot s, std::uint32_t where) noexcept { set24(records_[s].where, where); }

    std::uint32_t expiry(slot s) const noexcept {
        std::uint32_t expiry = 0;
        std::memcpy(&expiry, records_[s].expiry, sizeof expiry);
        return expiry;
    }
    bool held(slot s) const noexcept { return expiry(s) != expiry_free; }
    void set_expiry(slot s, std::uint32_t expiry) noexcept {
        std::memcpy(records_[s].expiry, &expiry, sizeof expiry);
        std::uint32_t& minimum = block_minimum_[s / block_slots];
        if (expiry != expiry_free && expiry - 1 < minimum - 1) {
            minimum = expiry;  // 0 stands for "none": minus one it is the largest
        }
    }

    // The earliest expiry in a block at most; 0 if the block holds nothing.
    std::uint32_t block_minimum(std::uint32_t block) const noexcept {
        return block_minimum_[block];
    }
    void update_block_minimum(std::uint32_t block) noexcept {
        std::uint32_t minimum = 0;
        for (slot s = block * block_slots; s != (block + 1) * block_slots; ++s) {
            minimum = std::min(minimum - 1, expiry(s) - 1) + 1;
        }
        block_minimum_[block] = minimum;
    }

    bool has(slot s, slot_bit bit) const noexcept { return (records_[s].bits & bit) != 0; }
    std::uint8_t bits(slot s) const noexcept { return records_[s].bits; }
    void set_bits(slot s, std::uint8_t bits) noexcept { records_[s].bits = bits; }
    void change(slot s, slot_bit bit, bool on) noexcept {
        std::uint8_t& bits = records_[s].bits;
        bits = static_cast<std::uint8_t>(on ? bits | bit : bits & ~bit);
    }

    // Seconds of the boot clock when it was stored, modulo 2^24 (194 days).
    std::uint32_t stored(slot s) const noexcept { return get24(records_[s].stored); }
    void set_stored(slot s, std::uint32_t seconds) noexcept { set24(records_[s].stored, seconds); }

    // 64-second units of the boot clock at the last access, modulo 2^16 (48 days).
    std::uint16_t access(slot s) const noexcept {
        std::uint16_t units = 0;
        std::memcpy(&units, records_[s].access, sizeof units);
        return units;
    }
    void set_access(slot s, std::uint16_t units) noexcept {
        std::memcpy(records_[s].access, &units, sizeof units);
    }

  private:
    struct record {  // bytes only, so that it is not padded
        std::uint8_t expiry[4];
        std::uint8_t where[3];
        std::uint8_t stored[3];
        std::uint8_t access[2];
        std::uint8_t bits;
    };
    static_assert(sizeof(record) < bytes_per_slot);

    lazy_array<record> records_;
    lazy_array<std::uint32_t> block_minimum_;
};

}  // namespace tlscache::store
