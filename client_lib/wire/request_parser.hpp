#pragma once

// Requests from bytes; restartable at every byte; allocates nothing. Of one connection.

#include <cstddef>
#include <cstdint>
#include <span>

#include "client_lib/wire/limits.hpp"
#include "client_lib/wire/request.hpp"

namespace tlscache::wire {

class request_parser {
  public:
    enum class status : std::uint8_t { parsed, needs_more };

    request_parser() = default;
    explicit request_parser(std::size_t value_bytes_max) : value_bytes_max_(value_bytes_max) {}

    // Looks at input from its start. `parsed`: `out` holds a request and `consumed` bytes are its;
    // they stay as they are while `out` is in use. `needs_more`: `consumed` bytes (of a refused
    // data block, say) are done with, and the next request needs `needed` bytes behind those, or
    // an unknown number more if 0. Base64 keys are decoded in place.
    status parse(std::span<char> input, request& out, std::size_t& consumed, std::size_t& needed);

  private:
    std::size_t value_bytes_max_ = value_bytes_default;
    std::size_t swallow_ = 0;   // bytes of a refused data block that are still to come
    bool in_key_list_ = false;  // inside a get, gets, gat, gats line
    bool first_key_ = false;
    verb list_op_ = verb::get;
    std::int64_t list_exptime_ = 0;
};

}  // namespace tlscache::wire
