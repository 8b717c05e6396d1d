#pragma once

// From memcached's exptime to a time to live.

#include <algorithm>
#include <cstdint>

#include "cache_server/store/shard.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache::command {

// Above it an exptime is a date (memcached's REALTIME_MAXDELTA, 30 days).
inline constexpr std::int64_t relative_seconds_max = 60 * 60 * 24 * 30;

// Seconds from now for an exptime that is not 0; 0 if that is over. A date is converted with the
// wall clock of this moment, rounded up, so that nothing ends early.
inline std::int64_t seconds_until(std::int64_t exptime, const store::instant& now) noexcept {
    if (exptime > relative_seconds_max) {
        exptime -= now.wall_seconds();
    }
    return std::clamp<std::int64_t>(exptime, 0, store::time_to_live::seconds_max);
}

// 0 is no expiry, and nothing else is; negative ones are gone at once.
inline store::time_to_live ttl_of(std::int64_t exptime, const store::instant& now) noexcept {
    return {exptime == 0 ? store::time_to_live::forever : seconds_until(exptime, now)};
}

}  // namespace tlscache::command
