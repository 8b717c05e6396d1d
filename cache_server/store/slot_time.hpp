#pragma once

// Times as slots keep them. An expiry counts half seconds and is rounded up, so an entry lives
// for what was asked and at most half a second more, and the time left, rounded, is what was asked
// for half a second at least.

#include <algorithm>
#include <cstdint>

#include "cache_server/store/shard.hpp"
#include "cache_server/store/slot_fields.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache::store {

inline constexpr std::int64_t half_second_ns = 500'000'000;

inline std::uint32_t half_seconds(const instant& now) noexcept {
    return static_cast<std::uint32_t>(now.boot_ns / half_second_ns);
}

inline std::uint32_t expiry_at(const instant& now, const time_to_live& ttl) noexcept {
    if (ttl.seconds == time_to_live::forever) {
        return expiry_never;
    }
    if (ttl.seconds <= 0) {
        return std::max<std::uint32_t>(1, half_seconds(now));
    }
    const std::int64_t seconds = std::min(ttl.seconds, time_to_live::seconds_max);
    const std::int64_t start = (now.boot_ns + half_second_ns - 1) / half_second_ns;
    const std::int64_t last = expiry_never - 1;
    return static_cast<std::uint32_t>(std::min(start + 2 * seconds, last));
}

inline bool is_due(std::uint32_t expiry, const instant& now) noexcept {
    return expiry != expiry_never && expiry <= half_seconds(now);
}

inline std::int64_t seconds_left(std::uint32_t expiry, const instant& now) noexcept {
    if (expiry == expiry_never) {
        return time_to_live::forever;
    }
    const std::int64_t left_ns = std::int64_t{expiry} * half_second_ns - now.boot_ns;
    return std::max<std::int64_t>(0, (left_ns + half_second_ns - 1) / (2 * half_second_ns));
}

// Of a block's minimum, which is 0 where the block holds nothing.
inline bool is_block_due(std::uint32_t minimum, const instant& now) noexcept {
    return minimum != expiry_free && is_due(minimum, now);
}

inline std::uint16_t access_units(const instant& now) noexcept {
    return static_cast<std::uint16_t>(now.boot_seconds() / 64);
}

}  // namespace tlscache::store
