#include "cache_server/command/context.hpp"
#include "cache_server/command/meta_reply.hpp"

// ms. A CAS given with mode set or replace makes it a compare-and-swap, as in memcached; with add
// it says nothing.

namespace tlscache::command {
namespace {

store::set_request request_of(context& with, const wire::request& request, std::uint64_t hash) {
    const wire::meta_flags& meta = request.meta;
    store::set_request set;
    set.key = with.key(request, hash);
    set.value = request.value;
    set.client_flags = meta.client_flags;
    set.ttl = ttl_of(meta.ttl.value_or(0), with.now);
    set.new_cas = meta.new_cas;
    set.show_cas = shows_cas(request);
    switch (meta.mode) {
        case 'E':
            set.mode = store::set_mode::add;
            return set;
        case 'A':
        case 'P':
            set.mode = meta.mode == 'A' ? store::set_mode::append : store::set_mode::prepend;
            // A CAS of 0 compares nothing where the entry only grows.
            if (meta.compare_cas && *meta.compare_cas != 0) {
                set.compare_cas = meta.compare_cas;
            }
            if (meta.vivify_ttl) {
                set.vivify = true;
                set.ttl = ttl_of(*meta.vivify_ttl, with.now);
            }
            return set;
        case 'R':
            // With a CAS the entry has to be there anyway.
            set.mode = meta.compare_cas ? store::set_mode::set : store::set_mode::replace;
            break;
        default:
            break;
    }
    set.compare_cas = meta.compare_cas;
    set.invalidate = meta.set_stale && meta.compare_cas.has_value();
    return set;
}

void append_stored(wire::buffer& output, std::string_view code, const wire::request& request,
                   std::uint64_t cas) {
    wire::reply_writer reply(output);
    reply.text(code);
    if (request.meta.echoes) {
        wire::flag_reader flags(request.meta.text);
        for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
            if (flag.front() == 'c') {
                reply.flag('c', cas);
            } else {
                echo(reply, flag, request);
            }
        }
    }
    reply.end_line().commit();
}

}  // namespace

void run_meta_store(context& with, const wire::request& request, std::uint64_t hash) {
    const store::set_request set = request_of(with, request, hash);
    const store::set_result result = with.shard(hash).set(set, with.now);
    const bool grows = set.mode == store::set_mode::append || set.mode == store::set_mode::prepend;
    count_store(with, set.compare_cas.has_value() && !grows, result.status);
    switch (result.status) {
        case store::set_status::stored:
            if (!request.meta.quiet) {
                append_stored(with.output, "HD", request, result.cas);
            }
            return;
        case store::set_status::not_stored:
            return append_stored(with.output, "NS", request, 0);
        case store::set_status::exists:
            return append_stored(with.output, "EX", request, 0);
        case store::set_status::not_found:
            return append_stored(with.output, "NF", request, 0);
        default:
            break;
    }
    if (grows) {
        return append_stored(with.output, "NS", request, 0);
    }
    drop(with, set.key);
    wire::append_line(with.output, result.status == store::set_status::too_large
                                       ? "SERVER_ERROR object too large for cache"
                                       : "SERVER_ERROR out of memory storing object");
}

}  // namespace tlscache::command
