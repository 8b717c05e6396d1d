#pragma once

// Addresses of sockets as text, as memcached shows them: "tcp:127.0.0.1:11211", "tcp6:[::1]:11211",
// "unix:/path".

#include <sys/socket.h>

#include <string>

namespace tlscache::net {

std::string address_text(const sockaddr_storage& address, socklen_t size);
std::string peer_text(int descriptor);
std::string local_text(int descriptor);

}  // namespace tlscache::net
