#include "cache_server/command/context.hpp"
#include "cache_server/command/meta_reply.hpp"

// mg and me. "Win, stale, sent": the store decides who is told to recache; here it becomes the
// letters W (you), X (what you see is stale), Z (somebody else was told).

namespace tlscache::command {
namespace {

void answer_flag(wire::reply_writer& reply, std::string_view flag, const wire::request& request,
                 const store::entry_view& entry) {
    switch (flag.front()) {
        case 's':
            reply.flag('s', entry.value.size());
            break;
        case 't':
            reply.flag('t', entry.ttl);
            break;
        case 'c':
            reply.flag('c', entry.cas);
            break;
        case 'f':
            reply.flag('f', entry.client_flags);
            break;
        case 'h':
            reply.flag('h', entry.fetched ? 1 : 0);
            break;
        case 'l':
            reply.flag('l', entry.since_access);
            break;
        default:
            echo(reply, flag, request);
    }
}

void append_hit(wire::buffer& output, const wire::request& request, const store::entry_view& entry,
                store::get_status status) {
    const wire::meta_flags& meta = request.meta;
    wire::reply_writer reply(output, entry.value.size());
    if (meta.value) {
        reply.text("VA ").number(entry.value.size());
    } else {
        reply.text("HD");
    }
    if (meta.echoes) {
        wire::flag_reader flags(meta.text);
        for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
            answer_flag(reply, flag, request, entry);
        }
    }
    const bool won = status != store::get_status::hit;
    if (entry.win_sent && !won) {
        reply.text(" Z");
    }
    if (entry.stale) {
        reply.text(" X");
    }
    if (won) {
        reply.text(" W");
    }
    reply.end_line();
    if (meta.value) {
        reply.block(entry.value);
    }
    reply.commit();
}

}  // namespace

void run_meta_get(context& with, const wire::request& request, std::uint64_t hash) {
    const wire::meta_flags& meta = request.meta;
    store::access how;
    how.no_bump = meta.no_bump;
    how.show_cas = shows_cas(request);
    if (meta.ttl) {
        how.touch = ttl_of(*meta.ttl, with.now);
    }
    if (meta.vivify_ttl) {
        how.vivify = ttl_of(*meta.vivify_ttl, with.now);
    }
    if (meta.recache && *meta.recache != 0) {
        how.recache_below = seconds_until(*meta.recache, with.now);
    }
    const auto status =
        with.shard(hash).get(with.key(request, hash), how, with.now,
                             [&](const store::entry_view& entry, store::get_status found) {
                                 append_hit(with.output, request, entry, found);
                             });
    if (status == store::get_status::miss || status == store::get_status::no_memory) {
        with.count(counter::cmd_get);
        with.count(counter::get_misses);
        if (!meta.quiet) {
            append_code(with.output, "EN", request);
        }
    } else if (meta.ttl) {
        with.count(counter::cmd_touch);
        with.count(counter::touch_hits);
    } else {
        with.count(counter::cmd_get);
        with.count(counter::get_hits);
    }
}

void run_meta_debug(context& with, const wire::request& request, std::uint64_t hash) {
    with.count(counter::cmd_meta);
    store::access how;
    how.no_bump = true;
    const auto status = with.shard(hash).get(
        with.key(request, hash), how, with.now,
        [&](const store::entry_view& entry, store::get_status) {
            wire::reply_writer reply(with.output);
            reply.text("ME ").key(request.key, request.key_base64);
            // memcached shows the remaining time as a negative number, and -1 for none.
            reply.text(" exp=").number(entry.ttl < 0 ? -1 : -entry.ttl);
            reply.text(" la=").number(entry.since_access).text(" cas=").number(entry.cas);
            reply.text(" fetch=").text(entry.fetched ? "yes" : "no");
            reply.text(" cls=1 size=").number(request.key.size() + entry.value.size());
            reply.end_line().commit();
        });
    if (status == store::get_status::miss) {
        wire::append_line(with.output, "EN");
    }
}

}  // namespace tlscache::command
