// One thread accepts for all listeners and hands each connection to the io_context with the fewest.
// (SO_REUSEPORT, a listener per thread, loses the connections that are queued at a listener which
// closes.)
//
// Above -c: the peer reads a line and the end. Its socket is kept for a moment after that, because
// to close with unread bytes in it sends a reset that may overtake the line.
//
// No descriptors left (EMFILE, ENFILE): one descriptor is held in reserve. It is given up to
// accept one peer, tell it, close, and taken again, so that nobody hangs in the queue unanswered;
// after a few of those accepting pauses for limits::accept_pause. A listener that stays readable
// never makes this thread spin.

#include "cache_server/net/acceptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string_view>

#include "cache_server/limits.hpp"
#include "cache_server/net/worker.hpp"
#include "cache_server/service/log.hpp"

namespace tlscache::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::string_view turned_away_line = "ERROR Too many open connections\r\n";

int open_reserve() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// Reads what has come and throws it away. True: the peer has ended.
bool drain_unread(int descriptor) {
    std::array<char, 4096> bytes{};
    for (int n = 0; n != 16; ++n) {
        const ssize_t got = ::recv(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return true;
        }
        if (got < 0) {
            return false;
        }
    }
    return false;
}

}  // namespace

struct acceptor::impl {
    // Asio waits; the listener keeps the descriptor (released, not closed, by the waiter).
    struct listening {
        listener socket;
        asio::posix::stream_descriptor waiter;
        listening(listener from, asio::io_context& service)
            : socket(std::move(from)), waiter(service, socket.descriptor()) {}
        ~listening() {
            if (waiter.is_open()) {
                waiter.release();
            }
        }
    };
    struct turned_away {
        int descriptor;
        std::chrono::steady_clock::time_point until;
    };

    asio::io_context& service;
    const tunables& changing;
    std::vector<std::unique_ptr<worker>>& workers;
    std::vector<std::unique_ptr<listening>> listeners;
    std::deque<turned_away> away;
    asio::steady_timer pause_timer;
    asio::steady_timer away_timer;
    int reserve = -1;
    bool told_no_descriptors = false;
    std::atomic<bool> accepting{false};
    acceptor_counters counters;

    impl(asio::io_context& from, const tunables& tuning, std::vector<std::unique_ptr<worker>>& all)
        : service(from), changing(tuning), workers(all), pause_timer(from), away_timer(from) {}

    std::size_t connections() const {
        std::size_t sum = 0;
        for (const auto& one : workers) {
            sum += one->load();
        }
        return sum;
    }

