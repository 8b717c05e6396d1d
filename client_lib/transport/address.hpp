#pragma once

// Addresses of nodes as operators write them: host:port, [v6]:port, unix:/path.

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tlscache::transport {

struct address {
    std::string host;  // a name or a number; empty for a Unix socket
    std::string port;  // decimal, 1 to 65535
    std::string path;  // of a Unix socket
    bool operator==(const address&) const = default;
};

// What a socket can be connected to.
struct endpoint {
    sockaddr_storage storage{};
    socklen_t size = 0;
    int family() const noexcept { return storage.ss_family; }
};

// nullopt if it is none of the three forms.
std::optional<address> parse_address(std::string_view text);

// The endpoint of a Unix socket or of a numeric host; nullopt if the host is a name, which a
// resolver must look up. Does not block.
std::optional<endpoint> numeric_endpoint(const address& where);

// Asks the system's resolver; blocks. All addresses, in the resolver's order; empty on failure.
std::vector<endpoint> resolve(const address& where);

}  // namespace tlscache::transport
