#pragma once

// What a driver waits on: one epoll descriptor that holds the nodes' sockets, a bell that any
// thread rings, and a timer. It can be polled itself, inside a server's loop.

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "client_lib/transport/breaker.hpp"
#include "client_lib/transport/descriptors.hpp"

namespace tlscache::transport {

// The bell by itself, for threads that outlive the poller's interest in them. A full counter
// (EAGAIN) is a bell that rings already.
void ring_bell(int bell) noexcept;

class poller {
  public:
    // Numbers of sockets begin here; those below are the poller's own.
    static constexpr std::uint64_t first_serial = 16;
    using events = std::array<std::uint64_t, 64>;

    // Throws std::system_error. `owned` outlives it and closes what it opened.
    explicit poller(descriptors& owned);
    ~poller();
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    int epoll() const noexcept { return epoll_; }
    int bell() const noexcept { return bell_; }

    // From any thread.
    void ring() noexcept {
        if (!rung_.exchange(true)) {
            ring_bell(bell_);
        }
    }

    // Waits at most timeout_ms (-1: without end) and gives the serials of sockets that have
    // something to tell. Thread safe.
    std::span<const std::uint64_t> wait(events& room, int timeout_ms) noexcept;

    // Makes epoll() readable at `when`, or a little before. One thread at a time.
    void arm(steady_time when) noexcept;

  private:
    int open(int fd, std::uint64_t serial);

    descriptors& owned_;
    int epoll_ = -1;
    int bell_ = -1;
    int timer_ = -1;
    std::atomic<bool> rung_{false};
    std::atomic<bool> expired_{false};
    steady_time armed_ = steady_time::max();
};

}  // namespace tlscache::transport
