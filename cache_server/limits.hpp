#pragma once

// The daemon's limits, each with its reason. Those of the wire are in client_lib/wire/limits.hpp.
// "stats settings" shows them; what each one refuses has a counter (service/view.cpp names it).

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "client_lib/wire/limits.hpp"

namespace tlscache::limits {

// -m: below 8 MiB the index and the connection buffers leave no room worth having; 1 TiB is
// beyond any machine this runs on and keeps every sum inside 64 bits.
inline constexpr std::size_t memory_megabytes_min = 8;
inline constexpr std::size_t memory_megabytes_max = 1024 * 1024;

// -t: a thread more than the machine has cores costs and gives nothing; 64 as memcached warns at.
inline constexpr unsigned threads_max = 64;

// -c: each connection costs about 2 KiB of -m; above a million the descriptors run out first.
inline constexpr std::size_t connections_max = 1'000'000;

// -I: below 1 KiB sessions with a client certificate would be refused; memcached's lower bound too.
inline constexpr std::size_t value_bytes_min = 1024;

// The part of -m that connection buffers may use. An eighth serves 1,000 connections at -m 64;
// below 2 MiB not even the default -c fits, above 256 MiB only floods would use it.
constexpr std::size_t connection_bytes_max(std::size_t memory_bytes) {
    constexpr std::size_t mebibyte = 1024 * 1024;
    return std::clamp(memory_bytes / 8, 2 * mebibyte, 256 * mebibyte);
}

// What unfinished requests and unread replies leave of it to connections themselves: a few hundred
// peers that do not read must not keep everybody else from connecting. An eighth are 500
// connections at -m 64, and -I 1m still works from -m 32 on.
constexpr std::size_t connection_bytes_kept(std::size_t connection_bytes) {
    return connection_bytes / 8;
}

// Private to each connection: holds any request with a session in it (62 to 600 bytes), so that
// the common request needs no other memory.
inline constexpr std::size_t read_bytes_private = 1024;

// Of each worker: where a longer batch is read to. 32 KiB hold about 130 stores of a session.
inline constexpr std::size_t read_bytes_batch = 32 * 1024;

// Replies collected before they are written: 130 hits of a session. More leave in a next write.
inline constexpr std::size_t output_bytes_max = 32 * 1024;

// How often one connection may read and answer before the others get their turn.
inline constexpr unsigned rounds_per_turn_max = 8;

// An unfinished request may grow a connection's buffer to one request and a line, no further.
constexpr std::size_t request_bytes_max(std::size_t value_bytes_max) {
    return value_bytes_max + 2 * wire::line_bytes_max;
}

// An unfinished request holds memory, so it has to be whole after this time (--stall-timeout).
inline constexpr unsigned stall_seconds_default = 10;

// A peer that takes none of its replies holds memory too. Longer than any pause of a live peer.
inline constexpr std::chrono::seconds unread_timeout{60};

// Apache httpd keeps idle connections for 15 seconds and takes a server that closes one for dead,
// so that an idle timeout below 16 seconds is refused. 0, the default, is none.
inline constexpr unsigned idle_seconds_min = 16;
inline constexpr unsigned timeout_seconds_max = 86'400 * 365;

// How long a connection that we end is read from, so that the reset does not overtake the reply.
inline constexpr std::chrono::milliseconds linger_timeout{1000};

// How exactly the deadlines above are kept.
inline constexpr std::chrono::milliseconds deadline_tick{250};

// Listeners: each costs a descriptor; more addresses than a machine has interfaces is a mistake.
inline constexpr std::size_t listen_addresses_max = 32;
inline constexpr int listen_backlog = 1024;  // as memcached's -b

// Accepted in one turn before the service thread does something else.
inline constexpr unsigned accepts_per_turn_max = 64;

// Turned away connections that still wait for their peer to read the reason.
inline constexpr std::size_t turned_away_max = 8;

// With no descriptor left the next look is after this pause: 10 looks a second cost nothing.
inline constexpr std::chrono::milliseconds accept_pause{100};

// Descriptors beside the connections: standard streams, log, clock, /proc, library internals.
inline constexpr std::size_t descriptors_spare = 8;
inline constexpr std::size_t descriptors_per_thread = 3;  // epoll, event, timer

// Expiry: five looks a second keep "at most a second late"; 256 entries are erased in well under
// a millisecond, and no more than that may happen in one turn.
inline constexpr std::chrono::milliseconds expire_interval{200};
inline constexpr std::size_t expire_entries_per_turn = 256;

// SIGTERM: peers get this long to take their replies. The whole end stays below two seconds.
inline constexpr std::chrono::milliseconds drain_timeout{1300};

// The metrics page: a scraper or two and nobody else.
inline constexpr std::size_t metrics_connections_max = 4;
inline constexpr std::size_t metrics_request_bytes_max = 4096;
inline constexpr std::chrono::seconds metrics_timeout{5};

// "stats conns" shows this many connections, so that its answer stays bounded.
inline constexpr std::size_t connections_listed_max = 256;

// A configuration file is a page or two.
inline constexpr std::size_t config_bytes_max = 64 * 1024;

static_assert(read_bytes_private < read_bytes_batch);
static_assert(2 * wire::key_bytes_max < read_bytes_private);
static_assert(wire::value_bytes_default >= value_bytes_min);
static_assert(wire::value_bytes_hard_max + output_bytes_max < 2 * 1024 * 1024);
static_assert(drain_timeout < std::chrono::seconds(2));

}  // namespace tlscache::limits
