#pragma once

// Sockets that listen. At start-up, on one thread; failures are sentences for the operator.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

namespace tlscache::net {

// Owns the descriptor and, for a Unix socket, the file.
class listener {
  public:
    listener(int descriptor, int family, std::string path) noexcept
        : descriptor_(descriptor), family_(family), path_(std::move(path)) {}
    listener(listener&& other) noexcept;
    listener& operator=(listener&&) = delete;
    ~listener();

    int descriptor() const noexcept { return descriptor_; }
    int family() const noexcept { return family_; }
    const std::string& path() const noexcept { return path_; }

    // "tcp 127.0.0.1 11211" or "unix /path", as the port file has it.
    std::string port_line() const;

  private:
    int descriptor_;
    int family_;
    std::string path_;
};

struct failure {
    std::string text;
    bool address_missing = false;  // the machine has no such address (IPv6 switched off, say)
};

struct listen_outcome {
    std::vector<listener> made;
    std::optional<failure> failed;
};

// All addresses that the name has; port 0 is chosen by the kernel.
listen_outcome listen_tcp(const std::string& host, std::uint16_t port);

// Replaces a socket file that nobody listens on any more; anything else at the path is a failure.
// `mask` is the file's permission bits.
listen_outcome listen_unix(const std::string& path, unsigned mask);

}  // namespace tlscache::net
