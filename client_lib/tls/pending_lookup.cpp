// `wake` runs under the lock: freeing an SSL is then enough to know that nobody is called back.

#include "client_lib/tls/pending_lookup.hpp"

#include <utility>

namespace tlscache::tls {

void pending_lookup::complete(transport::lookup_result result) {
    const std::lock_guard lock(mutex_);
    if (done_) {
        return;
    }
    done_ = true;
    result_ = std::move(result);
    if (const auto wake = std::exchange(wake_, nullptr)) {
        wake();
    }
}

bool pending_lookup::done() const {
    const std::lock_guard lock(mutex_);
    return done_;
}

void pending_lookup::when_done(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    if (done_) {
        wake();
    } else {
        wake_ = std::move(wake);
    }
}

bool pending_lookup::abandon() {
    std::function<void()> dropped;  // destroyed after the lock: it may own anything
    const std::lock_guard lock(mutex_);
    dropped.swap(wake_);
    if (done_) {
        return false;
    }
    done_ = true;
    result_.reason = transport::unavailable_reason::cancelled;
    return true;
}

transport::lookup_result pending_lookup::take_result() {
    const std::lock_guard lock(mutex_);
    return std::move(result_);
}

}  // namespace tlscache::tls
