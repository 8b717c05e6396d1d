// Plain system calls: there is nothing asynchronous here, and each failure wants its own sentence.
// The Unix socket's file gets its permissions from the umask of the moment of bind(), so that there
// is no instant at which it is open to all.

#include "cache_server/net/listener.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "cache_server/limits.hpp"

namespace tlscache::net {
namespace {

listen_outcome failed(std::string text, bool address_missing = false) {
    listen_outcome out;
    out.failed = failure{std::move(text), address_missing};
    return out;
}

std::string because(int error) {
    return ::strerror(error);
}

// False: errno says why.
bool listen_on(const listener& made, const sockaddr* address, socklen_t size) {
    const int on = 1;
    const int descriptor = made.descriptor();
    if (made.family() != AF_UNIX) {
        ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (made.family() == AF_INET6) {
        ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    return ::bind(descriptor, address, size) == 0 &&
           ::listen(descriptor, limits::listen_backlog) == 0;
}

bool is_missing(int error) {
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

// A file at the path: true if it is gone now.
std::optional<std::string> clear_stale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? std::nullopt : std::optional(because(errno));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return "there is a file of that name that is not a socket";
    }
    const listener probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), AF_UNIX,
                         {});
    if (::connect(probe.descriptor(), reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == 0 ||
        errno != ECONNREFUSED) {
        return "another process listens there";
    }
    if (::unlink(path.c_str()) != 0) {
        return "its stale file can't be removed: " + because(errno);
    }
    return std::nullopt;
}

}  // namespace

listener::listener(listener&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      family_(other.family_),
      path_(std::exchange(other.path_, {})) {}

listener::~listener() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

std::string listener::port_line() const {
    if (family_ == AF_UNIX) {
        return fmt::format("unix {}", path_);
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host.data(), host.size(),
                      port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return "tcp unknown 0";
    }
    return fmt::format("tcp {} {}", host.data(), port.data());
}

listen_outcome listen_tcp(const std::string& host, std::uint16_t port) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string service = fmt::to_string(port);
    const int error = ::getaddrinfo(host.c_str(), service.c_str(), &wanted, &found);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
    if (error != 0) {
        return failed(fmt::format("can't listen on '{}': {}", host, ::gai_strerror(error)),
                      error == EAI_ADDRFAMILY);
    }
    listen_outcome out;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        listener made(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                      one->ai_family, {});
        if (made.descriptor() < 0 || !listen_on(made, one->ai_addr, one->ai_addrlen)) {
            const int why = errno;
            return failed(fmt::format("can't listen on {} port {}: {}", host, port, because(why)),
                          is_missing(why));
        }
        out.made.push_back(std::move(made));
    }
    return out;
}

listen_outcome listen_unix(const std::string& path, unsigned mask) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return failed(fmt::format("can't listen on Unix socket {}: the path is too long", path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (const auto why = clear_stale(path, address)) {
        return failed(fmt::format("can't listen on Unix socket {}: {}", path, *why));
    }
    listener bare(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), AF_UNIX, {});
    const mode_t before = ::umask(static_cast<mode_t>(~mask & 0777));
    const bool listens =
        bare.descriptor() >= 0 &&
        listen_on(bare, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int why = errno;
    ::umask(before);
    if (!listens) {
        return failed(fmt::format("can't listen on Unix socket {}: {}", path, because(why)));
    }
    // Only now: the file of a socket that could not be bound is not ours to remove.
    listen_outcome out;
    out.made.emplace_back(::dup(bare.descriptor()), AF_UNIX, path);
    if (out.made.back().descriptor() < 0) {
        return failed(fmt::format("can't listen on Unix socket {}: {}", path, because(errno)));
    }
    return out;
}

}  // namespace tlscache::net
