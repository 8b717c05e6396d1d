// Ties the parts together. Drain: every worker ends its connections by itself and says so; the
// timer bounds how long peers may take to read their last replies.

#include "cache_server/net/server.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cache_server/limits.hpp"
#include "cache_server/net/acceptor.hpp"
#include "cache_server/net/worker.hpp"

namespace tlscache::net {

namespace asio = boost::asio;

struct server::impl {
    asio::io_context& service;
    const settings fixed;
    tunables& changing;
    store::store& entries;
    store::memory_budget& budget;
    const store::clock& clock;
    std::vector<std::unique_ptr<worker>> workers;
    acceptor accepts;
    asio::steady_timer drain_timer;
    std::size_t still_draining = 0;
    std::function<void()> on_done;

    impl(asio::io_context& from, const settings& how, tunables& tuning, store::store& into,
         store::memory_budget& memory, const store::clock& time)
        : service(from),
          fixed(how),
          changing(tuning),
          entries(into),
          budget(memory),
          clock(time),
          accepts(from, tuning, workers),
          drain_timer(from) {}

    void finish() {
        drain_timer.cancel();
        for (const auto& one : workers) {
            one->stop();
        }
        if (on_done) {
            std::exchange(on_done, nullptr)();
        }
    }
};

server::server(asio::io_context& service, const settings& fixed, tunables& changing,
               store::store& entries, store::memory_budget& budget, const store::clock& clock)
    : impl_(std::make_unique<impl>(service, fixed, changing, entries, budget, clock)) {}

server::~server() {
    impl_->accepts.stop();
    for (const auto& one : impl_->workers) {
        one->stop();
    }
}

std::size_t server::connections_for(std::size_t bytes) noexcept {
    return bytes / worker::connection_bytes();
}

void server::start(command::server_view& view, command::statistics& counted,
                   std::vector<listener> listeners) {
    for (unsigned n = 0; n != impl_->fixed.threads; ++n) {
        impl_->workers.push_back(std::make_unique<worker>(impl_->fixed, impl_->changing,
                                                          impl_->entries, view, counted,
                                                          impl_->budget, impl_->clock));
    }
    for (const auto& one : impl_->workers) {
        one->start();
    }
    impl_->accepts.start(std::move(listeners));
}

void server::drain(std::function<void()> on_done) {
    impl_->accepts.stop();
    impl_->on_done = std::move(on_done);
    impl_->still_draining = impl_->workers.size();
    impl_->drain_timer.expires_after(limits::drain_timeout);
    impl_->drain_timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            impl_->finish();
        }
    });
    for (const auto& one : impl_->workers) {
        one->drain([this] {
            asio::post(impl_->service, [this] {
                if (--impl_->still_draining == 0 && impl_->on_done) {
                    impl_->finish();
                }
            });
        });
    }
}

net_statistics server::statistics() const {
    net_statistics sum;
    for (const auto& one : impl_->workers) {
        const worker_counters& from = one->counters();
        sum.bytes_read += from.bytes_read.get();
        sum.bytes_written += from.bytes_written.get();
        sum.paused_peers += from.paused_peers.get();
        sum.closed_stalled += from.closed_stalled.get();
        sum.closed_unread += from.closed_unread.get();
        sum.closed_idle += from.closed_idle.get();
        sum.closed_reset += from.closed_reset.get();
        sum.refused_read_buffer += from.refused_read_buffer.get();
        sum.refused_unsent += from.refused_unsent.get();
        sum.refused_long += from.refused_long.get();
        sum.refused_connections += from.refused_connections.get();
        sum.connections += one->load();
    }
    const acceptor_counters& doors = impl_->accepts.counters();
    sum.accepted = doors.accepted.get();
    sum.rejected = doors.rejected.get();
    sum.listen_disabled = doors.listen_disabled.get();
    sum.accept_errors = doors.accept_errors.get();
    sum.accepting = impl_->accepts.accepting();
    sum.buffer_bytes = impl_->budget.used();
    return sum;
}

std::vector<connection_description> server::describe(std::size_t most) const {
    std::vector<connection_description> all;
    for (const auto& one : impl_->workers) {
        one->describe(all, most);
    }
    return all;
}

}  // namespace tlscache::net
