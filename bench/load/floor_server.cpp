// floor_server: what any server on a socket must spend. Bare epoll, one recv and one send a
// batch, fixed request lengths in, fixed replies out, nothing parsed, looked up or kept. Its
// bytes are those of the text protocol (workload.hpp, protocol::raw), so that a cache's CPU per
// operation over this one's says what the cache itself costs.
//
// The first byte of a request tells its kind and therewith its length; the rest is not looked at.
// A peer that does not read its replies is cut off.

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/workload.hpp"

namespace {

namespace bench = tlscache::bench;

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t replies_prepared = 64;  // of a kind, back to back, so that one piece goes out
constexpr std::size_t pieces_max = 64;

struct kind {
    std::size_t request_bytes = 0;
    std::size_t reply_bytes = 0;
    std::string replies;
};

kind make_kind(bench::operation asked) {
    std::string request;
    bench::expected_replies expected;
    const std::size_t keys = asked == bench::operation::multiget ? bench::multiget_keys : 1;
    bench::append_exchange(bench::protocol::raw, asked, std::vector<std::uint64_t>(keys), request,
                           expected);
    kind made;
    made.request_bytes = request.size();
    made.reply_bytes = expected.bytes.size();
    for (std::size_t i = 0; i < replies_prepared; ++i) {
        made.replies += expected.bytes;
    }
    return made;
}

// By number of the descriptor; listeners have theirs too.
struct connection {
    bool listens = false;
    const kind* current = nullptr;
    std::size_t missing = 0;  // bytes of the current request that are still to come
};

class floor_server {
  public:
    explicit floor_server(int poll) : poll_(poll) {}

    void watch(int descriptor, bool listens);
    void serve();

  private:
    void accept_from(int listener);
    bool answer(int socket, connection& c);
    bool count_requests(connection& c, const char* bytes, std::size_t n);
    bool add_reply(const kind& replied);
    bool flush(int socket);
    const kind& kind_of(char first) const {
        return first == 's' ? set_ : first == 'm' ? multiget_ : get_;
    }

    const kind get_ = make_kind(bench::operation::get);
    const kind set_ = make_kind(bench::operation::set);
    const kind multiget_ = make_kind(bench::operation::multiget);
    int poll_;
    std::vector<connection> connections_;
    std::array<char, read_bytes> input_{};
    std::array<iovec, pieces_max> pieces_{};
    std::size_t pieces_used_ = 0;
    const kind* last_kind_ = nullptr;
};

// Extends the last piece while the kind is the same and enough replies are prepared.
bool floor_server::add_reply(const kind& replied) {
    if (last_kind_ == &replied &&
        pieces_[pieces_used_ - 1].iov_len + replied.reply_bytes <= replied.replies.size()) {
        pieces_[pieces_used_ - 1].iov_len += replied.reply_bytes;
        return true;
    }
    if (pieces_used_ == pieces_.size()) {
        return false;
    }
    pieces_[pieces_used_++] = {const_cast<char*>(replied.replies.data()), replied.reply_bytes};
    last_kind_ = &replied;
    return true;
}

bool floor_server::count_requests(connection& c, const char* bytes, std::size_t n) {
    while (n > 0) {
        if (c.missing == 0) {
            c.current = &kind_of(*bytes);
            c.missing = c.current->request_bytes;
        }
        const std::size_t taken = std::min(n, c.missing);
        bytes += taken;
        n -= taken;
        c.missing -= taken;
        if (c.missing == 0 && !add_reply(*c.current)) {
            return false;
        }
    }
    return true;
}

bool floor_server::flush(int socket) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < pieces_used_; ++i) {
        size += pieces_[i].iov_len;
    }
    ssize_t sent = 0;
    if (pieces_used_ == 1) {
        sent = send(socket, pieces_[0].iov_base, size, MSG_NOSIGNAL);
    } else if (pieces_used_ > 1) {
        msghdr message{};
        message.msg_iov = pieces_.data();
        message.msg_iovlen = pieces_used_;
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    }
    pieces_used_ = 0;
    last_kind_ = nullptr;
    return sent == static_cast<ssize_t>(size);
}

bool floor_server::answer(int socket, connection& c) {
    const ssize_t n = recv(socket, input_.data(), input_.size(), 0);
    if (n <= 0) {
        return n < 0 && errno == EAGAIN;
    }
    return count_requests(c, input_.data(), static_cast<std::size_t>(n)) && flush(socket);
}

void floor_server::accept_from(int listener) {
    const int socket = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
        const int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(socket, false);
    }
}

void floor_server::watch(int descriptor, bool listens) {
    const auto index = static_cast<std::size_t>(descriptor);
    connections_.resize(std::max(connections_.size(), index + 1));
    connections_[index] = connection{listens};
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &event);
}

void floor_server::serve() {
    std::array<epoll_event, 64> events{};
    for (;;) {
        const int n = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i) {
            const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
            connection& c = connections_[static_cast<std::size_t>(descriptor)];
            if (c.listens) {
                accept_from(descriptor);
            } else if (!answer(descriptor, c)) {
                close(descriptor);
            }
        }
    }
}

int listen_on(const sockaddr* address, socklen_t length) {
    const int listener = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, address, length) != 0 || listen(listener, SOMAXCONN) != 0) {
        fmt::print(stderr, "floor_server: {}\n", std::strerror(errno));
        return -1;
    }
    return listener;
}

int listen_on_tcp(const std::string& port_file) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const int listener = listen_on(generic, sizeof(address));
    socklen_t length = sizeof(address);
    if (listener < 0 || getsockname(listener, generic, &length) != 0) {
        return -1;
    }
    std::ofstream(port_file) << "tcp 127.0.0.1 " << ntohs(address.sin_port) << '\n';
    return listener;
}

int listen_on_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        fmt::print(stderr, "floor_server: path too long\n");
        return -1;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: floor_server PORT_FILE SOCKET_PATH\n");
        return 2;
    }
    const int unix_listener = listen_on_unix(argv[2]);
    const int tcp_listener = listen_on_tcp(argv[1]);
    if (tcp_listener < 0 || unix_listener < 0) {
        return 1;
    }
    const auto server = std::make_unique<floor_server>(epoll_create1(EPOLL_CLOEXEC));
    server->watch(tcp_listener, true);
    server->watch(unix_listener, true);
    server->serve();
}
