#include "cache_server/command/context.hpp"

// set, add, replace, append, prepend, cas.

namespace tlscache::command {
namespace {

store::set_mode mode_of(wire::verb op) noexcept {
    switch (op) {
        case wire::verb::add:
            return store::set_mode::add;
        case wire::verb::replace:
            return store::set_mode::replace;
        case wire::verb::append:
            return store::set_mode::append;
        case wire::verb::prepend:
            return store::set_mode::prepend;
        default:
            return store::set_mode::set;
    }
}

std::string_view line_of(store::set_status status) noexcept {
    switch (status) {
        case store::set_status::stored:
            return "STORED";
        case store::set_status::not_stored:
            return "NOT_STORED";
        case store::set_status::exists:
            return "EXISTS";
        case store::set_status::not_found:
            return "NOT_FOUND";
        case store::set_status::too_large:
            return "SERVER_ERROR object too large for cache";
        case store::set_status::no_memory:
            break;
    }
    return "SERVER_ERROR out of memory storing object";
}

}  // namespace

void count_store(context& with, bool compares, store::set_status status) {
    with.count(counter::cmd_set);
    if (status == store::set_status::too_large) {
        with.count(counter::store_too_large);
    } else if (status == store::set_status::no_memory) {
        with.count(counter::store_no_memory);
    } else if (compares) {
        with.count(status == store::set_status::stored      ? counter::cas_hits
                   : status == store::set_status::not_found ? counter::cas_misses
                                                            : counter::cas_badval);
    }
}

void drop(context& with, const store::key& key) {
    store::erase_request erase;
    erase.key = key;
    with.shard(key.hash).erase(erase, with.now);
}

void run_store(context& with, const wire::request& request, std::uint64_t hash) {
    store::set_request set;
    set.key = with.key(request, hash);
    set.value = request.value;
    set.client_flags = request.client_flags;
    set.ttl = ttl_of(request.exptime, with.now);
    set.mode = mode_of(request.op);
    set.show_cas = false;
    if (request.op == wire::verb::cas) {
        set.compare_cas = request.cas;
    }
    store::set_status status = with.shard(hash).set(set, with.now).status;
    count_store(with, request.op == wire::verb::cas, status);
    const bool failed =
        status == store::set_status::too_large || status == store::set_status::no_memory;
    if (failed && request.op == wire::verb::set) {
        drop(with, set.key);
    }
    // Grown beyond the limit: memcached says that it was not stored, no more.
    if (failed && (set.mode == store::set_mode::append || set.mode == store::set_mode::prepend)) {
        status = store::set_status::not_stored;
    }
    with.reply(request, line_of(status));
}

}  // namespace tlscache::command
