// The life of a connection:
//
//   read -> (batch) execute, write -> read -> ...          the common case: one read, one write
//                     |
//                     +-- the socket takes no more: the rest is kept, nothing is read until it is
//                     |   out (the peer is paused, never the worker)
//                     +-- more than 1 KiB was waiting: it is read into the worker's batch memory
//                         inside this very call, executed, and what is left unfinished kept
//
// Every asynchronous read goes into memory of this connection alone. Asio may fill the buffer long
// before it calls the handler; memory shared with other connections would by then hold another
// peer's request. The worker's shared memory is used only by calls that return at once.
//
// A failed write does not end it: what the peer sent before it left is still executed, since
// "store and leave" is what a library does that does not wait.

#include "cache_server/net/connection.hpp"

#include <algorithm>
#include <bit>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cstring>
#include <utility>

#include "cache_server/net/endpoint_text.hpp"
#include "cache_server/net/worker.hpp"

namespace tlscache::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Hands out the connection's own piece of memory for its one outstanding operation.
template <class T, class Memory>
struct operation_allocator {
    using value_type = T;
    template <class U>
    struct rebind {
        using other = operation_allocator<U, Memory>;
    };
    Memory* memory;

    explicit operation_allocator(Memory& from) noexcept : memory(&from) {}
    template <class U>
    operation_allocator(const operation_allocator<U, Memory>& other) noexcept
        : memory(other.memory) {}

    T* allocate(std::size_t n) {
        if (!memory->used && n * sizeof(T) <= sizeof memory->bytes) {
            memory->used = true;
            return reinterpret_cast<T*>(memory->bytes);
        }
        return static_cast<T*>(::operator new(n * sizeof(T)));
    }
    void deallocate(T* at, std::size_t) noexcept {
        if (static_cast<void*>(at) == memory->bytes) {
            memory->used = false;
        } else {
            ::operator delete(at);
        }
    }
    template <class U>
    bool operator==(const operation_allocator<U, Memory>& other) const noexcept {
        return memory == other.memory;
    }
};

constexpr std::string_view no_memory_reply = "SERVER_ERROR out of memory reading request\r\n";
constexpr std::string_view too_long_reply = "CLIENT_ERROR request too long\r\n";

}  // namespace

struct connection::read_handler {
    connection* self;
    using allocator_type = operation_allocator<std::byte, handler_memory>;
    allocator_type get_allocator() const noexcept { return allocator_type(self->memory_); }
    void operator()(const error_code& error, std::size_t n) const { self->on_read(error, n); }
};

struct connection::write_handler {
    connection* self;
    using allocator_type = operation_allocator<std::byte, handler_memory>;
    allocator_type get_allocator() const noexcept { return allocator_type(self->memory_); }
    void operator()(const error_code& error, std::size_t n) const { self->on_write(error, n); }
};

connection::connection(worker& owner, std::size_t value_bytes_max)
    : owner_(owner),
      socket_(owner.context_),
      state_{wire::request_parser(value_bytes_max)},
      input_(owner.budget_) {}

connection::~connection() {
    unsent_.release();
    owner_.budget_.release(unsent_charged_);
}

bool connection::assign(int descriptor, int family) {
    error_code error;
    socket_.assign(asio::generic::stream_protocol(family, 0), descriptor, error);
    return !error;
}

void connection::start(const store::instant& now) {
    error_code error;
    socket_.non_blocking(true, error);
    last_command_.store(now.boot_seconds(), std::memory_order_relaxed);
    owner_.wait_for(*this, deadline::idle);
    read();
}

void connection::read() {
    const std::span<char> space = input_.space();
    outstanding_ = true;
    socket_.async_read_some(asio::buffer(space.data(), space.size()), read_handler{this});
}

void connection::on_read(const error_code& error, std::size_t n) {
    outstanding_ = false;
    if (closed_) {
        owner_.destroy_if_finished(*this);
        return;
    }
    owner_.counters_.bytes_read.add(n);
    if (lingering_) {
        if (error || draining_) {
            close();
            owner_.destroy_if_finished(*this);
        } else {
            wipe(input_.space().data(), n);
            read();
        }
        return;
    }
    input_.commit(n);
    if (error && !(draining_ && error == asio::error::operation_aborted)) {
        peer_done_ = true;
        if (error != asio::error::eof) {
            owner_.counters_.closed_reset.add();
            output_dead_ = true;
        }
    }
    owner_.ready(*this);
}

