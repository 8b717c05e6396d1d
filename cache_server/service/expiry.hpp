#pragma once

// Makes entries go when their time has come, with no request arriving. On the service thread.

#include <memory>

namespace boost::asio {
class io_context;
}
namespace tlscache::store {
class store;
class clock;
}  // namespace tlscache::store

namespace tlscache {

class expiry {
  public:
    // All outlive it.
    expiry(boost::asio::io_context& service, store::store& entries, const store::clock& clock);
    ~expiry();

    void start();
    void stop();

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache
