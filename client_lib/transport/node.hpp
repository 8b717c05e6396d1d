#pragma once

// One node of the ring: its socket, and the objects that decide about it (connection, breaker,
// back-off, queue of stores). Carries out what they say; connects and probes in the background.
//
// All calls under the engine's lock. Never blocks.

#include <cstdint>
#include <vector>

#include "client_lib/transport/breaker.hpp"
#include "client_lib/transport/descriptors.hpp"
#include "client_lib/transport/node_connection.hpp"
#include "client_lib/transport/random.hpp"
#include "client_lib/transport/resolver.hpp"
#include "client_lib/transport/ring.hpp"

namespace tlscache::transport {

// What all nodes of a transport share. Outlives them.
struct node_context {
    int epoll = -1;
    const transport_options& options;
    descriptors& owned;
    resolver& names;
    counters& count;
    random_bits& random;
    std::uint32_t ring_version = 0;
};

struct node_answer {
    lookup_id id = 0;
    lookup_result result;
};
using node_answers = std::vector<node_answer>;

class node {
  public:
    // `serial` comes back in epoll's events and in the resolver's answers.
    node(node_context& context, const ring_node& place, std::uint64_t serial);
    ~node();
    node(const node&) = delete;
    node& operator=(const node&) = delete;

    bool is(const ring_node& place) const noexcept;

    // `none` if a lookup may be sent now.
    unavailable_reason refusal(steady_time now) noexcept;
    // Only after refusal() said none. The answer comes with a later call that takes `answers`.
    void ask(const session::cache_key& key, lookup_id id, std::uint8_t key_index, steady_time now,
             steady_time deadline);

    void enqueue(queued_store&& item);
    bool stores_done() const noexcept {
        return stores_.empty() && connection_.stores_in_flight() == 0;
    }

    // Sends what waits, as far as the socket takes it. To be called after ask and enqueue.
    void flush(steady_time now, node_answers& answers);

    void on_socket(steady_time now, node_answers& answers);
    void on_timer(steady_time now, node_answers& answers);
    void on_resolved(std::vector<endpoint>&& found, steady_time now, node_answers& answers);
    steady_time next_event() noexcept;  // when on_timer wants to be called

    // Closes; all that was in flight or waited is lost.
    void retire(node_answers& answers);

  private:
    enum class phase : std::uint8_t { waiting, resolving, connecting, connected };

    node(node_context& context, const ring_node& place, std::uint64_t serial,
         const std::optional<endpoint>& known);
    void start_round(steady_time now, node_answers& answers);
    void connect_next(steady_time now, node_answers& answers);
    bool connect_to(const endpoint& where, steady_time now);
    void on_connected(steady_time now, node_answers& answers);
    void finish_connect(steady_time now, node_answers& answers);
    void receive(steady_time now, node_answers& answers);
    bool take_replies(steady_time now, node_answers& answers);
    void take(const node_connection::answer& answer, steady_time now, node_answers& answers);
    void take_lookup(const node_connection::answer& answer, steady_time now, node_answers& answers);
    void count_dropped(bool erase) noexcept;
    void pump_stores(steady_time now);
    void want_writing(bool wanted);
    void lose(unavailable_reason reason, steady_time now, node_answers& answers);
    void close_socket(unavailable_reason reason, node_answers& answers);
    void note_opened() noexcept;

    node_context& context_;
    const ring_node place_;
    const std::uint64_t serial_;

    phase phase_ = phase::waiting;
    int fd_ = -1;
    bool wants_writing_ = false;
    const bool named_;        // the host is a name
    bool resolving_ = false;  // an answer of the resolver is still to come
    std::vector<endpoint> endpoints_;
    std::size_t next_endpoint_ = 0;
    steady_time retry_at_{};       // phase waiting: when to connect
    steady_time connect_until_{};  // phase connecting
    steady_time probe_at_ = steady_time::max();

    node_connection connection_;
    breaker breaker_;
    std::uint64_t opened_told_ = 0;  // of breaker_.times_opened(), already counted
    backoff backoff_;
    fifo<queued_store> stores_;
};

}  // namespace tlscache::transport