std::size_t connection::read_now(std::span<char> space) {
    if (peer_done_ || space.empty()) {
        return 0;
    }
    error_code error;
    const std::size_t n = socket_.read_some(asio::buffer(space.data(), space.size()), error);
    if (error && error != asio::error::would_block) {
        peer_done_ = true;
        output_dead_ = output_dead_ || error != asio::error::eof;
    }
    owner_.counters_.bytes_read.add(n);
    return n;
}

// A grown input or a full one holds a batch of its own, which the executor prefetches itself.
std::optional<std::uint64_t> connection::look_ahead() {
    if (closed_ || input_.grown() || input_.full()) {
        return std::nullopt;
    }
    return owner_.executor_.look_ahead(state_, input_.unread());
}

void connection::process(const store::instant& now) {
    queued_ = false;
    if (closed_) {
        return;
    }
    last_command_.store(now.boot_seconds(), std::memory_order_relaxed);
    if (fresh_ && !input_.empty()) {
        fresh_ = false;
        tell_likely_mistake({input_.unread().data(), input_.unread().size()});
    }
    bool progress = false;
    for (unsigned n = 0; n != limits::rounds_per_turn_max; ++n) {
        const std::size_t before = input_.unread().size();
        const outcome result =
            !input_.grown() && input_.full() ? round_in_batch_memory(now) : round(now);
        progress = progress || input_.unread().size() != before;
        if (result == outcome::stop) {
            return;
        }
        if (result == outcome::again) {
            continue;
        }
        if (draining_ &&
            input_.make_space(needed_, limits::request_bytes_max(owner_.fixed_.value_bytes_max)) ==
                input_buffer::room::made) {
            const std::size_t more = read_now(input_.space());
            input_.commit(more);
            if (more != 0) {
                continue;
            }
            close();
            return;
        }
        go_on(progress);
        return;
    }
    owner_.ready(*this);
}

connection::outcome connection::execute(std::span<char> input, std::size_t& consumed,
                                        const store::instant& now) {
    const command::progress done = owner_.executor_.run(state_, input, owner_.output_, now);
    consumed = done.consumed;
    wipe(input.data(), consumed);  // before the peer learns that it is done
    needed_ = done.needed;
    closing_ = done.close;
    if (!flush()) {
        return outcome::stop;
    }
    if (closing_) {
        end_politely();
        return outcome::stop;
    }
    return done.output_full ? outcome::again : outcome::done;
}

connection::outcome connection::round(const store::instant& now) {
    std::size_t consumed = 0;
    const outcome result = execute(input_.unread(), consumed, now);
    if (!closed_ && !lingering_) {
        input_.consume(consumed);
    }
    return result;
}

// The private memory is full, so more is likely to wait in the socket: a batch.
connection::outcome connection::round_in_batch_memory(const store::instant& now) {
    const std::span<char> memory(owner_.batch_memory_.get(), limits::read_bytes_batch);
    std::size_t end = input_.unread().size();
    std::memcpy(memory.data(), input_.unread().data(), end);
    input_.release();
    end += read_now(memory.subspan(end));
    std::size_t begin = 0;
    outcome result = outcome::again;
    for (unsigned n = 0; result == outcome::again && n != limits::rounds_per_turn_max; ++n) {
        std::size_t consumed = 0;
        result = execute(memory.subspan(begin, end - begin), consumed, now);
        begin += consumed;
    }
    if (!closed_ && !lingering_) {
        const std::string_view rest(memory.data() + begin, end - begin);
        const auto room =
            input_.keep(rest, limits::request_bytes_max(owner_.fixed_.value_bytes_max));
        if (room != input_buffer::room::made) {
            refuse(room);
            result = outcome::stop;
        }
    }
    wipe(memory.data(), end);
    return result;
}

// Writes what the executor answered. False: not all is out, or it is closed; do nothing more now.
bool connection::flush() {
    wire::buffer& output = owner_.output_;
    if (output.empty()) {
        return true;
    }
    if (output_dead_) {
        output.consume(output.size());
        return true;
    }
    error_code error;
    const std::size_t n = socket_.write_some(asio::buffer(output.data(), output.size()), error);
    owner_.counters_.bytes_written.add(n);
    bool all = true;
    if (error && error != asio::error::would_block) {
        output_dead_ = true;
    } else if (n != output.size()) {
        all = false;
        hold_unsent(output.view().substr(n));
    }
    output.consume(output.size());
    if (output.capacity() > 4 * limits::output_bytes_max) {
        output.release();
    }
    return all;
}

