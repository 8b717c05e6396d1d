#pragma once

// A very small HTTP server for the page of metrics.hpp: GET /metrics, nothing else. Runs on the
// service thread; few connections, short requests, a deadline on each.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tlscache::metrics {

class endpoint {
  public:
    // Takes a descriptor that listens. `page` is called for each request.
    endpoint(boost::asio::io_context& service, int descriptor, int family,
             std::function<std::string()> page);
    ~endpoint();

    std::uint64_t refused() const noexcept;  // connections above the limit

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace tlscache::metrics