    void wait(listening& at) {
        at.waiter.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this, &at](const error_code& error) {
                                 if (!error) {
                                     accept_some(at);
                                 }
                             });
    }

    void accept_some(listening& at) {
        for (unsigned n = 0; n != limits::accepts_per_turn_max; ++n) {
            const int descriptor =
                ::accept4(at.socket.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor >= 0) {
                welcome(descriptor, at.socket.family());
                continue;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                break;
            }
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                out_of_descriptors(at);
                return;
            }
            // The peer has gone again, or the network failed it (accept(2)): the next may be well.
            counters.accept_errors.add();
        }
        wait(at);
    }

    void welcome(int descriptor, int family) {
        const std::size_t most = changing.connections_max.load(std::memory_order_relaxed);
        if (connections() >= most) {
            turn_away(descriptor);
            return;
        }
        if (family != AF_UNIX) {
            const int on = 1;
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        }
        worker& least =
            **std::min_element(workers.begin(), workers.end(),
                               [](const auto& a, const auto& b) { return a->load() < b->load(); });
        least.reserve();
        counters.accepted.add();
        least.adopt(descriptor, family);
    }

    void turn_away(int descriptor) {
        counters.rejected.add();
        ::send(descriptor, turned_away_line.data(), turned_away_line.size(),
               MSG_NOSIGNAL | MSG_DONTWAIT);
        ::shutdown(descriptor, SHUT_WR);
        if (away.size() == limits::turned_away_max) {
            drain_unread(away.front().descriptor);
            ::close(away.front().descriptor);
            away.pop_front();
        }
        away.push_back({descriptor, std::chrono::steady_clock::now() + limits::linger_timeout});
        if (away.size() == 1) {
            watch_turned_away();
        }
    }

    void watch_turned_away() {
        away_timer.expires_after(std::chrono::milliseconds(50));
        away_timer.async_wait([this](const error_code& error) {
            if (error) {
                return;
            }
            const auto now = std::chrono::steady_clock::now();
            std::erase_if(away, [&](const turned_away& one) {
                const bool gone = drain_unread(one.descriptor) || one.until <= now;
                if (gone) {
                    ::close(one.descriptor);
                }
                return gone;
            });
            if (!away.empty()) {
                watch_turned_away();
            }
        });
    }

    // The reserve makes room for one peer at a time.
    void out_of_descriptors(listening& at) {
        counters.listen_disabled.add();
        if (!std::exchange(told_no_descriptors, true)) {
            log::warning(
                "no file descriptors left: connections are turned away until some close "
                "(told once; listen_disabled_num counts)");
        }
        for (const turned_away& one : away) {
            ::close(one.descriptor);
        }
        away.clear();
        for (std::size_t n = 0; n != limits::turned_away_max && reserve >= 0; ++n) {
            ::close(std::exchange(reserve, -1));
            const int descriptor =
                ::accept4(at.socket.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor >= 0) {
                counters.rejected.add();
                ::send(descriptor, turned_away_line.data(), turned_away_line.size(),
                       MSG_NOSIGNAL | MSG_DONTWAIT);
                ::shutdown(descriptor, SHUT_WR);
                drain_unread(descriptor);
                ::close(descriptor);
            }
            reserve = open_reserve();
            if (descriptor < 0) {
                break;
            }
        }
        pause(at);
    }

    void pause(listening& at) {
        accepting.store(false, std::memory_order_relaxed);
        waiting_after_pause.push_back(&at);
        pause_timer.expires_after(limits::accept_pause);
        pause_timer.async_wait([this](const error_code& error) {
            if (error) {
                return;
            }
            if (reserve < 0) {
                reserve = open_reserve();
            }
            accepting.store(!listeners.empty(), std::memory_order_relaxed);
            std::vector<listening*> again;
            std::swap(again, waiting_after_pause);
            for (listening* one : again) {
                accept_some(*one);
            }
        });
    }
    std::vector<listening*> waiting_after_pause;
};

acceptor::acceptor(asio::io_context& service, const tunables& changing,
                   std::vector<std::unique_ptr<worker>>& workers)
    : impl_(std::make_unique<impl>(service, changing, workers)) {}

acceptor::~acceptor() {
    stop();
}

void acceptor::start(std::vector<listener> listeners) {
    impl_->reserve = open_reserve();
    for (listener& one : listeners) {
        impl_->listeners.push_back(
            std::make_unique<impl::listening>(std::move(one), impl_->service));
        impl_->wait(*impl_->listeners.back());
    }
    impl_->accepting.store(true, std::memory_order_relaxed);
}

void acceptor::stop() {
    impl_->accepting.store(false, std::memory_order_relaxed);
    impl_->pause_timer.cancel();
    impl_->away_timer.cancel();
    impl_->waiting_after_pause.clear();
    impl_->listeners.clear();
    for (const impl::turned_away& one : impl_->away) {
        ::close(one.descriptor);
    }
    impl_->away.clear();
    if (impl_->reserve >= 0) {
        ::close(std::exchange(impl_->reserve, -1));
    }
}

const acceptor_counters& acceptor::counters() const noexcept {
    return impl_->counters;
}

bool acceptor::accepting() const noexcept {
    return impl_->accepting.load(std::memory_order_relaxed);
}

}  // namespace tlscache::net
