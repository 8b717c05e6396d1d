#include "client_lib/transport/address.hpp"

#include <netdb.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "client_lib/transport/limits.hpp"

namespace tlscache::transport {
namespace {

constexpr std::string_view unix_prefix = "unix:";

bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && stop == text.data() + text.size() && port >= 1 && port <= 65535;
}

std::vector<endpoint> ask(const address& where, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (::getaddrinfo(where.host.c_str(), where.port.c_str(), &hints, &found) != 0) {
        return {};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    std::vector<endpoint> endpoints;
    for (const addrinfo* a = found; a != nullptr && endpoints.size() < addresses_per_node_max;
         a = a->ai_next) {
        endpoint one;
        std::memcpy(&one.storage, a->ai_addr, a->ai_addrlen);
        one.size = a->ai_addrlen;
        endpoints.push_back(one);
    }
    return endpoints;
}

endpoint unix_endpoint(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), path.size());
    endpoint one;
    std::memcpy(&one.storage, &name, sizeof(name));
    one.size = sizeof(name);
    return one;
}

}  // namespace

std::optional<address> parse_address(std::string_view text) {
    address out;
    if (text.substr(0, unix_prefix.size()) == unix_prefix) {
        out.path = text.substr(unix_prefix.size());
        const bool fits = out.path.size() < sizeof(sockaddr_un::sun_path);
        return fits && out.path.starts_with('/') ? std::optional(out) : std::nullopt;
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return std::nullopt;  // an IPv6 address without brackets has no clear end
    }
    if (host.empty() || host.find_first_of("[]") != std::string_view::npos) {
        return std::nullopt;
    }
    out.host = host;
    out.port = text.substr(colon + 1);
    return out;
}

std::optional<endpoint> numeric_endpoint(const address& where) {
    if (!where.path.empty()) {
        return unix_endpoint(where.path);
    }
    const std::vector<endpoint> found = ask(where, AI_NUMERICHOST);
    return found.empty() ? std::nullopt : std::optional(found.front());
}

std::vector<endpoint> resolve(const address& where) {
    return ask(where, 0);
}

}  // namespace tlscache::transport
