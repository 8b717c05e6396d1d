#include "cache_server/command/context.hpp"

// get, gets, gat, gats (one key of the list at a time) and touch. A fetch that fails for whatever
// reason is a miss: Apache httpd takes a server for dead for seconds after an error line here.

namespace tlscache::command {
namespace {

void count_fetch(context& with, bool touches, bool hit) {
    with.count(touches ? counter::cmd_touch : counter::cmd_get);
    if (touches) {
        with.count(hit ? counter::touch_hits : counter::touch_misses);
    } else {
        with.count(hit ? counter::get_hits : counter::get_misses);
    }
}

bool is_hit(store::get_status status) noexcept {
    return status != store::get_status::miss && status != store::get_status::no_memory;
}

}  // namespace

void run_get(context& with, const wire::request& request, std::uint64_t hash) {
    using wire::verb;
    if (!request.key.empty()) {
        const bool touches = request.op == verb::gat || request.op == verb::gats;
        const bool tells_cas = request.op == verb::gets || request.op == verb::gats;
        store::access how;
        how.show_cas = tells_cas;
        if (touches) {
            how.touch = ttl_of(request.exptime, with.now);
        }
        const auto status = with.shard(hash).get(
            with.key(request, hash), how, with.now,
            [&](const store::entry_view& entry, store::get_status) {
                wire::append_value(with.output, request.key, entry.client_flags, entry.value,
                                   tells_cas ? std::optional(entry.cas) : std::nullopt);
            });
        count_fetch(with, touches, is_hit(status));
    }
    if (request.last_key) {
        wire::append_line(with.output, "END");
    }
}

void run_touch(context& with, const wire::request& request, std::uint64_t hash) {
    store::access how;
    how.show_cas = false;
    how.touch = ttl_of(request.exptime, with.now);
    const auto status = with.shard(hash).get(with.key(request, hash), how, with.now,
                                             [](const store::entry_view&, store::get_status) {});
    count_fetch(with, true, is_hit(status));
    with.reply(request, is_hit(status) ? "TOUCHED" : "NOT_FOUND");
}

}  // namespace tlscache::command
