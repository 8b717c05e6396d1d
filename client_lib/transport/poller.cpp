#include "client_lib/transport/poller.hpp"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

// The timer is a descriptor because epoll's own time-out counts in milliseconds, a third of a
// lookup's whole deadline, and because a server's loop polls only the descriptor. It is set again
// only for an earlier time or after it went off: a wake-up too many is cheaper than a system call
// for each lookup that was answered in time. std::chrono::steady_clock is CLOCK_MONOTONIC here.

namespace tlscache::transport {
namespace {

constexpr std::uint64_t bell_serial = 1;
constexpr std::uint64_t timer_serial = 2;

void drain(int fd) noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(fd, &count, sizeof(count));
}

}  // namespace

void ring_bell(int bell) noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(bell, &one, sizeof(one));
}

poller::poller(descriptors& owned) : owned_(owned) {
    try {
        epoll_ = open(::epoll_create1(EPOLL_CLOEXEC), 0);
        bell_ = open(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), bell_serial);
        timer_ = open(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), timer_serial);
    } catch (...) {
        owned_.close_all();
        throw;
    }
}

poller::~poller() {
    owned_.close(timer_);
    owned_.close(bell_);
    owned_.close(epoll_);
}

int poller::open(int fd, std::uint64_t serial) {
    if (fd < 0 || !owned_.add(fd)) {
        throw std::system_error(errno, std::generic_category(), "transport: no descriptor");
    }
    if (serial != 0) {
        epoll_event interest{};
        interest.events = EPOLLIN;
        interest.data.u64 = serial;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest) != 0) {
            throw std::system_error(errno, std::generic_category(), "transport: epoll_ctl");
        }
    }
    return fd;
}

std::span<const std::uint64_t> poller::wait(events& room, int timeout_ms) noexcept {
    std::array<epoll_event, std::tuple_size_v<events>> got;
    const int count = ::epoll_wait(epoll_, got.data(), static_cast<int>(got.size()), timeout_ms);
    std::size_t sockets = 0;
    for (int i = 0; i < count; ++i) {
        const std::uint64_t serial = got[static_cast<std::size_t>(i)].data.u64;
        if (serial == bell_serial) {
            drain(bell_);
            rung_.store(false);  // after the drain: who rings from now on is heard next time
        } else if (serial == timer_serial) {
            drain(timer_);
            expired_.store(true);
        } else {
            room[sockets++] = serial;
        }
    }
    return {room.data(), sockets};
}

void poller::arm(steady_time when) noexcept {
    if (expired_.exchange(false)) {
        armed_ = steady_time::max();
    }
    if (when >= armed_) {
        return;
    }
    armed_ = when;
    // A time of zero would turn the timer off.
    const auto since = std::max(when.time_since_epoch(), steady_duration{1});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    itimerspec at{};
    at.it_value.tv_sec = seconds.count();
    at.it_value.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr);
}

}  // namespace tlscache::transport
