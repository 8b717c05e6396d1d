#pragma once

// What -m bounds beside the shards: connection buffers and queues. The shards have a fixed share
// of -m of their own; this is the rest, given out and taken back in bytes.
//
// Thread safe. A refusal is an answer, never an error: the caller pauses, drops or closes.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tlscache::store {

class memory_budget {
  public:
    explicit memory_budget(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

    // `kept` bytes at least are left for charges that matter more.
    [[nodiscard]] bool try_charge(std::size_t bytes, std::size_t kept = 0) noexcept {
        std::size_t used = used_.load(std::memory_order_relaxed);
        do {
            if (bytes + kept > bytes_max_ - used) {
                refused_.fetch_add(1, std::memory_order_relaxed);
                return false;
            }
        } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
        return true;
    }
    void release(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

    std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
    std::size_t bytes_max() const noexcept { return bytes_max_; }
    std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

  private:
    const std::size_t bytes_max_;
    std::atomic<std::size_t> used_{0};
    std::atomic<std::uint64_t> refused_{0};
};

}  // namespace tlscache::store
