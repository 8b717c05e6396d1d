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
    // Makes the page; is told how many connections above the limit were refused so far.
    using page_maker = std::function<std::string(std::uint64_t refused)>;

    // Takes a descriptor that listens. `page` is called for each request.
    endpoint(boost::asio::io_context& service, int descriptor, int family, page_maker page);
    ~endpoint();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace tlscache::metrics
