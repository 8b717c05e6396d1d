#pragma once

// One peer's socket on its worker: reads, lets the executor answer, writes, closes. Owned by the
// worker; everything but describe() is called on the worker's thread.
//
// At most one operation is outstanding at a time, a read or a write, so that one piece of handler
// memory inside the connection is enough and nothing is allocated per request.

#include <atomic>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cache_server/command/executor.hpp"
#include "cache_server/net/input_buffer.hpp"
#include "cache_server/store/time.hpp"
#include "client_lib/wire/buffer.hpp"

namespace tlscache::net {

class worker;
struct deadline_tag;

// What "stats conns" tells of one connection.
struct connection_description {
    int descriptor = -1;
    std::string address;
    std::string listen_address;
    std::string_view state;
    std::uint64_t seconds_since_last_command = 0;
};

// Which of the worker's deadlines a connection waits under; each has one length, so that a list of
// them is in order of expiry by itself.
enum class deadline : std::uint8_t { none, idle, stalled, unread, linger };

using deadline_hook = boost::intrusive::list_base_hook<boost::intrusive::tag<deadline_tag>>;

class connection : public boost::intrusive::list_base_hook<>, public deadline_hook {
  public:
    connection(worker& owner, std::size_t value_bytes_max);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Takes the descriptor over. False: the kernel has no room to watch it, and it stays the
    // caller's.
    [[nodiscard]] bool assign(int descriptor, int family);

    void start(const store::instant& now);

    // Prefetches for the first request that has been read; its hash, if it has a key.
    std::optional<std::uint64_t> look_ahead();

    // Executes what has been read and answers it; called by the worker in a batch.
    void process(const store::instant& now);

    // Waits for more if process() left it at that; called when the whole batch is answered.
    void read_if_wanted();

    // The end is near: what the peer has sent already is still executed, answered and flushed.
    void drain();

    // At once, without an answer. The object lives until finished().
    void close() noexcept;
    bool finished() const noexcept { return closed_ && !outstanding_ && !queued_; }

    // Any thread, while the worker's list is locked.
    connection_description describe(const store::instant& now) const;

  private:
    friend class worker;
    struct read_handler;
    struct write_handler;
    enum class outcome { done, again, stop };

    void read();
    void write();
    void on_read(const boost::system::error_code& error, std::size_t n);
    void on_write(const boost::system::error_code& error, std::size_t n);

    outcome execute(std::span<char> input, std::size_t& consumed, const store::instant& now);
    outcome round(const store::instant& now);
    outcome round_in_batch_memory(const store::instant& now);
    bool flush();
    void hold_unsent(std::string_view rest);
    void go_on(bool progress);
    void refuse(input_buffer::room why);
    void end_politely();
    std::size_t read_now(std::span<char> space);

    // Memory of the one outstanding operation.
    struct handler_memory {
        alignas(std::max_align_t) std::byte bytes[256];
        bool used = false;
    };

    worker& owner_;
    boost::asio::generic::stream_protocol::socket socket_;
    command::connection_state state_;
    input_buffer input_;
    wire::buffer unsent_;
    std::size_t unsent_charged_ = 0;
    std::size_t needed_ = 0;  // what the next request needs in all, 0 if not known
    handler_memory memory_;
    std::atomic<std::int64_t> last_command_{0};  // boot time, seconds
    std::atomic<const char*> state_name_{"conn_new_cmd"};
    store::instant deadline_start_;
    deadline waits_for_ = deadline::none;
    bool fresh_ = true;         // nothing read yet
    bool peer_done_ = false;    // end of what it sends
    bool output_dead_ = false;  // it takes nothing any more
    bool closing_ = false;      // ends once the output is written
    bool lingering_ = false;    // only read from, so that our last words arrive
    bool draining_ = false;     // the daemon ends
    bool closed_ = false;
    bool queued_ = false;       // in the worker's batch
    bool wants_read_ = false;   // process() is done, read() has still to be called
    bool outstanding_ = false;  // an operation has not come back yet
};

}  // namespace tlscache::net
