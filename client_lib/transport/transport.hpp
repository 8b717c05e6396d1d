#pragma once

// Lookups and stores over the nodes of the ring. Connections are made in the background; what is
// not connected is unavailable at once; nothing is retried; every queue is bounded.
//
// A plain object with two drivers: its own thread (start_thread), or the server's loop (fd,
// process, next_timeout). begin, cancel, store and erase may be called from any thread. Fork: the
// child gets connections of its own at its first call, and never writes to the parent's; fd() is
// another one then, and the parent's lookups are never answered in the child.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::transport {

using steady_time = std::chrono::steady_clock::time_point;
using steady_duration = std::chrono::steady_clock::duration;

struct node_address {
    std::string name;
    std::string address;  // host:port, [v6]:port, unix:/path
    double weight = 1;
};

struct transport_options {
    std::string ring_file;            // NAME ADDRESS [WEIGHT] a line; re-read when it changes
    std::vector<node_address> nodes;  // used if ring_file is empty
    unsigned replicas = 1;
    std::size_t queued_stores_max = 1024;  // per node; the newest is dropped when full. Erasures,
                                           // which matter more, may be as many again
    std::size_t lookups_in_flight_max = 4096;
    bool breaker = true;
    // The breaker opens when more than a tenth of a second's lookups take longer.
    std::chrono::milliseconds slow{2};
    // Tells the ring's version from its text; see ring_version(). Null: 0. (The hash belongs to
    // libcrypto, which this folder does not use.)
    std::uint32_t (*ring_version)(std::string_view text) = nullptr;
};

// hit, miss, unavailable: none is an error.
enum class outcome : std::uint8_t { hit, miss, unavailable };

// Why a lookup was unavailable; counted.
enum class unavailable_reason : std::uint8_t {
    none,
    not_connected,
    breaker_open,
    deadline,
    connection_lost,
    bad_reply,
    queue_full,
    cancelled,
};

struct lookup_result {
    enum outcome outcome = outcome::unavailable;
    unavailable_reason reason = unavailable_reason::none;
    std::size_t key_index = 0;        // which of the keys was hit
    std::vector<std::uint8_t> value;  // sealed
    std::int64_t ttl = -1;            // seconds left by the node's clock
    std::int64_t age = -1;            // seconds since stored by the node's clock, -1: not told
};

// Called exactly once per begin(), from the driver's thread, or inside begin() when the answer is
// known at once. Must not block.
using lookup_done = std::function<void(lookup_result)>;

class lookup_handle;  // cancels; copyable; outlives the transport harmlessly

struct counters {
    std::uint64_t lookups = 0, hits = 0, misses = 0, unavailable = 0;
    std::uint64_t deadline = 0, not_connected = 0, breaker_open = 0, connection_lost = 0;
    std::uint64_t bad_reply = 0, cancelled = 0, queue_full = 0;
    std::uint64_t stores_queued = 0, stores_sent = 0, stores_dropped = 0, stores_refused = 0;
    std::uint64_t erases_sent = 0;
    std::uint64_t erases_dropped = 0;  // never sent, or the connection was lost before the reply
    std::uint64_t connects = 0;        // whose node has answered the greeting: lookups may go there
    std::uint64_t connects_failed = 0, ring_reloads = 0, breaker_opened = 0;
    std::uint64_t late_replies = 0;  // came after the lookup was decided, and were dropped
    std::uint64_t ring_refused = 0;  // changed ring files that can't be read or are wrong
    std::uint64_t ring_differs = 0;  // replies of nodes that have another ring
};

class transport {
  public:
    // Throws std::invalid_argument (file, line, reason) if the ring can't be read or is wrong.
    explicit transport(const transport_options& options);
    ~transport();  // pending lookups are told `cancelled`; not from inside a callback
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    void start_thread();  // idempotent; lazily again after fork

    // The server's loop instead of a thread: poll fd() for reading, then process(). Deadlines make
    // it readable too; next_timeout() is for loops that would rather be told how long to wait.
    int fd() const;
    void process();
    std::chrono::milliseconds next_timeout() const;

    // Asks for at most two keys, of one deadline. The first hit wins.
    lookup_handle begin(std::span<const session::cache_key> keys, steady_time deadline,
                        lookup_done done);

    // Waits for the answer, at most until the deadline; does the work itself if no thread does.
    lookup_result lookup(std::span<const session::cache_key> keys, steady_time deadline);

    // Queued; never waits. The time spent waiting in the queue is taken off the ttl (seconds).
    void store(const session::cache_key& key, std::vector<std::uint8_t> value, std::int64_t ttl,
               std::uint64_t hint);
    void erase(const session::cache_key& key);

    // Waits until the queues are empty or the deadline is over; for tests and orderly shutdown.
    bool drain(steady_time deadline);

    counters statistics() const;

    // Head of the SHA-256 of the ring's text, by options.ring_version.
    std::uint32_t ring_version() const;

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

class lookup_handle {
  public:
    lookup_handle() = default;
    // After it returns, the callback has run or never will. Not from inside the callback.
    void cancel();

  private:
    friend class transport;
    lookup_handle(std::weak_ptr<void> owner, std::uint64_t id)
        : owner_(std::move(owner)), id_(id) {}

    std::weak_ptr<void> owner_;
    std::uint64_t id_ = 0;
};

}  // namespace tlscache::transport
