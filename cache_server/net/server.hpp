#pragma once

// The net side as a whole: listeners, acceptor, workers, drain. Made, started and drained on the
// service thread; statistics and connections may be asked by any thread.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "cache_server/net/connection.hpp"
#include "cache_server/net/counters.hpp"
#include "cache_server/net/listener.hpp"
#include "cache_server/net/settings.hpp"
#include "cache_server/store/memory_budget.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache::store {
class store;
}
namespace tlscache::command {
class server_view;
class statistics;
}  // namespace tlscache::command

namespace tlscache::net {

class server {
  public:
    // All arguments outlive it. Worker threads exist from start() on.
    server(boost::asio::io_context& service, const settings& fixed, tunables& changing,
           store::store& entries, store::memory_budget& budget, const store::clock& clock);
    ~server();

    // How many connections that much memory is enough for.
    static std::size_t connections_for(std::size_t bytes) noexcept;

    void start(command::server_view& view, command::statistics& counted,
               std::vector<listener> listeners);

    // Accepts no more; what has been received is finished and its answers flushed. on_done runs on
    // the service thread when all connections are gone or limits::drain_timeout is over.
    void drain(std::function<void()> on_done);

    net_statistics statistics() const;
    std::vector<connection_description> describe(std::size_t most) const;

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache::net
