#include "cache_server/command/context.hpp"
#include "cache_server/command/meta_reply.hpp"

// md and ma.

namespace tlscache::command {

void run_meta_delete(context& with, const wire::request& request, std::uint64_t hash) {
    const wire::meta_flags& meta = request.meta;
    store::erase_request erase;
    erase.key = with.key(request, hash);
    erase.compare_cas = meta.compare_cas;
    erase.make_stale = meta.set_stale;
    erase.drop_value = meta.drop_value;
    erase.new_cas = meta.new_cas;
    if (meta.set_stale && meta.ttl) {
        erase.stale_ttl = ttl_of(*meta.ttl, with.now);
    }
    const auto status = with.shard(hash).erase(erase, with.now);
    if (status != store::erase_status::erased) {
        with.count(counter::delete_misses);
        append_code(with.output, status == store::erase_status::exists ? "EX" : "NF", request);
        return;
    }
    if (!meta.set_stale && !meta.drop_value) {
        with.count(counter::delete_hits);
    }
    if (!meta.quiet) {
        append_code(with.output, "HD", request);
    }
}

namespace {

void append_number(wire::buffer& output, const wire::request& request,
                   const store::entry_view& entry) {
    wire::reply_writer reply(output, entry.value.size());
    if (request.meta.value) {
        reply.text("VA ").number(entry.value.size());
    } else {
        reply.text("HD");
    }
    wire::flag_reader flags(request.meta.text);
    for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
        if (flag.front() == 'c') {
            reply.flag('c', entry.cas);
        } else if (flag.front() == 't') {
            reply.flag('t', entry.ttl);
        } else {
            echo(reply, flag, request);
        }
    }
    reply.end_line();
    if (request.meta.value) {
        reply.block(entry.value);
    }
    reply.commit();
}

store::arithmetic_request change_of(context& with, const wire::request& request,
                                    std::uint64_t hash) {
    const wire::meta_flags& meta = request.meta;
    store::arithmetic_request change;
    change.key = with.key(request, hash);
    change.delta = meta.delta;
    change.decrement = meta.mode == 'D' || meta.mode == '-';
    change.new_cas = meta.new_cas;
    if (meta.compare_cas && *meta.compare_cas != 0) {
        change.compare_cas = meta.compare_cas;
    }
    if (meta.vivify_ttl) {
        change.initial = meta.initial;
        change.vivify_ttl = ttl_of(*meta.vivify_ttl, with.now);
    }
    if (meta.ttl) {
        change.touch = ttl_of(*meta.ttl, with.now);
    }
    return change;
}

}  // namespace

void run_meta_arithmetic(context& with, const wire::request& request, std::uint64_t hash) {
    const store::arithmetic_request change = change_of(with, request, hash);
    const auto status =
        with.shard(hash).arithmetic(change, with.now, [&](const store::entry_view& entry) {
            if (!request.meta.quiet) {
                append_number(with.output, request, entry);
            }
        });
    count_arithmetic(with, change.decrement, status);
    switch (status) {
        case store::arithmetic_status::done:
            return;
        case store::arithmetic_status::not_found:
            return append_code(with.output, "NF", request);
        case store::arithmetic_status::exists:
            return append_code(with.output, "EX", request);
        case store::arithmetic_status::not_a_number:
            return wire::append_line(
                with.output, "CLIENT_ERROR cannot increment or decrement non-numeric value");
        default:
            return wire::append_line(with.output, "SERVER_ERROR out of memory");
    }
}

}  // namespace tlscache::command
