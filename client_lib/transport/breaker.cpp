#include "client_lib/transport/breaker.hpp"

#include <algorithm>

// The 90th percentile of a window is above a bound exactly if more than a tenth of its samples are,
// so two counters do for a histogram. The windows follow each other; none overlaps another.
//
//          hard error, deadlines, slow                3 good probes
//   closed ---------------------------> open ----------------------------> ramping --2 s--> closed
//                                         <-- hard error, deadlines, slow --

namespace tlscache::transport {

steady_time backoff::failed(steady_time now, std::uint64_t random) noexcept {
    const auto permille = static_cast<std::int64_t>(500 + random % 1001);
    const auto pause = std::chrono::microseconds(pause_.count() * permille);
    pause_ = std::min(pause_ * 2, backoff_last);
    return now + pause;
}

bool breaker::allows(steady_time now, std::uint64_t random) noexcept {
    if (state_ == circuit::closed) {
        return true;
    }
    if (state_ == circuit::open) {
        return false;
    }
    const auto passed = now - ramp_begin_;
    if (passed >= breaker_ramp) {
        state_ = circuit::closed;
        return true;
    }
    constexpr std::uint64_t first = breaker_ramp_first_percent;
    const auto grown = std::max(passed, steady_duration::zero()) * (100 - first) / breaker_ramp;
    return random % 100 < first + static_cast<std::uint64_t>(grown);
}

void breaker::on_reply(steady_time now, steady_duration took) noexcept {
    deadlines_in_row_ = 0;
    sample(now, took > slow_);
}

void breaker::on_deadline(steady_time now) noexcept {
    if (state_ != circuit::open && ++deadlines_in_row_ >= breaker_deadlines_in_row) {
        open();
        return;
    }
    sample(now, true);
}

void breaker::on_probe(steady_time now, steady_duration took) noexcept {
    if (state_ != circuit::open) {
        return;
    }
    good_probes_ = took > slow_ ? 0 : good_probes_ + 1;
    if (good_probes_ >= breaker_good_probes) {
        state_ = circuit::ramping;
        ramp_begin_ = now;
        window_begin_ = now;
        window_samples_ = window_slow_ = 0;
        deadlines_in_row_ = 0;
    }
}

void breaker::open() noexcept {
    good_probes_ = 0;
    if (enabled_ && state_ != circuit::open) {
        state_ = circuit::open;
        ++times_opened_;
    }
}

void breaker::sample(steady_time now, bool slow) noexcept {
    if (state_ == circuit::open) {
        return;
    }
    if (now - window_begin_ >= breaker_window) {
        window_begin_ = now;
        window_samples_ = window_slow_ = 0;
    }
    ++window_samples_;
    window_slow_ += slow ? 1 : 0;
    if (window_samples_ >= breaker_window_samples_min && window_slow_ * 10 > window_samples_) {
        open();
    }
}

}  // namespace tlscache::transport
