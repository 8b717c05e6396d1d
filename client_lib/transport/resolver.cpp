#include "client_lib/transport/resolver.hpp"

#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "client_lib/transport/limits.hpp"
#include "client_lib/transport/poller.hpp"
#include "client_lib/transport/quiet_thread.hpp"

namespace tlscache::transport {

struct resolver::state {
    struct job {
        std::uint64_t who;
        address where;
    };
    std::mutex mutex;
    int wake_fd = -1;  // -1: nobody waits for answers any more
    unsigned threads = 0;
    std::deque<job> jobs;
    std::vector<answer> answers;
};

resolver::resolver(int wake_fd) : state_(std::make_shared<state>()) {
    state_->wake_fd = wake_fd;
}

resolver::~resolver() {
    const std::scoped_lock guard(state_->mutex);
    state_->wake_fd = -1;
    state_->jobs.clear();
}

bool resolver::ask(std::uint64_t who, address where) {
    const std::scoped_lock guard(state_->mutex);
    if (state_->threads < resolver_threads_max) {
        try {
            quiet_thread([shared = state_] { work(shared); }).detach();
            ++state_->threads;
        } catch (const std::system_error&) {
            if (state_->threads == 0) {
                return false;
            }
        }
    }
    state_->jobs.push_back({who, std::move(where)});
    return true;
}

std::vector<resolver::answer> resolver::take_answers() {
    const std::scoped_lock guard(state_->mutex);
    return std::exchange(state_->answers, {});
}

void resolver::work(const std::shared_ptr<state>& shared) {
    std::unique_lock lock(shared->mutex);
    while (!shared->jobs.empty()) {
        const state::job job = std::move(shared->jobs.front());
        shared->jobs.pop_front();
        lock.unlock();
        std::vector<endpoint> found = resolve(job.where);
        lock.lock();
        if (shared->wake_fd >= 0) {
            shared->answers.push_back({job.who, std::move(found)});
            ring_bell(shared->wake_fd);
        }
    }
    --shared->threads;
}

}  // namespace tlscache::transport
