// A look every limits::expire_interval. A thousand entries may be due at once: they go a bounded
// number per turn, and between two turns whatever else this thread has to do gets done.

#include "cache_server/service/expiry.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cache_server/limits.hpp"
#include "cache_server/store/store.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache {

namespace asio = boost::asio;

struct expiry::impl {
    asio::io_context& service;
    store::store& entries;
    const store::clock& clock;
    asio::steady_timer timer;
    bool stopped = false;

    impl(asio::io_context& from, store::store& from_entries, const store::clock& time)
        : service(from), entries(from_entries), clock(time), timer(from) {}

    void turn() {
        if (stopped) {
            return;
        }
        if (entries.expire(clock.now(), limits::expire_entries_per_turn)) {
            asio::post(service, [this] { turn(); });
            return;
        }
        timer.expires_after(limits::expire_interval);
        timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                turn();
            }
        });
    }
};

expiry::expiry(asio::io_context& service, store::store& entries, const store::clock& clock)
    : impl_(std::make_unique<impl>(service, entries, clock)) {}

expiry::~expiry() = default;

void expiry::start() {
    impl_->turn();
}

void expiry::stop() {
    impl_->stopped = true;
    impl_->timer.cancel();
}

}  // namespace tlscache
