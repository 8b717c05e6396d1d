#pragma once

// Limits of the library on OpenSSL, each with its reason.

#include <chrono>
#include <cstddef>

namespace tlscache::tls {

// One ClientHello of 64 KB makes OpenSSL ask for 900 identities; a client of ours has one or two.
inline constexpr std::size_t identities_looked_up_max = 2;

// Identities whose MAC is computed (200 ns each) to find those two.
inline constexpr std::size_t identities_examined_max = 16;

// OpenSSL's TLSEXT_MAXLEN_host_name; a longer name ends the handshake.
inline constexpr std::size_t sni_bytes_max = 255;

// Virtual hosts whose policy differs from the attached context's; beyond it some other is dropped,
// and learnt again at its next full handshake.
inline constexpr std::size_t learnt_policies_max = 1024;

// IDs that forget() can reach on one connection: TLS 1.3 tickets issued on it.
inline constexpr std::size_t issued_ids_max = 8;

// A lookup takes some 100 us; what takes longer costs an ECDSA frontend more than a full handshake.
inline constexpr unsigned deadline_suspended_ms = 3;
inline constexpr unsigned deadline_blocking_ms = 1;
inline constexpr unsigned deadline_max_ms = 1000;

inline constexpr unsigned replicas_max = 3;
inline constexpr unsigned tickets_max = 4;
inline constexpr std::size_t sni_names_max = 10000;  // over all groups
inline constexpr std::size_t config_bytes_max = 1024 * 1024;

// How often changed key files are looked for.
inline constexpr std::chrono::seconds key_refresh_interval{1};

static_assert(identities_looked_up_max <= identities_examined_max);
static_assert(deadline_blocking_ms <= deadline_suspended_ms);
static_assert(deadline_suspended_ms <= deadline_max_ms);

}  // namespace tlscache::tls
