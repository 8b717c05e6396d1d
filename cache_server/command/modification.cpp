#include "cache_server/command/context.hpp"

// delete, incr, decr.

namespace tlscache::command {

void run_delete(context& with, const wire::request& request, std::uint64_t hash) {
    store::erase_request erase;
    erase.key = with.key(request, hash);
    const bool erased = with.shard(hash).erase(erase, with.now) == store::erase_status::erased;
    with.count(erased ? counter::delete_hits : counter::delete_misses);
    with.reply(request, erased ? "DELETED" : "NOT_FOUND");
}

void count_arithmetic(context& with, bool decrement, store::arithmetic_status status) {
    if (status == store::arithmetic_status::done) {
        with.count(decrement ? counter::decr_hits : counter::incr_hits);
    } else if (status == store::arithmetic_status::not_found) {
        with.count(decrement ? counter::decr_misses : counter::incr_misses);
    }
}

void run_arithmetic(context& with, const wire::request& request, std::uint64_t hash) {
    store::arithmetic_request change;
    change.key = with.key(request, hash);
    change.delta = request.delta;
    change.decrement = request.op == wire::verb::decr;
    const auto status = with.shard(hash).arithmetic(
        change, with.now,
        [&](const store::entry_view& entry) { with.reply(request, entry.value); });
    count_arithmetic(with, change.decrement, status);
    switch (status) {
        case store::arithmetic_status::done:
            return;
        case store::arithmetic_status::not_found:
            return with.reply(request, "NOT_FOUND");
        case store::arithmetic_status::not_a_number:
            return with.reply(request,
                              "CLIENT_ERROR cannot increment or decrement non-numeric value");
        default:
            return with.reply(request, "SERVER_ERROR out of memory");
    }
}

}  // namespace tlscache::command
