#pragma once

// What is said over one connection to a node: requests in order, bytes of them out, bytes of
// replies in, answers in the same order. Begins with a greeting that tells a tlscached from a plain
// memcached; only then is it ready.
//
// Plain object: no socket, no clock. One thread at a time.

#include <cstdint>
#include <optional>

#include "client_lib/transport/fifo.hpp"
#include "client_lib/transport/limits.hpp"
#include "client_lib/transport/lookup_table.hpp"
#include "client_lib/wire/buffer.hpp"
#include "client_lib/wire/reply_parser.hpp"

namespace tlscache::transport {

// A store or an erasure (no value) that waits in a node's queue.
struct queued_store {
    session::cache_key key;
    std::vector<std::uint8_t> value;
    steady_time expires{};
    std::uint64_t hint = 0;
    bool erase = false;
};

class node_connection {
  public:
    enum class purpose : std::uint8_t { greeting, probe, lookup, store, erase };

    struct answer {
        purpose what = purpose::lookup;
        lookup_id id = 0;            // of a lookup; it may have been decided long ago
        std::uint8_t key_index = 0;  // of a lookup
        bool overdue = false;        // its deadline was over, and deadline_missed() has told so
        steady_time sent{};
        wire::reply reply;  // borrows from the input until the next call
    };
    enum class status : std::uint8_t { answered, needs_more, bad };

    // A new connection: forgets everything of the last one and says the greeting.
    void begin(steady_time now);
    bool ready() const noexcept { return greeted_; }
    bool plain() const noexcept { return plain_; }

    // Only when ready. `ttl` in seconds, at least 1.
    void ask(const session::cache_key& key, lookup_id id, std::uint8_t key_index, steady_time now,
             steady_time deadline);
    void store(const queued_store& item, std::int64_t ttl, steady_time now);
    void probe(steady_time now);

    wire::buffer& output() noexcept { return output_; }  // to be sent, and consumed as it is
    wire::buffer& input() noexcept { return input_; }    // to be filled with what came

    // The next answer in the input. After `bad` the connection must be closed.
    status next(answer& out);

    // The next lookup whose deadline passed without a reply, once each.
    bool deadline_missed(steady_time now) noexcept;
    // Of lookups without a verdict yet; max() if none. Exact when deadlines are in order.
    steady_time next_deadline() noexcept;

    std::size_t in_flight() const noexcept { return due_.size(); }
    std::size_t stores_in_flight() const noexcept { return stores_in_flight_; }
    // When the request was sent whose reply is due next; max() if none is.
    steady_time oldest_sent() const noexcept;

    // After a loss: what was in flight, one at a time; the reply means nothing.
    std::optional<answer> take_lost();
    void forget() noexcept;  // not ready any more; buffers are erased

  private:
    struct due {
        wire::asked asked = wire::asked::meta_noop;
        purpose what = purpose::probe;
        std::uint8_t key_index = 0;
        lookup_id id = 0;
        steady_time sent{};
        steady_time deadline{};
    };
    static answer describe(const due& request, bool overdue);
    due pop();
    void skip_others() noexcept;
    bool take_greeting(const wire::reply& reply) noexcept;

    bool greeted_ = false;
    bool plain_ = false;
    std::size_t consumed_ = 0;  // bytes of the last answer, still lent to its reader
    std::size_t stores_in_flight_ = 0;
    std::size_t judged_ = 0;  // of due_, from the front: deadline told, or none to tell
    fifo<due> due_;
    wire::reply_parser parser_{value_bytes_max};
    wire::buffer output_;
    wire::buffer input_;
};

}  // namespace tlscache::transport
