#pragma once

// The client's requests as bytes: PROTOCOL.md section 2 for the extensions, memcached's meta
// commands for a plain memcached. Each call appends one request.
//
// Keys are the library's own, tagged_key_bytes long, and leave as base64. Time to live is relative,
// in seconds. Allocates only when the buffer grows.

#include <cstdint>

#include "client_lib/wire/buffer.hpp"
#include "client_lib/wire/bytes.hpp"
#include "client_lib/wire/limits.hpp"

namespace tlscache::wire {

// Exactly tagged_key_bytes; the caller owns them during the call only.
using tagged_key = std::span<const std::uint8_t, tagged_key_bytes>;

void encode_tagged_get(tagged_key key, buffer& out);  // tg
// ts; hint 0: none. 1 <= ttl <= store_ttl_max. Only to a node that has answered a tg.
void encode_tagged_set(tagged_key key, byte_view value, std::int64_t ttl, std::uint64_t hint,
                       buffer& out);

void encode_meta_get(tagged_key key, buffer& out);  // mg, value and ttl wanted
void encode_meta_set(tagged_key key, byte_view value, std::int64_t ttl, buffer& out);  // ms
void encode_meta_delete(tagged_key key, buffer& out);  // md; of both kinds of node
void encode_meta_noop(buffer& out);                    // mn

// memcached takes a larger time to live for a date (its REALTIME_MAXDELTA, 30 days), and a session
// never lives that long (RFC 8446 4.6.1: 7 days).
inline constexpr std::int64_t store_ttl_max = 7 * 24 * 3600;

}  // namespace tlscache::wire
