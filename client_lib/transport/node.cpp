#include "client_lib/transport/node.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

// A round of connecting tries every address of the node once; a round that fails opens the breaker
// and waits for the back-off. A name is asked for again at each round, and while the answer is
// awaited, or if there is none, the addresses of the last one serve.
//
//   waiting --retry_at_--> (resolving) --> connecting --> connected --greeting answered--> ready
//      ^                                       |              |
//      +----- all addresses refused -----------+--- lost -----+
//
// While the breaker is open the connection is kept, or made, and carries probes only.

namespace tlscache::transport {
namespace {

// Reads of one turn, so that a node with much to say does not keep the others waiting.
constexpr int reads_per_turn = 4;

// Up, since a time to live never ends early.
std::int64_t whole_seconds(steady_duration d) {
    return std::chrono::ceil<std::chrono::seconds>(d).count();
}

}  // namespace

node::node(node_context& context, const ring_node& place, std::uint64_t serial)
    : node(context, place, serial, numeric_endpoint(place.where)) {}

node::node(node_context& context, const ring_node& place, std::uint64_t serial,
           const std::optional<endpoint>& known)
    : context_(context),
      place_(place),
      serial_(serial),
      named_(!known),
      breaker_(context.options.breaker, context.options.slow) {
    if (known) {
        endpoints_.push_back(*known);
    }
}

node::~node() {
    if (fd_ >= 0) {
        context_.owned.close(fd_);
    }
}

bool node::is(const ring_node& place) const noexcept {
    return place.name == place_.name && place.where == place_.where;
}

unavailable_reason node::refusal(steady_time now) noexcept {
    if (!breaker_.allows(now, context_.random.next())) {
        return unavailable_reason::breaker_open;
    }
    if (!connection_.ready()) {
        return unavailable_reason::not_connected;
    }
    const bool full =
        connection_.in_flight() >= context_.options.lookups_in_flight_max + stores_in_flight_max ||
        connection_.output().size() >= output_bytes_max;
    return full ? unavailable_reason::queue_full : unavailable_reason::none;
}

void node::ask(const session::cache_key& key, lookup_id id, std::uint8_t key_index, steady_time now,
               steady_time deadline) {
    connection_.ask(key, id, key_index, now, deadline);
}

void node::enqueue(queued_store&& item) {
    if (stores_.size() >= context_.options.queued_stores_max * (item.erase ? 2 : 1)) {
        count_dropped(item.erase);
        return;
    }
    ++context_.count.stores_queued;
    stores_.push(std::move(item));
}

void node::count_dropped(bool erase) noexcept {
    ++(erase ? context_.count.erases_dropped : context_.count.stores_dropped);
}

void node::pump_stores(steady_time now) {
    const bool held = breaker_.state() == breaker::circuit::open;
    while (!held && connection_.ready() && !stores_.empty() &&
           connection_.stores_in_flight() < stores_in_flight_max &&
           connection_.output().size() < output_bytes_for_stores) {
        const queued_store item = stores_.pop();
        const std::int64_t ttl = whole_seconds(item.expires - now);
        if (!item.erase && ttl < 1) {
            ++context_.count.stores_dropped;
            continue;
        }
        ++(item.erase ? context_.count.erases_sent : context_.count.stores_sent);
        connection_.store(item, ttl, now);
    }
}

void node::flush(steady_time now, node_answers& answers) {
    if (phase_ != phase::connected) {
        return;
    }
    pump_stores(now);
    wire::buffer& output = connection_.output();
    while (!output.empty()) {
        const ssize_t sent = ::send(fd_, output.data(), output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (sent < 0) {
            lose(unavailable_reason::connection_lost, now, answers);
            return;
        }
        output.consume(static_cast<std::size_t>(sent));
        pump_stores(now);
    }
    want_writing(!output.empty());
}

void node::on_socket(steady_time now, node_answers& answers) {
    if (phase_ == phase::connecting) {
        finish_connect(now, answers);
    } else if (phase_ == phase::connected) {
        receive(now, answers);
        flush(now, answers);
    }
}

void node::receive(steady_time now, node_answers& answers) {
    for (int i = 0; i < reads_per_turn; ++i) {
        wire::buffer& input = connection_.input();
        char* room = input.prepare(read_bytes);
        const ssize_t got = ::recv(fd_, room, input.room(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (got <= 0) {
            lose(unavailable_reason::connection_lost, now, answers);
            return;
        }
        const bool all = static_cast<std::size_t>(got) < input.room();
        input.commit(static_cast<std::size_t>(got));
        if (!take_replies(now, answers)) {
            lose(unavailable_reason::bad_reply, now, answers);
            return;
        }
        if (all) {
            return;
        }
    }
}

bool node::take_replies(steady_time now, node_answers& answers) {
    node_connection::answer answer;
    for (;;) {
        switch (connection_.next(answer)) {
            case node_connection::status::answered:
                take(answer, now, answers);
                break;
            case node_connection::status::needs_more:
                return true;
            case node_connection::status::bad:
                return false;
        }
    }
}

void node::take(const node_connection::answer& answer, steady_time now, node_answers& answers) {
    using purpose = node_connection::purpose;
    if (answer.reply.extended && context_.ring_version != 0 && answer.reply.ring_version != 0 &&
        answer.reply.ring_version != context_.ring_version) {
        ++context_.count.ring_differs;
    }
    switch (answer.what) {
        case purpose::greeting:
            ++context_.count.connects;
            backoff_.succeeded();
            [[fallthrough]];
        case purpose::probe:
            breaker_.on_probe(now, now - answer.sent);
            probe_at_ = breaker_.state() == breaker::circuit::open ? now + breaker_probe_interval
                                                                   : steady_time::max();
            break;
        case purpose::lookup:
            take_lookup(answer, now, answers);
            break;
        case purpose::store:
            context_.count.stores_refused += answer.reply.kind != wire::reply_kind::done ? 1 : 0;
            break;
        case purpose::erase:
            break;
    }
}

void node::take_lookup(const node_connection::answer& answer, steady_time now,
                       node_answers& answers) {
    if (answer.overdue) {
        ++context_.count.late_replies;
        return;
    }
    breaker_.on_reply(now, now - answer.sent);
    note_opened();
    node_answer out;
    out.id = answer.id;
    out.result.key_index = answer.key_index;
    switch (answer.reply.kind) {
        case wire::reply_kind::hit: {
            const byte_view value = as_bytes(answer.reply.value);
            out.result.outcome = outcome::hit;
            out.result.value.assign(value.begin(), value.end());
            out.result.ttl = answer.reply.ttl;
            out.result.age = answer.reply.age;
            break;
        }
        case wire::reply_kind::miss:
            out.result.outcome = outcome::miss;
            break;
        default:
            out.result.reason = unavailable_reason::bad_reply;
            break;
    }
    answers.push_back(std::move(out));
}

}  // namespace tlscache::transport
