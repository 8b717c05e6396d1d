#pragma once

// Things that look alike as bytes and are not.

#include <array>
#include <cstdint>

namespace tlscache::session {

// A session ID of TLS 1.2, or the identity of a stateful TLS 1.3 ticket: always 32 bytes, so that
// both reach OpenSSL's get callback (RFC 5246 7.4.1.2, RFC 8446 4.6.1).
struct session_id {
    std::array<std::uint8_t, 32> bytes{};
    bool operator==(const session_id&) const = default;
};

// What a node sees of it: 2-byte namespace tag, 16 bytes of a keyed hash.
struct cache_key {
    std::array<std::uint8_t, 18> bytes{};
    bool operator==(const cache_key&) const = default;
};

// First 2 bytes of SHA-256("tlscache namespace " + NAME).
struct namespace_tag {
    std::array<std::uint8_t, 2> bytes{};
    bool operator==(const namespace_tag&) const = default;
};

// SHA-256 of what a virtual host demands of clients; see tls/vhost_policy.
struct vhost_policy {
    std::array<std::uint8_t, 32> bytes{};
    bool operator==(const vhost_policy&) const = default;
};

// Seconds since 1970 UTC by this machine's wall clock: decides the key period only.
using unix_seconds = std::int64_t;

}  // namespace tlscache::session
