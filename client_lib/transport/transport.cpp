#include "client_lib/transport/transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "client_lib/transport/engine.hpp"
#include "client_lib/wire/request_encoder.hpp"

// The fork stands in front of the engine. A child inherits an engine whose lock another thread may
// have held, whose thread is gone and whose sockets are the parent's. So it touches none of it: it
// closes the descriptors, keeps the memory unused, and makes an engine of its own at its first
// call. Which process an engine belongs to is known by the process number.
//
// owner_ is the number of the process whose engine is in engine_, or its negative while a thread of
// that process makes one; a number of another process is an invitation to make one.

namespace tlscache::transport {

struct transport::impl {
    explicit impl(const transport_options& given) : options(given) {
        current = std::make_shared<engine>(options, true);
        owner.store(::getpid());
    }
    ~impl() {
        if (owner.load() == ::getpid()) {
            current->stop();
        } else {
            leave();
        }
    }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    const std::shared_ptr<engine>& get() {
        const int me = ::getpid();
        for (int seen = owner.load(std::memory_order_acquire); seen != me;
             seen = owner.load(std::memory_order_acquire)) {
            if (seen == -me) {
                std::this_thread::yield();
            } else if (owner.compare_exchange_strong(seen, -me)) {
                leave();
                current = std::make_shared<engine>(options, false);
                if (threaded.load()) {
                    current->start_thread();
                }
                owner.store(me, std::memory_order_release);
            }
        }
        return current;
    }

    // Of a child: the parent's engine is neither used nor destroyed.
    void leave() {
        current->abandon();
        left.push_back(new std::shared_ptr<engine>(std::move(current)));
    }

    const transport_options options;
    std::atomic<int> owner{0};
    std::atomic<bool> threaded{false};
    std::shared_ptr<engine> current;
    static inline std::vector<const std::shared_ptr<engine>*> left;
};

transport::transport(const transport_options& options) : impl_(std::make_shared<impl>(options)) {}
transport::~transport() = default;

void transport::start_thread() {
    impl_->threaded.store(true);
    impl_->get()->start_thread();
}

int transport::fd() const {
    return impl_->get()->fd();
}

void transport::process() {
    impl_->get()->turn(0);
}

std::chrono::milliseconds transport::next_timeout() const {
    return impl_->get()->next_timeout();
}

lookup_handle transport::begin(std::span<const session::cache_key> keys, steady_time deadline,
                               lookup_done done) {
    const std::shared_ptr<engine>& now = impl_->get();
    return {now, now->begin(keys, deadline, std::move(done))};
}

lookup_result transport::lookup(std::span<const session::cache_key> keys, steady_time deadline) {
    return impl_->get()->lookup(keys, deadline);
}

void transport::store(const session::cache_key& key, std::vector<std::uint8_t> value,
                      std::int64_t ttl, std::uint64_t hint) {
    queued_store item;
    item.key = key;
    item.value = std::move(value);
    item.expires = std::chrono::steady_clock::now() +
                   std::chrono::seconds(std::clamp<std::int64_t>(ttl, 0, wire::store_ttl_max));
    item.hint = hint;
    impl_->get()->store(std::move(item));
}

void transport::erase(const session::cache_key& key) {
    queued_store item;
    item.key = key;
    item.erase = true;
    impl_->get()->store(std::move(item));
}

bool transport::drain(steady_time deadline) {
    return impl_->get()->drain(deadline);
}

counters transport::statistics() const {
    return impl_->get()->statistics();
}

std::uint32_t transport::ring_version() const {
    return impl_->get()->ring_version();
}

void lookup_handle::cancel() {
    const auto owner = std::static_pointer_cast<engine>(owner_.lock());
    if (owner && id_ != 0 && owner->of_this_process()) {
        owner->cancel(id_, unavailable_reason::cancelled);
    }
}

}  // namespace tlscache::transport
