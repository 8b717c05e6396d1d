#include "cache_server/command/context.hpp"
#include "cache_server/command/meta_reply.hpp"

// tg and ts: the library's get (and judge) and store. Every answer carries this node's time, ring
// version and the namespace's epoch, so that a frontend learns of a change by its next lookup.

namespace tlscache::command {
namespace {

// The first two bytes of a tagged key, as a number.
std::uint16_t tag_of(std::string_view key) noexcept {
    const auto high = static_cast<unsigned char>(key[0]);
    const auto low = static_cast<unsigned char>(key[1]);
    return static_cast<std::uint16_t>(high << 8 | low);
}

void append_node(wire::reply_writer& reply, const context& with, const wire::request& request) {
    reply.flag('n', with.now.wall_seconds()).text(" r").hex32(with.server.ring_version());
    reply.flag('e', with.server.namespace_epoch(tag_of(request.key)));
}

// No verdict but "no" is given where there is no judge.
void append_verdict(wire::reply_writer& reply, const wire::request& request) {
    if (request.meta.judge) {
        reply.text(" J0");
    }
}

void append_echoes(wire::reply_writer& reply, const wire::request& request) {
    if (!request.meta.echoes) {
        return;
    }
    wire::flag_reader flags(request.meta.text);
    for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
        if (flag.front() == 'O') {
            reply.character(' ').text(flag);
        } else if (flag.front() == 'k') {
            reply.text(" k").key(request.key, true);
        }
    }
}

}  // namespace

void run_tagged_get(context& with, const wire::request& request, std::uint64_t hash) {
    with.count(counter::tagged_get);
    if (request.meta.judge) {
        with.count(counter::judged_no);
    }
    store::access how;
    how.hint = request.meta.hint;
    how.show_cas = false;
    const auto status =
        with.shard(hash).get(with.key(request, hash), how, with.now,
                             [&](const store::entry_view& entry, store::get_status) {
                                 wire::reply_writer reply(with.output, entry.value.size());
                                 reply.text("TV ").number(entry.value.size());
                                 reply.flag('t', entry.ttl).flag('a', entry.age);
                                 append_node(reply, with, request);
                                 append_verdict(reply, request);
                                 append_echoes(reply, request);
                                 reply.end_line().block(entry.value).commit();
                             });
    if (status != store::get_status::miss) {
        with.count(counter::tagged_hits);
        return;
    }
    if (request.meta.quiet) {
        return;
    }
    wire::reply_writer reply(with.output);
    reply.text("TN");
    append_node(reply, with, request);
    append_verdict(reply, request);
    append_echoes(reply, request);
    reply.end_line().commit();
}

void run_tagged_store(context& with, const wire::request& request, std::uint64_t hash) {
    with.count(counter::tagged_set);
    store::set_request set;
    set.key = with.key(request, hash);
    set.value = request.value;
    set.ttl = {*request.meta.ttl};
    set.hint = request.meta.hint;
    set.show_cas = false;
    const store::set_status status = with.shard(hash).set(set, with.now).status;
    count_store(with, false, status);
    const bool stored = status == store::set_status::stored;
    if (!stored) {
        drop(with, set.key);
    } else if (request.meta.quiet) {
        return;
    }
    wire::reply_writer reply(with.output);
    reply.text(stored ? "HD" : "NS");
    append_node(reply, with, request);
    append_echoes(reply, request);
    reply.end_line().commit();
}

}  // namespace tlscache::command
