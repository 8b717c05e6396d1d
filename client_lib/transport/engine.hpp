#pragma once

// Everything of a transport in one process: nodes, lookups, and the turn of the loop that moves
// them. transport.cpp puts the fork in front of it.
//
// Thread safe: one lock, held for the length of a turn without waiting. Callbacks run without it.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "client_lib/transport/node.hpp"
#include "client_lib/transport/poller.hpp"
#include "client_lib/transport/ring_file.hpp"

namespace tlscache::transport {

class engine {
  public:
    // must_load false: a ring that can't be read is looked for again each second (of a forked
    // child, which has no one to throw at). Throws std::invalid_argument, std::system_error.
    engine(const transport_options& options, bool must_load);
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    bool of_this_process() const noexcept;

    bool start_thread();  // idempotent; false: the system gives no thread
    void stop();          // ends the thread, tells all that wait `cancelled`
    void abandon();  // in a forked child: closes the parent's descriptors, touches nothing else

    int fd() const noexcept { return poller_.epoll(); }
    void turn(int timeout_ms);  // waits for events (-1: without end), handles them, calls back
    milliseconds next_timeout();

    lookup_id begin(std::span<const session::cache_key> keys, steady_time deadline,
                    lookup_done done);
    lookup_result lookup(std::span<const session::cache_key> keys, steady_time deadline);
    // After it returns the callback has run or never will.
    void cancel(lookup_id id, unavailable_reason reason);

    void store(queued_store item);
    bool drain(steady_time deadline);

    counters statistics();
    std::uint32_t ring_version();

  private:
    struct running {
        lookup_id id;
        std::thread::id where;
    };

    // turn
    void handle(std::uint64_t serial, steady_time now);
    void run_timers(steady_time now);
    void check_ring(steady_time now);
    void take_ring(ring_file::content&& content);
    void flush_dirty(steady_time now);
    void take_answers();
    steady_time next_event();
    bool stores_done() const;
    void run();  // the thread
    template <class Done>
    void drive_until(std::unique_lock<std::mutex>& lock, steady_time deadline, const Done& done);

    // lookups
    unavailable_reason choose(const session::cache_key& key, steady_time now, node*& chosen);
    void flush_later(node& who);
    void decide(std::optional<decision>&& made);
    void count(const lookup_result& result);
    void run_ready(std::unique_lock<std::mutex>& lock);
    bool is_running(lookup_id id) const;

    const transport_options options_;
    const int pid_;
    descriptors owned_;
    poller poller_{owned_};
    resolver names_{poller_.bell()};

    std::atomic<bool> started_{false};  // the thread
    std::mutex mutex_;
    std::condition_variable changed_;  // a callback has run, or a turn was made
    // All below: under mutex_.
    counters counters_;
    random_bits random_;
    node_context context_;
    ring_file ring_source_;
    ring ring_;
    std::unordered_map<std::uint64_t, std::unique_ptr<node>> nodes_;  // by serial
    std::vector<node*> placed_;                                       // by number in ring_
    std::uint64_t next_serial_ = poller::first_serial;
    steady_time ring_check_at_ = steady_time::max();
    lookup_table lookups_;
    node_answers answers_;
    std::vector<node*> dirty_;  // have something to send
    fifo<decision> ready_;      // to be called back
    std::vector<running> running_;
    bool driving_ = false;  // a caller of lookup or drain waits in turn()
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace tlscache::transport
