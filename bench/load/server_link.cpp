// A closed loop over level-triggered epoll. The read buffer may be shared by the connections
// because each read is checked before the next one starts; the checker keeps what must be kept.
// A batch is at most 8 KiB, so that its one send takes all of it but for rare moments; only then
// EPOLLOUT is asked for.

#include "bench/load/server_link.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace tlscache::bench {
namespace {

constexpr std::size_t scratch_bytes = 64 * 1024;
constexpr std::chrono::seconds silence_max{10};

struct socket_address {
    sockaddr_storage bytes{};
    socklen_t length = 0;
};

template <class Address>
socket_address wrap(const Address& address) {
    socket_address wrapped;
    std::memcpy(&wrapped.bytes, &address, sizeof(address));
    wrapped.length = sizeof(address);
    return wrapped;
}

std::optional<socket_address> parse_address(const server_spec& spec) {
    if (spec.carried == transport::unix_socket) {
        const std::string path = spec.address.substr(std::strlen("unix:"));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof(address.sun_path)) {
            return std::nullopt;
        }
        std::memcpy(address.sun_path, path.data(), path.size());
        return wrap(address);
    }
    const std::size_t colon = spec.address.rfind(':');
    std::string host = spec.address.substr(0, colon);
    std::uint16_t port = 0;
    std::from_chars(spec.address.data() + colon + 1, spec.address.data() + spec.address.size(),
                    port);
    if (host.starts_with('[') && host.ends_with(']')) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        host = host.substr(1, host.size() - 2);
        return inet_pton(AF_INET6, host.c_str(), &address.sin6_addr) == 1
                   ? std::optional(wrap(address))
                   : std::nullopt;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    return inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 ? std::optional(wrap(address))
                                                                    : std::nullopt;
}

}  // namespace

server_link::server_link(server_spec spec)
    : spec_(std::move(spec)), poll_(epoll_create1(EPOLL_CLOEXEC)), scratch_(scratch_bytes) {}

server_link::~server_link() {
    for (const auto& each : connections_) {
        close(each->socket);
    }
    close(poll_);
}

failure server_link::lost(std::string_view how) const {
    return {fmt::format("{} ({}): {}", spec_.name, spec_.address, how), failure::unreachable};
}

std::optional<failure> server_link::connect(std::size_t connections) {
    const std::optional<socket_address> address = parse_address(spec_);
    if (!address) {
        return failure{fmt::format("{}: bad address {}", spec_.name, spec_.address),
                       failure::usage};
    }
    while (connections_.size() < connections) {
        auto made = std::make_unique<connection>();
        made->socket = socket(address->bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(made->socket, reinterpret_cast<const sockaddr*>(&address->bytes),
                      address->length) != 0) {
            const int error = errno;
            close(made->socket);
            return lost(fmt::format("connect: {}", std::strerror(error)));
        }
        const int on = 1;
        if (spec_.carried == transport::tcp) {
            setsockopt(made->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        }
        fcntl(made->socket, F_SETFL, O_NONBLOCK);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = made.get();
        epoll_ctl(poll_, EPOLL_CTL_ADD, made->socket, &event);
        connections_.push_back(std::move(made));
    }
    return std::nullopt;
}

// False when the connection is lost. A maker without more leaves the connection idle.
bool server_link::start_batch(batch_maker& maker, connection& c) {
    c.operations = maker.make(c.request, c.checker.expected());
    c.checker.restart();
    c.sent = 0;
    if (c.operations == 0) {
        return true;
    }
    ++busy_;
    return send_rest(c);
}

bool server_link::send_rest(connection& c) {
    const ssize_t n =
        send(c.socket, c.request.data() + c.sent, c.request.size() - c.sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        return false;
    }
    c.sent += n < 0 ? 0 : static_cast<std::size_t>(n);
    const bool waits = c.sent < c.request.size();
    if (waits != c.waits_for_room) {
        epoll_event event{};
        event.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN;
        event.data.ptr = &c;
        epoll_ctl(poll_, EPOLL_CTL_MOD, c.socket, &event);
        c.waits_for_room = waits;
    }
    return true;
}

std::optional<failure> server_link::receive(batch_maker& maker, connection& c, bool time_is_over,
                                            std::uint64_t& completed) {
    const ssize_t n = recv(c.socket, scratch_.data(), scratch_.size(), 0);
    if (n == 0) {
        return lost("closed a connection");
    }
    if (n < 0) {
        return errno == EAGAIN ? std::nullopt : std::optional(lost(std::strerror(errno)));
    }
    switch (c.checker.feed({scratch_.data(), static_cast<std::size_t>(n)})) {
        case reply_checker::verdict::needs_more:
            return std::nullopt;
        case reply_checker::verdict::wrong:
            return failure{fmt::format("{} ({}): {}", spec_.name, spec_.address, c.checker.what()),
                           failure::wrong_reply};
        case reply_checker::verdict::complete:
            break;
    }
    completed += c.operations;
    --busy_;
    if (!time_is_over && !start_batch(maker, c)) {
        return lost(std::strerror(errno));
    }
    return std::nullopt;
}

std::optional<failure> server_link::drive(batch_maker& maker, std::chrono::nanoseconds duration,
                                          std::uint64_t& completed) {
    const auto end = std::chrono::steady_clock::now() + duration;
    for (const auto& each : connections_) {
        if (!start_batch(maker, *each)) {
            return lost(std::strerror(errno));
        }
    }
    std::array<epoll_event, 64> events{};
    while (busy_ > 0) {
        const int n = epoll_wait(poll_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(std::chrono::milliseconds(silence_max).count()));
        if (n == 0) {
            return lost(fmt::format("no reply within {} s", silence_max.count()));
        }
        const bool time_is_over = std::chrono::steady_clock::now() >= end;
        for (int i = 0; i < n; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            connection& c = *static_cast<connection*>(event.data.ptr);
            if ((event.events & EPOLLOUT) != 0 && !send_rest(c)) {
                return lost(std::strerror(errno));
            }
            if ((event.events & ~EPOLLOUT) != 0) {
                if (auto failed = receive(maker, c, time_is_over, completed)) {
                    return failed;
                }
            }
        }
    }
    return std::nullopt;
}

}  // namespace tlscache::bench