void connection::hold_unsent(std::string_view rest) {
    const std::size_t charge = std::bit_ceil(std::max<std::size_t>(rest.size(), 256));
    const std::size_t kept = limits::connection_bytes_kept(owner_.budget_.bytes_max());
    if (!owner_.budget_.try_charge(charge, kept)) {
        owner_.counters_.refused_unsent.add();
        close();
        return;
    }
    unsent_charged_ = charge;
    unsent_.append(rest);
    owner_.counters_.paused_peers.add();
    state_name_.store("conn_mwrite", std::memory_order_relaxed);
    owner_.wait_for(*this, deadline::unread);
    write();
}

void connection::write() {
    outstanding_ = true;
    socket_.async_write_some(asio::buffer(unsent_.data(), unsent_.size()), write_handler{this});
}

void connection::on_write(const error_code& error, std::size_t n) {
    outstanding_ = false;
    if (closed_) {
        owner_.destroy_if_finished(*this);
        return;
    }
    owner_.counters_.bytes_written.add(n);
    unsent_.consume(n);
    owner_.now_ = owner_.clock_.now();
    owner_.wait_for(*this, deadline::unread);
    if (!error && !unsent_.empty()) {
        write();
        return;
    }
    output_dead_ = output_dead_ || error;
    unsent_.release();
    owner_.budget_.release(unsent_charged_);
    unsent_charged_ = 0;
    owner_.wait_for(*this, deadline::none);
    state_name_.store("conn_read", std::memory_order_relaxed);
    if (closing_) {
        end_politely();
        owner_.destroy_if_finished(*this);
    } else {
        owner_.ready(*this);
    }
}

// All that has arrived is executed and answered: wait for more.
void connection::go_on(bool progress) {
    if (peer_done_) {
        close();
        return;
    }
    const auto room =
        input_.make_space(needed_, limits::request_bytes_max(owner_.fixed_.value_bytes_max));
    if (room != input_buffer::room::made) {
        refuse(room);
        return;
    }
    if (input_.empty() && needed_ == 0) {
        owner_.wait_for(*this, deadline::idle);
    } else if (progress || waits_for_ != deadline::stalled) {
        owner_.wait_for(*this, deadline::stalled);
    }
    wants_read_ = true;
}

void connection::read_if_wanted() {
    if (std::exchange(wants_read_, false) && !closed_) {
        read();
    }
}

// An unfinished request that there is no memory for, or that is longer than any valid one.
void connection::refuse(input_buffer::room why) {
    const bool too_long = why == input_buffer::room::too_long;
    (too_long ? owner_.counters_.refused_long : owner_.counters_.refused_read_buffer).add();
    if (outstanding_) {
        // Replies are still on their way, and nothing may overtake or join them.
        close();
        return;
    }
    owner_.output_.append(too_long ? too_long_reply : no_memory_reply);
    closing_ = true;
    if (flush()) {
        end_politely();
    }
}

// Ends our side, and reads on for a moment: a close with unread bytes makes the kernel send a
// reset, which may reach the peer before it has read our last reply (RFC 1122 section 4.2.2.13).
void connection::end_politely() {
    input_.release();
    if (peer_done_ || output_dead_) {
        close();
        return;
    }
    error_code error;
    socket_.shutdown(asio::socket_base::shutdown_send, error);
    lingering_ = true;
    state_name_.store("conn_closing", std::memory_order_relaxed);
    owner_.wait_for(*this, deadline::linger);
    read();
}

void connection::drain() {
    draining_ = true;
    if (lingering_) {
        close();
    } else if (outstanding_ && unsent_.empty()) {
        error_code error;
        socket_.cancel(error);
    }
}

void connection::close() noexcept {
    if (closed_) {
        return;
    }
    closed_ = true;
    input_.release();
    owner_.forget(*this);
    error_code error;
    socket_.close(error);
}

connection_description connection::describe(const store::instant& now) const {
    connection_description out;
    auto& socket = const_cast<asio::generic::stream_protocol::socket&>(socket_);
    out.descriptor = socket.native_handle();
    out.address = peer_text(out.descriptor);
    out.listen_address = local_text(out.descriptor);
    out.state = state_name_.load(std::memory_order_relaxed);
    const std::int64_t idle = now.boot_seconds() - last_command_.load(std::memory_order_relaxed);
    out.seconds_since_last_command = static_cast<std::uint64_t>(std::max<std::int64_t>(idle, 0));
    return out;
}

}  // namespace tlscache::net
