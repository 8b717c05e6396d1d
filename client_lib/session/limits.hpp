#pragma once

// Limits of keys, IDs and records, each with its reason.

#include <cstddef>
#include <cstdint>

namespace tlscache::session {

// A name that people write; it is authenticated with every record, so it stays short.
inline constexpr std::size_t namespace_bytes_max = 128;

// A DNS name has at most 253 characters (RFC 1035 2.3.4); a group's name is no longer.
inline constexpr std::size_t sni_group_bytes_max = 255;

// SSL_MAX_SID_CTX_LENGTH of OpenSSL.
inline constexpr std::size_t id_context_bytes_max = 32;

// A session with a client certificate has 1 to 4 KB. A node takes 16 KiB by default (-I), 1 MiB
// at most; what is larger than this is no session.
inline constexpr std::size_t record_bytes_max = 64 * 1024;

// A stolen period key opens what was stored for period + lifetime: both are capped.
inline constexpr std::int64_t period_seconds_max = 3600;
inline constexpr std::int64_t period_seconds_default = 3600;
inline constexpr std::int64_t lifetime_seconds_max = 86400;
inline constexpr std::int64_t lifetime_seconds_default = 7200;

// The year 36,800: clocks beyond it are wrong, and no sum of times below it overflows.
inline constexpr std::int64_t unix_seconds_max = std::int64_t{1} << 40;

// Keys that only accept, per root: bounds memory and the search for a key.
inline constexpr std::int64_t older_periods_max = 48;

// The one that issues, the ones before it, a new one that is being spread.
inline constexpr std::size_t roots_max = 8;

// 8 roots and some pages of comments.
inline constexpr std::size_t key_file_bytes_max = 64 * 1024;

// Cipher and MAC contexts kept for one key while nobody uses them: one per busy thread.
inline constexpr std::size_t idle_contexts_max = 64;

static_assert(lifetime_seconds_default <= lifetime_seconds_max);
static_assert(period_seconds_default <= period_seconds_max);
static_assert(lifetime_seconds_max / period_seconds_max <= older_periods_max);

}  // namespace tlscache::session
