#pragma once

// A thread that does a piece of work about once a second, started at the first use in each
// process: a server forks after it has set up its contexts.

#include <sys/types.h>
#include <atomic>
#include <functional>
#include <memory>

namespace tlscache::tls {

class housekeeper {
  public:
    // `work` must not throw.
    explicit housekeeper(std::function<void()> work);
    ~housekeeper();

    // Any thread; a comparison if the thread runs already. If there is none to be had, the next
    // call tries again.
    void ensure_running();

  private:
    struct running;

    std::function<void()> work_;
    std::atomic<pid_t> process_{0};     // the one in which the thread runs
    std::unique_ptr<running> running_;  // touched by whoever changed process_, and the destructor
};

}  // namespace tlscache::tls
