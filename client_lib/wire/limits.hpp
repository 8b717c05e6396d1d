#pragma once

// Limits of the wire protocol, each with its reason. The daemon's own limits are in
// cache_server/limits.hpp.

#include <cstddef>
#include <cstdint>

namespace tlscache::wire {

// memcached's KEY_MAX_LENGTH; for base64 keys it bounds the decoded key and the token.
inline constexpr std::size_t key_bytes_max = 250;

// The library's own keys: 2-byte namespace tag and 16 bytes of a keyed hash.
inline constexpr std::size_t tagged_key_bytes = 18;

// A command line that is not a key list. memcached gives up at 2,048 as well.
inline constexpr std::size_t line_bytes_max = 2048;

// Largest data block that can be named at all (-I goes no further). A longer length is not
// swallowed: the connection is closed.
inline constexpr std::size_t value_bytes_hard_max = 1024 * 1024;
inline constexpr std::size_t value_bytes_default = 16 * 1024;

// memcached's limit on the opaque token of the meta commands.
inline constexpr std::size_t opaque_bytes_max = 32;

static_assert(tagged_key_bytes < key_bytes_max);
static_assert(2 * key_bytes_max < line_bytes_max);

}  // namespace tlscache::wire
