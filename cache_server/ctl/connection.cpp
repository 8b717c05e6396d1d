// A non-blocking socket and poll(), so that one deadline bounds connecting, writing and reading.

#include "cache_server/ctl/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tlscache::ctl {
namespace {

// A line of any reply; "stats" lines are far shorter.
constexpr std::size_t line_bytes_max = 4096;
constexpr std::size_t read_bytes_at_once = 4096;

}  // namespace

connection::~connection() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

bool connection::open(const transport::address& where) {
    if (const auto known = transport::numeric_endpoint(where)) {
        return connect_to(*known);
    }
    const auto found = transport::resolve(where);
    return std::any_of(found.begin(), found.end(),
                       [this](const transport::endpoint& e) { return connect_to(e); });
}

bool connection::connect_to(const transport::endpoint& endpoint) {
    fd_ = ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
        return false;
    }
    int status =
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.size);
    if (status != 0 && errno == EINPROGRESS && wait_for(POLLOUT)) {
        int error = 0;
        socklen_t size = sizeof(error);
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
        status = error == 0 ? 0 : -1;
    }
    if (status != 0) {
        ::close(fd_);
        fd_ = -1;
    }
    return status == 0;
}

bool connection::wait_for(short events) const {
    using std::chrono::milliseconds;
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline_ - time_point::clock::now());
        if (left.count() <= 0) {
            return false;
        }
        pollfd waited{fd_, events, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(left.count()));
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return ready > 0;
        }
    }
}

bool connection::send(std::string_view request) {
    while (!request.empty()) {
        const ssize_t sent = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            request.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN ? !wait_for(POLLOUT) : errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool connection::receive() {
    while (true) {
        char* room = input_.prepare(read_bytes_at_once);
        const ssize_t got = ::recv(fd_, room, read_bytes_at_once, 0);
        if (got > 0) {
            input_.commit(static_cast<std::size_t>(got));
            return true;
        }
        if (got == 0 || (errno == EAGAIN ? !wait_for(POLLIN) : errno != EINTR)) {
            return false;
        }
    }
}

std::string_view connection::take(std::size_t n) {
    taken_ = n;
    return input_.view().substr(0, n);
}

std::optional<std::string_view> connection::read_line() {
    input_.consume(std::exchange(taken_, 0));
    std::size_t end = std::string_view::npos;
    while ((end = input_.view().find("\r\n")) == std::string_view::npos) {
        if (input_.size() > line_bytes_max || !receive()) {
            return std::nullopt;
        }
    }
    return take(end + 2).substr(0, end);
}

std::optional<std::string_view> connection::read_bytes(std::size_t n) {
    input_.consume(std::exchange(taken_, 0));
    while (input_.size() < n) {
        if (!receive()) {
            return std::nullopt;
        }
    }
    return take(n);
}

}  // namespace tlscache::ctl
