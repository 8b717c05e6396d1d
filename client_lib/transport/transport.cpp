#include "client_lib/transport/transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "client_lib/transport/engine.hpp"
#include "client_lib/wire/request_encoder.hpp"

// The fork stands in front of the engine. A child inherits an engine whose lock another thread may
// have held, whose thread is gone and whose sockets are the parent's. So it touches none of it: it
// closes the descriptors, keeps the memory unused, and makes an engine of its own at its first
// call. Which process an engine belongs to is known by the process number.
//
// `owner` is the number of the process whose engine is in `current`, or its negative while a thread
// of that process makes one. The number of another process, or 0, invites to make one.

namespace tlscache::transport {

namespace {

// Engines of parents: kept, so that nobody takes them for lost memory, and never looked at.
struct left_behind {
    std::shared_ptr<engine> kept;
    left_behind* next = nullptr;
};
std::atomic<left_behind*> all_left_behind{nullptr};

void leave_behind(std::shared_ptr<engine> of_parent) {
    of_parent->abandon();
    auto* one = new left_behind{std::move(of_parent)};
    one->next = all_left_behind.load();
    while (!all_left_behind.compare_exchange_weak(one->next, one)) {
    }
}

}  // namespace

struct transport::impl {
    explicit impl(const transport_options& given)
        : options(given), current(std::make_shared<engine>(options, true)) {}
    ~impl() {
        if (current && owner.load() == ::getpid()) {
            current->stop();
        } else if (current) {
            leave_behind(std::move(current));
        }
    }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    // nullptr if this process has no descriptors or threads left for one; tried again next time.
    std::shared_ptr<engine> get() {
        const int me = ::getpid();
        for (int seen = owner.load(std::memory_order_acquire); seen != me;
             seen = owner.load(std::memory_order_acquire)) {
            if (seen == -me) {
                std::this_thread::yield();
            } else if (owner.compare_exchange_strong(seen, -me)) {
                const bool made = renew();
                owner.store(made ? me : 0, std::memory_order_release);
                if (!made) {
                    return nullptr;
                }
            }
        }
        return !threaded.load() || current->start_thread() ? current : nullptr;
    }

    bool renew() {
        if (current) {
            leave_behind(std::move(current));
        }
        try {
            current = std::make_shared<engine>(options, false);
            return true;
        } catch (const std::system_error&) {
            return false;
        }
    }

    const transport_options options;
    std::atomic<int> owner{::getpid()};
    std::atomic<bool> threaded{false};
    std::shared_ptr<engine> current;
};

transport::transport(const transport_options& options) : impl_(std::make_shared<impl>(options)) {}
transport::~transport() = default;

void transport::start_thread() {
    impl_->threaded.store(true);
    impl_->get();
}

int transport::fd() const {
    const auto now = impl_->get();
    return now ? now->fd() : -1;
}

void transport::process() {
    if (const auto now = impl_->get()) {
        now->turn(0);
    }
}

milliseconds transport::next_timeout() const {
    const auto now = impl_->get();
    return now ? now->next_timeout() : milliseconds{1000};
}

lookup_handle transport::begin(std::span<const session::cache_key> keys, steady_time deadline,
                               lookup_done done) {
    const auto now = impl_->get();
    if (!now) {
        done(lookup_result{.reason = unavailable_reason::not_connected, .value = {}});
        return {};
    }
    return {now, now->begin(keys, deadline, std::move(done))};
}

lookup_result transport::lookup(std::span<const session::cache_key> keys, steady_time deadline) {
    const auto now = impl_->get();
    return now ? now->lookup(keys, deadline)
               : lookup_result{.reason = unavailable_reason::not_connected, .value = {}};
}

void transport::store(const session::cache_key& key, std::vector<std::uint8_t> value,
                      std::int64_t ttl, std::uint64_t hint) {
    queued_store item;
    item.key = key;
    item.value = std::move(value);
    item.expires = std::chrono::steady_clock::now() +
                   std::chrono::seconds(std::clamp<std::int64_t>(ttl, 0, wire::store_ttl_max));
    item.hint = hint;
    if (const auto now = impl_->get()) {
        now->store(std::move(item));
    }
}

void transport::erase(const session::cache_key& key) {
    queued_store item;
    item.key = key;
    item.erase = true;
    if (const auto now = impl_->get()) {
        now->store(std::move(item));
    }
}

bool transport::drain(steady_time deadline) {
    const auto now = impl_->get();
    return !now || now->drain(deadline);
}

counters transport::statistics() const {
    const auto now = impl_->get();
    return now ? now->statistics() : counters{};
}

std::uint32_t transport::ring_version() const {
    const auto now = impl_->get();
    return now ? now->ring_version() : 0;
}

void lookup_handle::cancel() {
    const auto owner = std::static_pointer_cast<engine>(owner_.lock());
    if (owner && id_ != 0 && owner->of_this_process()) {
        owner->cancel(id_, unavailable_reason::cancelled);
    }
}

}  // namespace tlscache::transport
