#pragma once

// Accepts on all listeners and gives each connection to the least loaded worker; turns away what is
// above -c, and survives the lack of descriptors. On the service thread only; the counters and
// accepting() may be read by any thread.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "cache_server/net/counters.hpp"
#include "cache_server/net/listener.hpp"
#include "cache_server/net/settings.hpp"

namespace tlscache::net {

class worker;

class acceptor {
  public:
    acceptor(boost::asio::io_context& service, const tunables& changing,
             std::vector<std::unique_ptr<worker>>& workers);
    ~acceptor();
    acceptor(const acceptor&) = delete;
    acceptor& operator=(const acceptor&) = delete;

    // Takes the listeners and begins to accept.
    void start(std::vector<listener> listeners);
    // Closes the listeners (and removes the Unix socket's file). Idempotent.
    void stop();

    const acceptor_counters& counters() const noexcept;
    bool accepting() const noexcept;

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache::net
