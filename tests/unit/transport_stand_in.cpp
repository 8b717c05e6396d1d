#include "tests/unit/transport_stand_in.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <sstream>

namespace tlscache::testing {
namespace {

using clock = std::chrono::steady_clock;

constexpr long age = 3;  // of everything, in seconds
constexpr const char* node_fields = " n1700000000 r1a2b3c4d e7";

void must(bool good, const char* what) {
    if (!good) {
        std::perror(what);
        std::abort();
    }
}

}  // namespace

struct stand_in::connection {
    explicit connection(int descriptor) : fd(descriptor) {}
    ~connection() { ::close(fd); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    int fd;
    std::string input;
    std::deque<stand_in_reply> replies;
};

stand_in::stand_in(behaviour how) : how_(std::move(how)) {
    bell_ = ::eventfd(0, EFD_CLOEXEC);
    must(bell_ >= 0, "eventfd");
    start();
}

stand_in::~stand_in() {
    stop();
    ::close(bell_);
}

void stand_in::start() {
    listen();
    ending_ = false;
    thread_ = std::thread([this] { run(); });
}

void stand_in::stop() {
    if (!thread_.joinable()) {
        return;
    }
    ending_ = true;
    const std::uint64_t one = 1;
    must(::write(bell_, &one, sizeof(one)) == sizeof(one), "write");
    thread_.join();
    std::uint64_t count = 0;
    must(::read(bell_, &count, sizeof(count)) == sizeof(count), "read");
    ::close(listener_);
    peers_.clear();
}

void stand_in::listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(listener_ >= 0, "socket");
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<std::uint16_t>(port_));
    must(::bind(listener_, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0, "bind");
    must(::listen(listener_, 64) == 0, "listen");
    socklen_t size = sizeof(name);
    must(::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) == 0, "getsockname");
    port_ = ntohs(name.sin_port);
}

void stand_in::run() {
    while (!ending_) {
        std::vector<pollfd> waits = {{bell_, POLLIN, 0}, {listener_, POLLIN, 0}};
        auto next = clock::now() + std::chrono::seconds(1);
        for (const auto& peer : peers_) {
            waits.push_back({peer->fd, POLLIN, 0});
            if (!peer->replies.empty()) {
                next = std::min(next, peer->replies.front().when);
            }
        }
        const auto left = std::max<clock::duration>(next - clock::now(), clock::duration::zero());
        timespec timeout{};
        timeout.tv_sec = left / std::chrono::seconds(1);
        timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
        ::ppoll(waits.data(), waits.size(), &timeout, nullptr);
        for (std::size_t i = peers_.size(); i != 0; --i) {
            const bool readable = waits[i + 1].revents != 0;
            if ((readable && !serve(*peers_[i - 1])) || !send_due(*peers_[i - 1])) {
                peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(i - 1));
            }
        }
        if (waits[1].revents != 0) {
            accept_one();
        }
    }
}

void stand_in::accept_one() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        peers_.push_back(std::make_unique<connection>(fd));
        ++connections_;
    }
}

bool stand_in::serve(connection& peer) {
    char room[65536];
    const ssize_t got = ::recv(peer.fd, room, sizeof(room), 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    ++reads_;
    peer.input.append(room, static_cast<std::size_t>(got));
    take_requests(peer);
    return true;
}

bool stand_in::send_due(connection& peer) {
    while (!peer.replies.empty() && peer.replies.front().when <= clock::now()) {
        const stand_in_reply reply = std::move(peer.replies.front());
        peer.replies.pop_front();
        if (!reply.silent) {
            ::send(peer.fd, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
        }
        if (reply.close) {
            return false;
        }
    }
    return true;
}

void stand_in::take_requests(connection& peer) {
    for (;;) {
        const std::size_t end = peer.input.find("\r\n");
        if (end == std::string::npos) {
            return;
        }
        stand_in_request request;
        request.line = peer.input.substr(0, end);
        std::istringstream words(request.line);
        words >> request.verb >> request.key;
        std::size_t used = end + 2;
        std::size_t size = 0;
        if ((request.verb == "ts" || request.verb == "ms") && words >> size) {
            if (peer.input.size() < used + size + 2) {
                return;
            }
            request.data = peer.input.substr(used, size);
            used += size + 2;
        }
        peer.input.erase(0, used);
        stand_in_reply reply = answer(request);
        if (how_.mangle) {
            how_.mangle(request, reply);
        }
        peer.replies.push_back(std::move(reply));
    }
}

stand_in_reply stand_in::answer(const stand_in_request& request) {
    const std::scoped_lock guard(mutex_);
    ++counts_[request.verb];
    last_lines_[request.verb] = request.line;
    const auto found = values_.find(request.key);
    const bool has = found != values_.end();
    const std::string size = has ? std::to_string(found->second.data.size()) : "";
    const std::string data = has ? "\r\n" + found->second.data + "\r\n" : "";
    const std::string ttl = has ? " t" + std::to_string(found->second.ttl - age) : "";
    const std::string node = how_.plain ? "" : node_fields;
    stand_in_reply reply;
    if (how_.plain && (request.verb == "tg" || request.verb == "ts")) {
        reply.bytes = "ERROR\r\n";
    } else if (request.verb == "tg") {
        reply.bytes = has ? "TV " + size + ttl + " a" + std::to_string(age) + node + data
                          : "TN" + node + "\r\n";
    } else if (request.verb == "mg") {
        reply.bytes = has ? "VA " + size + ttl + data : "EN\r\n";
    } else if (request.verb == "ts" || request.verb == "ms") {
        const std::size_t at = request.line.find(" T");
        const char* ttl_told = at == std::string::npos ? "0" : request.line.c_str() + at + 2;
        values_[request.key] = {request.data, std::atol(ttl_told)};
        reply.bytes = "HD" + node + "\r\n";
    } else if (request.verb == "md") {
        reply.bytes = values_.erase(request.key) != 0 ? "HD\r\n" : "NF\r\n";
    } else {
        reply.bytes = request.verb == "mn" ? "MN\r\n" : "ERROR\r\n";
    }
    return reply;
}

int stand_in::requests(const std::string& verb) const {
    const std::scoped_lock guard(mutex_);
    const auto found = counts_.find(verb);
    return found == counts_.end() ? 0 : found->second;
}

std::string stand_in::value(const std::string& key) const {
    const std::scoped_lock guard(mutex_);
    const auto found = values_.find(key);
    return found == values_.end() ? "" : found->second.data;
}

std::string stand_in::last_line(const std::string& verb) const {
    const std::scoped_lock guard(mutex_);
    const auto found = last_lines_.find(verb);
    return found == last_lines_.end() ? "" : found->second;
}

}  // namespace tlscache::testing
