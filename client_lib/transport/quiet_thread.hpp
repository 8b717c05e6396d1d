#pragma once

// A thread in which no signal is delivered, so that the application's handlers run in its own.

#include <csignal>
#include <thread>
#include <utility>

namespace tlscache::transport {

// Throws std::system_error if no thread can be made.
template <class F>
std::thread quiet_thread(F&& body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    struct restore {
        const sigset_t& mask;
        ~restore() { ::pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
    } const restored{before};
    return std::thread(std::forward<F>(body));
}

}  // namespace tlscache::transport
