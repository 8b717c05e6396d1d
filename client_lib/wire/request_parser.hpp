#pragma once

// Requests from bytes; restartable at every byte; allocates nothing. Of one connection.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

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
    // an unknown number more if 0. Base64 keys are decoded in place, in whole requests only.
    //
    // A parser may be copied to go back to where it stood; the input then must be as it was
    // (encode a decoded key over itself, see base64.hpp).
    status parse(std::span<char> input, request& out, std::size_t& consumed, std::size_t& needed);

  private:
    bool swallow(std::span<char> input, std::size_t& consumed) noexcept;
    bool skip_line(std::span<char> input, std::size_t& consumed) noexcept;
    status line(std::span<char> input, request& out, std::size_t& consumed, std::size_t& needed);
    status with_block(std::string_view text, std::size_t line_bytes,
                      std::optional<std::size_t> block, request& out, std::size_t& consumed,
                      std::size_t& needed);
    status list_item(std::span<char> input, request& out, std::size_t& consumed);
    status refuse_list(request& out, refusal why, std::string_view error) noexcept;

    std::size_t value_bytes_max_ = value_bytes_default;
    std::size_t swallow_ = 0;   // bytes of a refused data block that are still to come
    bool fresh_ = true;         // nothing seen on this connection yet
    bool in_key_list_ = false;  // inside a get, gets, gat, gats line
    bool first_key_ = false;
    bool skip_line_ = false;  // to the end of a refused key list
    verb list_op_ = verb::get;
    std::int64_t list_exptime_ = 0;
};

}  // namespace tlscache::wire
