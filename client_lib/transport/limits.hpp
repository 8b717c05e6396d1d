#pragma once

// Limits of the client's side of the network, each with its reason.

#include <chrono>
#include <cstddef>

#include "client_lib/wire/limits.hpp"

namespace tlscache::transport {

using std::chrono::milliseconds;

// One handshake asks for at most two identities: a hello can hold 900 of them.
inline constexpr std::size_t keys_per_lookup_max = 2;

// A ring is read by people. Placement costs about a nanosecond a node and lookup.
inline constexpr std::size_t ring_nodes_max = 256;
inline constexpr std::size_t ring_text_bytes_max = 64 * 1024;
inline constexpr std::size_t node_name_bytes_max = 64;
inline constexpr double node_weight_max = 1'000'000;
inline constexpr std::size_t replicas_max = 4;
inline constexpr milliseconds ring_check_interval{1000};

// A sealed session is 90 to 200 bytes; one that holds certificate chains as DER stays below this.
inline constexpr std::size_t value_bytes_max = 64 * 1024;

// Unsent bytes of one connection. More means that the node does not read: lookups are refused
// then, and stores wait in their queue from the lower mark on, so that they never delay a lookup
// by more than a network's round trip.
inline constexpr std::size_t output_bytes_max = 256 * 1024;
inline constexpr std::size_t output_bytes_for_stores = 32 * 1024;

// Stores and erasures sent and not yet answered, per node: what a broken connection can lose.
inline constexpr std::size_t stores_in_flight_max = 256;

// How much is read at once. With the largest value it bounds the input buffer of a connection.
inline constexpr std::size_t read_bytes = 16 * 1024;

// Connections. A connect that takes longer than a second would be of no use to a handshake.
inline constexpr milliseconds connect_timeout{1000};
// A reply that is a second late will not come: the peer vanished, or is stopped. The connection
// is dropped then, and not before, since a late reply alone is no reason to lose all others.
inline constexpr milliseconds reply_overdue{1000};

// First and last pause between attempts to connect or probes, before jitter of +-50 %. The last
// one decides how soon a node that came back is used: below 5 s with all that follows.
inline constexpr milliseconds backoff_first{50};
inline constexpr milliseconds backoff_last{1000};

// Breaker: see breaker.hpp.
inline constexpr unsigned breaker_deadlines_in_row = 3;
inline constexpr milliseconds breaker_slow{2};  // unless the operator says otherwise
inline constexpr milliseconds breaker_window{1000};
inline constexpr unsigned breaker_window_samples_min = 20;
inline constexpr unsigned breaker_good_probes = 3;
inline constexpr milliseconds breaker_probe_interval{100};
inline constexpr milliseconds breaker_ramp{2000};
inline constexpr unsigned breaker_ramp_first_percent = 10;

// Name look-ups that run at once, each in a thread of its own while it lasts.
inline constexpr unsigned resolver_threads_max = 4;
inline constexpr std::size_t addresses_per_node_max = 16;

// Descriptors of one transport: a connection per node, and those of a ring that is being replaced.
inline constexpr std::size_t descriptors_max = 2 * ring_nodes_max + 8;

static_assert(output_bytes_for_stores + value_bytes_max < output_bytes_max);
static_assert(value_bytes_max <= wire::value_bytes_hard_max);
static_assert(backoff_first < backoff_last);

}  // namespace tlscache::transport
