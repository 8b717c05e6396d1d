#include "client_lib/transport/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <system_error>

#include "client_lib/transport/quiet_thread.hpp"

// A turn: wait for events; then, under the lock, read what came, run what is due, send what was
// queued; then, without the lock, call back. begin() only appends to a node's output and rings the
// bell, so the lookups of many handshakes leave in one write.
//
//   begin(), store() --> outputs of nodes, bell --> turn: sockets -> timers -> flush -> callbacks
//
// Sockets come before timers: a reply that is already there when its deadline is noticed counts.

namespace tlscache::transport {
namespace {

std::uint64_t seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

engine::engine(const transport_options& options, bool must_load)
    : options_(options),
      pid_(::getpid()),
      random_(seed()),
      context_{poller_.epoll(), options_, owned_, names_, counters_, random_},
      ring_source_(options_),
      lookups_(options_.lookups_in_flight_max) {
    try {
        take_ring(ring_source_.load());
    } catch (const std::invalid_argument&) {
        if (must_load) {
            throw;
        }
        ++counters_.ring_refused;
    }
    if (ring_source_.may_change()) {
        ring_check_at_ = std::chrono::steady_clock::now() + ring_check_interval;
    }
    poller_.ring();  // the first turn connects
}

engine::~engine() {
    stop();
}

bool engine::of_this_process() const noexcept {
    return pid_ == ::getpid();
}

bool engine::start_thread() {
    if (started_.load(std::memory_order_acquire)) {
        return true;
    }
    const std::scoped_lock guard(mutex_);
    if (!thread_.joinable() && !stopping_) {
        try {
            thread_ = quiet_thread([this] { run(); });
            started_.store(true, std::memory_order_release);
        } catch (const std::system_error&) {
            return false;
        }
    }
    return true;
}

void engine::run() {
    for (;;) {
        turn(-1);
        const std::scoped_lock guard(mutex_);
        if (stopping_) {
            return;
        }
    }
}

void engine::stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    poller_.ring();
    std::thread ending = std::move(thread_);
    lock.unlock();
    if (ending.joinable()) {
        ending.join();
    }
    lock.lock();
    while (auto made = lookups_.take_any(unavailable_reason::cancelled)) {
        decide(std::move(made));
    }
    run_ready(lock);
}

void engine::abandon() {
    owned_.close_all();
}

void engine::turn(int timeout_ms) {
    poller::events room;
    const auto sockets = poller_.wait(room, timeout_ms);
    std::unique_lock lock(mutex_);
    const steady_time now = std::chrono::steady_clock::now();
    for (const std::uint64_t serial : sockets) {
        handle(serial, now);
    }
    run_timers(now);
    flush_dirty(now);
    take_answers();
    poller_.arm(next_event());
    run_ready(lock);
    changed_.notify_all();
    if (driving_ && timeout_ms == 0) {
        poller_.ring();  // what the other one waits for may just have been done here
    }
}

void engine::handle(std::uint64_t serial, steady_time now) {
    const auto found = nodes_.find(serial);
    if (found != nodes_.end()) {
        found->second->on_socket(now, answers_);
    }
}

void engine::run_timers(steady_time now) {
    for (resolver::answer& answer : names_.take_answers()) {
        const auto found = nodes_.find(answer.who);
        if (found != nodes_.end()) {
            found->second->on_resolved(std::move(answer.endpoints), now, answers_);
        }
    }
    take_answers();
    while (auto made = lookups_.expire(now)) {
        decide(std::move(made));
    }
    for (const auto& one : nodes_) {
        one.second->on_timer(now, answers_);
    }
    if (now >= ring_check_at_) {
        ring_check_at_ = now + ring_check_interval;
        check_ring(now);
    }
}

void engine::check_ring(steady_time now) {
    ring_file::content content;
    switch (ring_source_.check(content)) {
        case ring_file::change::none:
            break;
        case ring_file::change::refused:
            ++counters_.ring_refused;
            break;
        case ring_file::change::reloaded:
            ++counters_.ring_reloads;
            take_ring(std::move(content));
            for (node* one : placed_) {
                one->on_timer(now, answers_);
            }
            break;
    }
}

// Nodes that stay keep their connections and queues; those that go lose what was in flight.
void engine::take_ring(ring_file::content&& content) {
    std::unordered_map<std::uint64_t, std::unique_ptr<node>> before = std::move(nodes_);
    nodes_.clear();
    placed_.clear();
    dirty_.clear();
    for (const ring_node& place : content.nodes.nodes()) {
        auto kept = std::find_if(before.begin(), before.end(),
                                 [&](const auto& one) { return one.second->is(place); });
        const std::uint64_t serial = kept != before.end() ? kept->first : next_serial_++;
        std::unique_ptr<node> owner;
        if (kept != before.end()) {
            owner = std::move(kept->second);
            before.erase(kept);
        } else {
            owner = std::make_unique<node>(context_, place, serial);
        }
        placed_.push_back(owner.get());
        dirty_.push_back(owner.get());
        nodes_.emplace(serial, std::move(owner));
    }
    for (auto& gone : before) {
        gone.second->retire(answers_);
    }
    ring_ = std::move(content.nodes);
    context_.ring_version = content.version;
}

void engine::flush_dirty(steady_time now) {
    for (node* one : dirty_) {
        one->flush(now, answers_);
    }
    dirty_.clear();
}

void engine::take_answers() {
    for (node_answer& answer : answers_) {
        decide(lookups_.answer(answer.id, std::move(answer.result)));
    }
    answers_.clear();
}

steady_time engine::next_event() {
    steady_time next = std::min(lookups_.next_deadline(), ring_check_at_);
    for (const auto& one : nodes_) {
        next = std::min(next, one.second->next_event());
    }
    return next;
}

bool engine::stores_done() const {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [](const auto& one) { return one.second->stores_done(); });
}

milliseconds engine::next_timeout() {
    const std::scoped_lock guard(mutex_);
    if (!ready_.empty() || !dirty_.empty()) {
        return milliseconds{0};
    }
    const auto left = next_event() - std::chrono::steady_clock::now();
    const auto idle =
        std::chrono::ceil<milliseconds>(std::min<steady_duration>(left, std::chrono::hours(1)));
    return std::max(idle, milliseconds{0});
}

counters engine::statistics() {
    const std::scoped_lock guard(mutex_);
    return counters_;
}

std::uint32_t engine::ring_version() {
    const std::scoped_lock guard(mutex_);
    return context_.ring_version;
}

}  // namespace tlscache::transport
