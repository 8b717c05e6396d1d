// All handlers of connections that became readable together run first, each only noting its
// connection; one posted function then executes and answers all of them with one reading of the
// clock. By then the kernel has seen every read, so that replies leave back to back (measured: 7 %
// less CPU per request than answering in each handler).
//
// Deadlines: all connections that wait for the same thing wait equally long, so a list per kind,
// appended at its end, is in order of expiry. A tick looks at the heads.

#include "cache_server/net/worker.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <chrono>

#include "cache_server/service/log.hpp"

namespace tlscache::net {

namespace asio = boost::asio;

namespace {

// What a connection costs beside its object: the heap's header and Asio's descriptor state.
constexpr std::size_t connection_overhead = 384;
constexpr std::size_t connection_charge = sizeof(connection) + connection_overhead;

}  // namespace

worker::worker(const settings& fixed, tunables& changing, store::store& entries,
               command::server_view& view, command::statistics& counted,
               store::memory_budget& budget, const store::clock& clock)
    : fixed_(fixed),
      changing_(changing),
      budget_(budget),
      clock_(clock),
      executor_(entries, view, counted, limits::output_bytes_max),
      batch_memory_(new char[limits::read_bytes_batch]) {}

worker::~worker() {
    stop();
    wipe(batch_memory_.get(), limits::read_bytes_batch);
}

std::size_t worker::connection_bytes() noexcept {
    return connection_charge;
}

void worker::start() {
    thread_ = std::thread([this] {
        const auto work = asio::make_work_guard(context_);
        context_.run();
    });
}

void worker::adopt(int descriptor, int family) {
    asio::post(context_, [this, descriptor, family] { add_connection(descriptor, family); });
}

void worker::add_connection(int descriptor, int family) {
    const auto turn_away = [&] {
        if (!draining_) {
            counters_.refused_connections.add();
        }
        ::close(descriptor);
        load_.fetch_sub(1, std::memory_order_relaxed);
    };
    if (draining_ || !budget_.try_charge(connection_charge)) {
        turn_away();
        return;
    }
    auto made = std::make_unique<connection>(*this, fixed_.value_bytes_max);
    if (!made->assign(descriptor, family)) {
        budget_.release(connection_charge);
        turn_away();
        return;
    }
    connection* const one = made.release();  // destroy_if_finished() deletes it
    {
        std::scoped_lock guard(list_mutex_);
        connections_.push_back(*one);
    }
    log::write(log::level::fine, "connection opened");
    now_ = clock_.now();
    one->start(now_);
}

void worker::ready(connection& one) {
    if (one.queued_) {
        return;
    }
    one.queued_ = true;
    ready_.push_back(&one);
    if (!batch_posted_) {
        batch_posted_ = true;
        asio::post(context_, [this] { run_batch(); });
    }
}

void worker::run_batch() {
    batch_posted_ = false;
    now_ = clock_.now();
    std::swap(ready_, batch_);
    prefetch_batch();
    for (connection* one : batch_) {
        one->process(now_);
    }
    // Asio tries to read at once: by now the first peers may have sent their next request.
    for (connection* one : batch_) {
        one->read_if_wanted();
        destroy_if_finished(*one);
    }
    batch_.clear();
}

// The lookups of all connections of a batch miss the caches together instead of one by one.
void worker::prefetch_batch() {
    if (batch_.size() < 2) {
        return;
    }
    hashes_.clear();
    for (connection* one : batch_) {
        if (const auto hash = one->look_ahead()) {
            hashes_.push_back(*hash);
        }
    }
    for (const std::uint64_t hash : hashes_) {
        executor_.fetch(hash);
    }
}

// Out of all lists; its object stays until the last operation has come back.
void worker::forget(connection& one) noexcept {
    wait_for(one, deadline::none);
    std::scoped_lock guard(list_mutex_);
    connections_.erase(connections_.iterator_to(one));
}

void worker::destroy_if_finished(connection& one) {
    if (!one.finished()) {
        return;
    }
    delete &one;
    budget_.release(connection_charge);
    load_.fetch_sub(1, std::memory_order_relaxed);
    log::write(log::level::fine, "connection closed");
    if (draining_ && load() == 0 && on_empty_) {
        std::exchange(on_empty_, nullptr)();
    }
}

std::chrono::nanoseconds worker::length_of(deadline what) const noexcept {
    switch (what) {
        case deadline::idle:
            return std::chrono::seconds(changing_.idle_seconds.load(std::memory_order_relaxed));
        case deadline::stalled:
            return std::chrono::seconds(changing_.stall_seconds.load(std::memory_order_relaxed));
        case deadline::unread:
            return limits::unread_timeout;
        case deadline::linger:
            return limits::linger_timeout;
        case deadline::none:
            break;
    }
    return std::chrono::nanoseconds(0);
}

void worker::wait_for(connection& one, deadline what) noexcept {
    if (one.waits_for_ != deadline::none) {
        deadline_list& list = deadlines_[static_cast<std::size_t>(one.waits_for_)];
        list.erase(list.iterator_to(one));
    }
    if (what == deadline::idle && changing_.idle_seconds.load(std::memory_order_relaxed) == 0) {
        what = deadline::none;
    }
    one.waits_for_ = what;
    if (what != deadline::none) {
        one.deadline_start_ = now_;
        deadlines_[static_cast<std::size_t>(what)].push_back(one);
        arm_deadlines();
    }
}

void worker::arm_deadlines() {
    if (deadlines_armed_) {
        return;
    }
    deadlines_armed_ = true;
    deadline_timer_.expires_after(limits::deadline_tick);
    deadline_timer_.async_wait([this](const boost::system::error_code& error) {
        deadlines_armed_ = false;
        if (!error) {
            check_deadlines();
        }
    });
}

void worker::check_deadlines() {
    now_ = clock_.now();
    bool waiting = false;
    for (std::size_t kind = 1; kind != deadlines_.size(); ++kind) {
        const auto what = static_cast<deadline>(kind);
        const std::int64_t length = length_of(what).count();
        deadline_list& list = deadlines_[kind];
        while (!list.empty() && length != 0 &&
               now_.boot_ns - list.front().deadline_start_.boot_ns >= length) {
            expire_deadline(list.front(), what);
        }
        waiting = waiting || !list.empty();
    }
    if (waiting) {
        arm_deadlines();
    }
}

void worker::expire_deadline(connection& one, deadline what) {
    if (what == deadline::idle) {
        counters_.closed_idle.add();
    } else if (what == deadline::stalled) {
        counters_.closed_stalled.add();
        log::write(log::level::detail, "closed a connection that left a request unfinished");
    } else if (what == deadline::unread) {
        counters_.closed_unread.add();
        log::write(log::level::detail, "closed a connection that took none of its replies");
    }
    one.close();
    destroy_if_finished(one);
}

void worker::drain(std::function<void()> on_empty) {
    asio::post(context_, [this, on_empty = std::move(on_empty)]() mutable {
        draining_ = true;
        on_empty_ = std::move(on_empty);
        if (load() == 0) {
            std::exchange(on_empty_, nullptr)();
            return;
        }
        for (auto next = connections_.begin(); next != connections_.end();) {
            connection& one = *next++;
            one.drain();
            destroy_if_finished(one);
        }
    });
}

void worker::end_all() {
    while (!connections_.empty()) {
        connection& one = connections_.front();
        one.close();
        destroy_if_finished(one);
    }
}

void worker::stop() {
    if (!thread_.joinable()) {
        return;
    }
    asio::post(context_, [this] {
        end_all();
        context_.stop();
    });
    thread_.join();
    // Operations of closed sockets still have to come back: they own the last of the connections.
    context_.restart();
    draining_ = true;
    context_.poll();
}

void worker::describe(std::vector<connection_description>& out, std::size_t most) const {
    const store::instant now = clock_.now();
    std::scoped_lock guard(list_mutex_);
    for (const connection& one : connections_) {
        if (out.size() >= most) {
            return;
        }
        out.push_back(one.describe(now));
    }
}

}  // namespace tlscache::net
