#pragma once

// Time as the store sees it: two readings taken together, handed in by the caller.
// Only main.cpp (and the tests' manual clock) makes them.

#include <cstdint>

namespace tlscache::store {

// Lifetimes run on CLOCK_BOOTTIME, so that the secrets of a suspended machine age too; the wall
// clock serves to convert absolute dates, at the moment they arrive.
struct instant {
    std::int64_t boot_ns = 0;  // since the machine started, suspended time included
    std::int64_t wall_ns = 0;  // since 1970-01-01 UTC

    std::int64_t boot_seconds() const noexcept { return boot_ns / 1'000'000'000; }
    std::int64_t wall_seconds() const noexcept { return wall_ns / 1'000'000'000; }
};

// Reads both clocks once per batch of requests.
class clock {
  public:
    virtual ~clock() = default;
    virtual instant now() const noexcept = 0;
};

}  // namespace tlscache::store
