#pragma once

// What the net side counts. A counter has one thread that adds and any number that read; it never
// goes down. "stats reset" keeps the difference in the view (service/), not here.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tlscache::net {

class counter {
  public:
    // By the owning thread only: a plain load and store, no locked instruction.
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// Of one worker; alone on its cache lines.
struct alignas(64) worker_counters {
    counter bytes_read;
    counter bytes_written;
    counter paused_peers;         // did not read: no more is read from it until it does
    counter closed_stalled;       // left a request unfinished
    counter closed_unread;        // took none of its replies
    counter closed_idle;          // --idle-timeout
    counter closed_reset;         // gone by an error of the socket
    counter refused_read_buffer;  // no memory for an unfinished request
    counter refused_unsent;       // no memory for replies that the peer does not take
    counter refused_long;         // an unfinished request longer than any that is valid
    counter refused_connections;  // no memory for the connection itself, or no room in the kernel
                                  // to watch it
};

struct acceptor_counters {
    counter accepted;         // connections that were given to a worker
    counter rejected;         // told "ERROR Too many open connections"
    counter listen_disabled;  // accepting paused: no descriptors
    counter accept_errors;    // other failures of accept
};

// The sum over all workers, and the gauges of the moment.
struct net_statistics {
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t paused_peers = 0;
    std::uint64_t closed_stalled = 0;
    std::uint64_t closed_unread = 0;
    std::uint64_t closed_idle = 0;
    std::uint64_t closed_reset = 0;
    std::uint64_t refused_read_buffer = 0;
    std::uint64_t refused_unsent = 0;
    std::uint64_t refused_long = 0;
    std::uint64_t refused_connections = 0;
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;
    std::uint64_t listen_disabled = 0;
    std::uint64_t accept_errors = 0;
    // gauges
    std::uint64_t connections = 0;
    std::uint64_t buffer_bytes = 0;
    bool accepting = false;
};

}  // namespace tlscache::net
