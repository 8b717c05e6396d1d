#pragma once

// What a shard knows of each slot, as arrays of fields: a scan for expired entries reads four
// bytes an entry and nothing else. Guarded by the shard's lock.

#include <algorithm>
#include <cstdint>

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
    // where 3, expiry 4, bits 1, stored 3, access 2, and the block's share of its minimum
    static constexpr std::size_t bytes_per_slot = 14;

    explicit slot_fields(std::uint32_t slots_max)
        : where_(slots_max),
          expiry_(slots_max + block_slots),  // blocks are read whole
          bits_(slots_max),
          stored_(slots_max),
          access_(slots_max),
          block_minimum_(slots_max / block_slots + 1) {}

    std::uint32_t where(slot s) const noexcept { return where_.get(s); }
    void set_where(slot s, std::uint32_t where) noexcept { where_.set(s, where); }

    std::uint32_t expiry(slot s) const noexcept { return expiry_[s]; }
    bool held(slot s) const noexcept { return expiry_[s] != expiry_free; }
    void set_expiry(slot s, std::uint32_t expiry) noexcept {
        expiry_[s] = expiry;
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
        const std::uint32_t* const first = &expiry_[block * block_slots];
        std::uint32_t minimum = 0;
        for (const std::uint32_t* at = first; at != first + block_slots; ++at) {
            minimum = std::min(minimum - 1, *at - 1) + 1;
        }
        block_minimum_[block] = minimum;
    }

    bool has(slot s, slot_bit bit) const noexcept { return (bits_[s] & bit) != 0; }
    std::uint8_t bits(slot s) const noexcept { return bits_[s]; }
    void set_bits(slot s, std::uint8_t bits) noexcept { bits_[s] = bits; }
    void change(slot s, slot_bit bit, bool on) noexcept {
        bits_[s] = static_cast<std::uint8_t>(on ? bits_[s] | bit : bits_[s] & ~bit);
    }

    // Seconds of the boot clock when it was stored, modulo 2^24 (194 days).
    std::uint32_t stored(slot s) const noexcept { return stored_.get(s); }
    void set_stored(slot s, std::uint32_t seconds) noexcept { stored_.set(s, seconds & 0xff'ffff); }

    // 64-second units of the boot clock at the last access, modulo 2^16 (48 days).
    std::uint16_t access(slot s) const noexcept { return access_[s]; }
    void set_access(slot s, std::uint16_t units) noexcept { access_[s] = units; }

  private:
    lazy_array24 where_;
    lazy_array<std::uint32_t> expiry_;
    lazy_array<std::uint8_t> bits_;
    lazy_array24 stored_;
    lazy_array<std::uint16_t> access_;
    lazy_array<std::uint32_t> block_minimum_;
};

}  // namespace tlscache::store
