#pragma once

// Random bits for jitter and ramps, not for secrets (xorshift64*). One thread at a time.

#include <cstdint>

namespace tlscache::transport {

class random_bits {
  public:
    explicit random_bits(std::uint64_t seed) noexcept : state_(seed | 1) {}

    std::uint64_t next() noexcept {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return (state_ * 0x2545f4914f6cdd1d) >> 16;
    }

  private:
    std::uint64_t state_;
};

}  // namespace tlscache::transport
