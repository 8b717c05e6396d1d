// A child of fork() has a copy of the parent's state but not its thread, and the copied mutex may
// be locked for ever. So the child never touches that copy: it is left where it is, once per fork.

#include "client_lib/tls/housekeeper.hpp"

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "client_lib/tls/limits.hpp"
#include "client_lib/transport/quiet_thread.hpp"

namespace tlscache::tls {

struct housekeeper::running {
    std::mutex mutex;
    std::condition_variable changed;
    bool ending = false;  // guarded by mutex
    std::thread thread;

    void run(const std::function<void()>& work) {
        std::unique_lock lock(mutex);
        while (!changed.wait_for(lock, key_refresh_interval, [this] { return ending; })) {
            lock.unlock();
            work();
            lock.lock();
        }
    }
};

housekeeper::housekeeper(std::function<void()> work) : work_(std::move(work)) {}

housekeeper::~housekeeper() {
    if (!running_) {
        return;
    }
    if (process_.load() != ::getpid()) {
        static_cast<void>(running_.release());
        return;
    }
    {
        const std::lock_guard lock(running_->mutex);
        running_->ending = true;
    }
    running_->changed.notify_one();
    if (running_->thread.joinable()) {
        running_->thread.join();
    }
}

void housekeeper::ensure_running() {
    const pid_t here = ::getpid();
    pid_t there = process_.load(std::memory_order_acquire);
    if (there == here || !process_.compare_exchange_strong(there, here)) {
        return;
    }
    static_cast<void>(running_.release());
    running_ = std::make_unique<running>();
    try {
        running_->thread =
            transport::quiet_thread([this, state = running_.get()] { state->run(work_); });
    } catch (const std::system_error&) {
        running_.reset();
        process_.store(0, std::memory_order_release);
    }
}

}  // namespace tlscache::tls
