// One formatter for all families; a socket whose address can't be had is "unknown".

#include "cache_server/net/endpoint_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstring>

namespace tlscache::net {

std::string address_text(const sockaddr_storage& address, socklen_t size) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return fmt::format("tcp:{}:{}", text.data(), ntohs(v4.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        return fmt::format("tcp6:[{}]:{}", text.data(), ntohs(v6.sin6_port));
    }
    if (address.ss_family == AF_UNIX) {
        sockaddr_un local{};
        std::memcpy(&local, &address, sizeof local);
        const std::size_t named = size > offsetof(sockaddr_un, sun_path)
                                      ? ::strnlen(local.sun_path, sizeof local.sun_path)
                                      : 0;
        return fmt::format("unix:{}", std::string_view(local.sun_path, named));
    }
    return "unknown";
}

std::string peer_text(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return "unknown";
    }
    return address_text(address, size);
}

std::string local_text(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return "unknown";
    }
    return address_text(address, size);
}

}  // namespace tlscache::net
