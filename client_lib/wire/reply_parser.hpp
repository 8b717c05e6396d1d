#pragma once

// The client's side of the replies. Strict: what is not exactly the reply to the request that is
// due is `bad`, and the connection must be dropped, since nothing tells where the next reply
// begins.
//
// Restartable at every byte, bounded, allocates nothing. Of one connection.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client_lib/wire/limits.hpp"

namespace tlscache::wire {

// What was asked; replies come in the order of requests.
enum class asked : std::uint8_t {
    tagged_get,  // tg
    tagged_set,  // ts
    meta_get,    // mg b v t
    meta_set,    // ms
    meta_delete,
    meta_noop,
};

enum class reply_kind : std::uint8_t {
    hit,
    miss,
    done,             // stored, or deleted, or "MN"
    not_done,         // not stored, or nothing to delete
    server_error,     // the node says it could not; the connection stays usable
    unknown_command,  // "ERROR": a plain memcached's answer to tg
};

struct reply {
    reply_kind kind = reply_kind::miss;
    std::string_view value;  // hit: borrowed from the input
    std::int64_t ttl = -1;   // hit: seconds left; -1: stored without an end
    std::int64_t age = -1;   // hit by tg: seconds since it was stored; -1: not told
    // of the extensions only
    bool extended = false;
    std::int64_t node_time = 0;  // seconds since 1970 UTC
    std::uint32_t ring_version = 0;
    std::uint32_t epoch = 0;
};

class reply_parser {
  public:
    enum class status : std::uint8_t { parsed, needs_more, bad };

    explicit reply_parser(std::size_t value_bytes_max = value_bytes_default)
        : value_bytes_max_(value_bytes_max) {}

    // Looks at input from its start, which stays the same until a reply is parsed. `parsed`:
    // `consumed` bytes are its. `needs_more`: the reply ends no earlier than at `needed` bytes of
    // input, so that a reader can make room for it.
    status parse(std::string_view input, asked request, reply& out, std::size_t& consumed,
                 std::size_t& needed);

    void reset() noexcept { scanned_ = 0; }  // of a new connection

  private:
    std::size_t value_bytes_max_;
    std::size_t scanned_ = 0;  // bytes known to hold no end of line
};

// A reply line is far shorter; what is longer is not one. memcached's longest error is below it.
inline constexpr std::size_t reply_line_bytes_max = 512;

}  // namespace tlscache::wire
