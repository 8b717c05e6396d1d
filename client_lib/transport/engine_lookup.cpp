#include <algorithm>

#include "client_lib/transport/engine.hpp"

// Lookups and stores as callers see them. A decision is made under the lock, at most once
// (lookup_table); its callback runs without it, from a queue, and is known as running meanwhile, so
// that cancel() can wait for it.

namespace tlscache::transport {

unavailable_reason engine::choose(const session::cache_key& key, steady_time now, node*& chosen) {
    unavailable_reason first = unavailable_reason::not_connected;
    const placement places = ring_.place(key, options_.replicas);
    bool is_first = true;
    for (const std::uint16_t place : places.view()) {
        const unavailable_reason reason = placed_[place]->refusal(now);
        if (reason == unavailable_reason::none) {
            chosen = placed_[place];
            return reason;
        }
        first = is_first ? reason : first;
        is_first = false;
    }
    return first;
}

lookup_id engine::begin(std::span<const session::cache_key> keys, steady_time deadline,
                        lookup_done done) {
    const steady_time now = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    ++counters_.lookups;
    lookup_result known;
    known.reason = now < deadline ? unavailable_reason::none : unavailable_reason::deadline;
    std::array<node*, keys_per_lookup_max> nodes{};
    unsigned answers = 0;
    const std::size_t asked = std::min(keys.size(), nodes.size());
    for (std::size_t i = 0; i < asked && now < deadline; ++i) {
        const unavailable_reason reason = choose(keys[i], now, nodes[i]);
        known.reason = reason != unavailable_reason::none ? reason : known.reason;
        answers += nodes[i] != nullptr ? 1 : 0;
    }
    lookup_id id = 0;
    if (answers != 0) {
        id = lookups_.open(answers, known.reason, deadline, done);
        known.reason = unavailable_reason::queue_full;
    } else if (asked == 0) {
        known.outcome = outcome::miss;
        known.reason = unavailable_reason::none;
    }
    if (id == 0) {
        count(known);
        lock.unlock();
        done(std::move(known));
        return 0;
    }
    for (std::size_t i = 0; i < asked; ++i) {
        if (nodes[i] != nullptr) {
            nodes[i]->ask(keys[i], id, static_cast<std::uint8_t>(i), now, deadline);
            flush_later(*nodes[i]);
        }
    }
    return id;
}

void engine::flush_later(node& who) {
    if (std::find(dirty_.begin(), dirty_.end(), &who) == dirty_.end()) {
        dirty_.push_back(&who);
    }
    poller_.ring();
}

lookup_result engine::lookup(std::span<const session::cache_key> keys, steady_time deadline) {
    struct {
        std::mutex mutex;
        std::condition_variable decided;
        std::atomic<bool> done{false};
        lookup_result result;
    } answer;
    const bool threaded = started_.load(std::memory_order_acquire);
    if (!threaded) {
        turn(0);  // nobody else makes the connections
    }
    const lookup_id id = begin(keys, deadline, [&answer](lookup_result result) {
        const std::scoped_lock guard(answer.mutex);
        answer.result = std::move(result);
        answer.done = true;
        answer.decided.notify_one();
    });
    const auto done = [&answer] { return answer.done.load(); };
    if (threaded) {
        std::unique_lock wait(answer.mutex);
        answer.decided.wait_until(wait, deadline, done);
    } else {
        std::unique_lock lock(mutex_);
        drive_until(lock, deadline, done);
    }
    if (!answer.done) {
        cancel(id, unavailable_reason::deadline);
    }
    const std::scoped_lock guard(answer.mutex);
    answer.result.reason = answer.done ? answer.result.reason : unavailable_reason::deadline;
    return std::move(answer.result);
}

// Waits for the thread, or for another caller that does its work, or does it.
template <class Done>
void engine::drive_until(std::unique_lock<std::mutex>& lock, steady_time deadline,
                         const Done& done) {
    for (steady_time now; !done() && (now = std::chrono::steady_clock::now()) < deadline;) {
        if (driving_ || started_.load(std::memory_order_acquire)) {
            changed_.wait_until(lock, deadline);
            continue;
        }
        // The descriptor becomes readable at deadlines too; the time-out is for what has none.
        const auto left = std::min<steady_duration>(deadline - now, milliseconds{1000});
        driving_ = true;
        lock.unlock();
        turn(static_cast<int>(std::chrono::ceil<milliseconds>(left).count()));
        lock.lock();
        driving_ = false;
        changed_.notify_all();
    }
}

void engine::cancel(lookup_id id, unavailable_reason reason) {
    std::optional<decision> dropped;  // destroyed after the lock is gone
    std::unique_lock lock(mutex_);
    dropped = lookups_.take(id, reason);
    if (dropped) {
        count(dropped->result);
        lock.unlock();
        return;
    }
    for (std::size_t i = 0; i < ready_.size(); ++i) {
        if (ready_[i].id == id) {
            dropped = std::exchange(ready_[i], decision{});
            lock.unlock();
            return;
        }
    }
    changed_.wait(lock, [&] { return !is_running(id); });
}

bool engine::is_running(lookup_id id) const {
    const auto elsewhere = [id](const running& one) {
        return one.id == id && one.where != std::this_thread::get_id();
    };
    return std::any_of(running_.begin(), running_.end(), elsewhere);
}

void engine::decide(std::optional<decision>&& made) {
    if (made) {
        count(made->result);
        ready_.push(std::move(*made));
    }
}

void engine::run_ready(std::unique_lock<std::mutex>& lock) {
    while (!ready_.empty()) {
        decision next = ready_.pop();
        if (!next.done) {
            continue;  // cancelled meanwhile
        }
        const running me{next.id, std::this_thread::get_id()};
        running_.push_back(me);
        lock.unlock();
        next.done(std::move(next.result));
        next.done = nullptr;
        lock.lock();
        running_.erase(std::find_if(running_.begin(), running_.end(),
                                    [&](const running& one) { return one.id == me.id; }));
        changed_.notify_all();
    }
}

void engine::count(const lookup_result& result) {
    counters_.hits += result.outcome == outcome::hit ? 1 : 0;
    counters_.misses += result.outcome == outcome::miss ? 1 : 0;
    counters_.unavailable += result.outcome == outcome::unavailable ? 1 : 0;
    switch (result.reason) {
        case unavailable_reason::none:
            break;
        case unavailable_reason::not_connected:
            ++counters_.not_connected;
            break;
        case unavailable_reason::breaker_open:
            ++counters_.breaker_open;
            break;
        case unavailable_reason::deadline:
            ++counters_.deadline;
            break;
        case unavailable_reason::connection_lost:
            ++counters_.connection_lost;
            break;
        case unavailable_reason::bad_reply:
            ++counters_.bad_reply;
            break;
        case unavailable_reason::queue_full:
            ++counters_.queue_full;
            break;
        case unavailable_reason::cancelled:
            ++counters_.cancelled;
            break;
    }
}

void engine::store(queued_store item) {
    const std::scoped_lock guard(mutex_);
    if (!item.erase && item.value.size() > value_bytes_max) {
        ++counters_.stores_refused;
        return;
    }
    const placement places = ring_.place(item.key, options_.replicas);
    if (places.size == 0) {
        ++(item.erase ? counters_.erases_dropped : counters_.stores_dropped);
        return;
    }
    for (const std::uint16_t place : places.view().subspan(1)) {
        placed_[place]->enqueue(queued_store(item));
        flush_later(*placed_[place]);
    }
    node& first = *placed_[places.nodes[0]];
    first.enqueue(std::move(item));
    flush_later(first);
}

bool engine::drain(steady_time deadline) {
    std::unique_lock lock(mutex_);
    drive_until(lock, deadline, [this] { return stores_done(); });
    return stores_done();
}

}  // namespace tlscache::transport
