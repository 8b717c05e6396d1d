#pragma once

// Whether a node is worth asking. Opens at once on a hard error (refused, reset, nonsense), after
// three deadlines missed in a row, and when more than a tenth of a second's lookups took above 2
// ms. While open, lookups are answered `unavailable` without touching a socket; probes in the
// background, never a user's lookup, find out when the node is back. Three good probes in a row
// close it, and then lookups come back over two seconds, 10 % first.
//
// Plain objects: time and random bits are parameters. One thread at a time.

#include <chrono>
#include <cstdint>

#include "client_lib/transport/limits.hpp"

namespace tlscache::transport {

using steady_time = std::chrono::steady_clock::time_point;
using steady_duration = std::chrono::steady_clock::duration;

// Pauses that double up to a cap, each +-50 % at random, so that many processes do not come back
// in step.
class backoff {
  public:
    // When to try next after a failure at `now`.
    steady_time failed(steady_time now, std::uint64_t random) noexcept;
    void succeeded() noexcept { pause_ = backoff_first; }

  private:
    milliseconds pause_ = backoff_first;
};

class breaker {
  public:
    enum class circuit : std::uint8_t { closed, open, ramping };

    // enabled false: never opens.
    explicit breaker(bool enabled = true, steady_duration slow = breaker_slow) noexcept
        : enabled_(enabled), slow_(slow) {}

    // Whether a lookup may go to the node now.
    bool allows(steady_time now, std::uint64_t random) noexcept;
    circuit state() const noexcept { return state_; }

    void on_reply(steady_time now, steady_duration took) noexcept;
    void on_deadline(steady_time now) noexcept;
    void on_hard_error() noexcept { open(); }

    // Of a probe while open; each good one counts towards closing.
    void on_probe(steady_time now, steady_duration took) noexcept;

    std::uint64_t times_opened() const noexcept { return times_opened_; }

  private:
    void open() noexcept;
    void sample(steady_time now, bool slow) noexcept;

    const bool enabled_;
    const steady_duration slow_;
    circuit state_ = circuit::closed;
    unsigned deadlines_in_row_ = 0;
    unsigned good_probes_ = 0;
    unsigned window_samples_ = 0;
    unsigned window_slow_ = 0;
    steady_time window_begin_{};
    steady_time ramp_begin_{};
    std::uint64_t times_opened_ = 0;
};

}  // namespace tlscache::transport
