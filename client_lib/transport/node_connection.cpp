#include "client_lib/transport/node_connection.hpp"

#include "client_lib/wire/request_encoder.hpp"

// Replies have no names, only their order: due_ holds what was asked, oldest first, and each reply
// is matched to its front. A lookup that was decided meanwhile stays in it with its dead number,
// so that a late reply is taken for what it is and for nothing else.
//
//   due_:  [ judged: deadline told | not yet ]
//            front = next reply      judged_
//
// The greeting is a tg for a key that nobody has. A plain memcached knows no tg and says ERROR; it
// would run the data block of a ts as commands, so the kind must be known before the first store
// (PROTOCOL.md section 2).

namespace tlscache::transport {

using wire::asked;
using wire::reply_kind;

void node_connection::begin(steady_time now) {
    forget();
    wire::encode_tagged_get(session::cache_key{}.bytes, output_);
    due_.push({asked::tagged_get, purpose::greeting, 0, 0, now, {}});
}

void node_connection::forget() noexcept {
    greeted_ = plain_ = false;
    consumed_ = stores_in_flight_ = judged_ = 0;
    while (!due_.empty()) {
        due_.pop();
    }
    parser_.reset();
    output_.release();
    input_.release();
}

void node_connection::ask(const session::cache_key& key, lookup_id id, std::uint8_t key_index,
                          steady_time now, steady_time deadline) {
    if (plain_) {
        wire::encode_meta_get(key.bytes, output_);
    } else {
        wire::encode_tagged_get(key.bytes, output_);
    }
    const asked how = plain_ ? asked::meta_get : asked::tagged_get;
    due_.push({how, purpose::lookup, key_index, id, now, deadline});
}

void node_connection::store(const queued_store& item, std::int64_t ttl, steady_time now) {
    asked how = asked::meta_delete;
    if (item.erase) {
        wire::encode_meta_delete(item.key.bytes, output_);
    } else if (plain_) {
        how = asked::meta_set;
        wire::encode_meta_set(item.key.bytes, item.value, ttl, output_);
    } else {
        how = asked::tagged_set;
        wire::encode_tagged_set(item.key.bytes, item.value, ttl, item.hint, output_);
    }
    due_.push({how, item.erase ? purpose::erase : purpose::store, 0, 0, now, {}});
    ++stores_in_flight_;
}

void node_connection::probe(steady_time now) {
    wire::encode_meta_noop(output_);
    due_.push({asked::meta_noop, purpose::probe, 0, 0, now, {}});
}

node_connection::status node_connection::next(answer& out) {
    input_.consume(consumed_);
    consumed_ = 0;
    if (input_.empty()) {
        return status::needs_more;
    }
    if (due_.empty()) {
        return status::bad;  // a reply to nothing
    }
    wire::reply reply;
    std::size_t needed = 0;
    switch (parser_.parse(input_.view(), due_.front().asked, reply, consumed_, needed)) {
        case wire::reply_parser::status::needs_more:
            return status::needs_more;
        case wire::reply_parser::status::bad:
            return status::bad;
        case wire::reply_parser::status::parsed:
            break;
    }
    const bool overdue = judged_ != 0;
    const due request = pop();
    if (request.what == purpose::greeting) {
        if (!take_greeting(reply)) {
            return status::bad;
        }
    } else if (reply.kind == reply_kind::unknown_command) {
        return status::bad;  // it answered the greeting and does not know the same word now
    }
    out = describe(request, overdue && request.what == purpose::lookup);
    out.reply = reply;
    return status::answered;
}

bool node_connection::deadline_missed(steady_time now) noexcept {
    skip_others();
    if (judged_ == due_.size() || due_[judged_].deadline > now) {
        return false;
    }
    ++judged_;
    return true;
}

steady_time node_connection::next_deadline() noexcept {
    skip_others();
    return judged_ < due_.size() ? due_[judged_].deadline : steady_time::max();
}

steady_time node_connection::oldest_sent() const noexcept {
    return due_.empty() ? steady_time::max() : due_.front().sent;
}

std::optional<node_connection::answer> node_connection::take_lost() {
    if (due_.empty()) {
        return std::nullopt;
    }
    const bool overdue = judged_ != 0;
    return describe(pop(), overdue);
}

node_connection::answer node_connection::describe(const due& request, bool overdue) {
    answer out;
    out.what = request.what;
    out.id = request.id;
    out.key_index = request.key_index;
    out.overdue = overdue;
    out.sent = request.sent;
    return out;
}

node_connection::due node_connection::pop() {
    const due request = due_.pop();
    judged_ -= judged_ != 0 ? 1 : 0;
    if (request.what == purpose::store || request.what == purpose::erase) {
        --stores_in_flight_;
    }
    return request;
}

void node_connection::skip_others() noexcept {
    while (judged_ < due_.size() && due_[judged_].what != purpose::lookup) {
        ++judged_;
    }
}

bool node_connection::take_greeting(const wire::reply& reply) noexcept {
    plain_ = reply.kind == reply_kind::unknown_command;
    greeted_ = plain_ || reply.kind == reply_kind::miss || reply.kind == reply_kind::hit;
    return greeted_;
}

}  // namespace tlscache::transport
