#pragma once

// One blocking connection to a node, for a tool that asks one question and ends. Everything must
// be over by the deadline given at the start: a node that hangs is unreachable.
//
// One thread. What was received is erased when the connection goes.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "client_lib/transport/address.hpp"
#include "client_lib/wire/buffer.hpp"

namespace tlscache::ctl {

class connection {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit connection(time_point deadline) : deadline_(deadline) {}
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    // Each false or nullopt: no answer by the deadline, or the peer closed.
    [[nodiscard]] bool open(const transport::address& where);
    [[nodiscard]] bool send(std::string_view request);

    // The next line without CRLF. The view lives until the next read.
    std::optional<std::string_view> read_line();
    // Exactly n bytes.
    std::optional<std::string_view> read_bytes(std::size_t n);

  private:
    bool connect_to(const transport::endpoint& endpoint);
    bool wait_for(short events) const;
    bool receive();  // at least one more byte
    std::string_view take(std::size_t n);

    const time_point deadline_;
    int fd_ = -1;
    wire::buffer input_;
    std::size_t taken_ = 0;  // bytes at the front that the last read gave out
};

}  // namespace tlscache::ctl
