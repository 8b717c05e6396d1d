#include <array>
#include <charconv>

#include "cache_server/command/context.hpp"
#include "client_lib/wire/line_reader.hpp"

// "stats" and its kinds. memcached's names where memcached has them, ours with the prefix "tls_".

namespace tlscache::command {
namespace {

using number_text = std::array<char, 20>;

std::string_view text_of(std::uint64_t value, number_text& digits) noexcept {
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), static_cast<std::size_t>(end - digits.data())};
}

class stat_writer {
  public:
    explicit stat_writer(wire::buffer& output) noexcept : output_(output) {}
    void operator()(std::string_view name, std::string_view value) const {
        wire::append_stat(output_, name, value);
    }
    void operator()(std::string_view name, std::uint64_t value) const {
        number_text digits;
        wire::append_stat(output_, name, text_of(value, digits));
    }

  private:
    wire::buffer& output_;
};

void general(context& with) {
    const stat_writer stat(with.output);
    with.server.general_statistics(stat);
    const counter_values counts = with.counted.since_reset();
    for (std::size_t i = 0; i != counter_count; ++i) {
        stat(name_of(static_cast<counter>(i)), counts[i]);
    }
    const store::statistics held = with.counted.since_reset(with.entries.collect());
    stat("bytes", held.bytes);
    stat("curr_items", held.items);
    stat("total_items", held.items_total);
    stat("expired_unfetched", held.expired_unfetched);
    stat("evicted_unfetched", held.evicted_unfetched);
    stat("evictions", held.evicted);
    stat("reclaimed", held.expired);
    stat("tls_bytes_max", held.bytes_max);
    stat("tls_bytes_resident", held.bytes_resident);
    stat("tls_expired", held.expired);
    stat("tls_evicted_live", held.evicted_live);
    stat("tls_deleted", held.deleted);
    stat("tls_overwritten", held.overwritten);
    stat("tls_flushed", held.flushed);
    stat("tls_wiped", held.wiped_bytes);
    stat("tls_moved", held.moved);
    stat("tls_refused_too_large", held.refused_too_large);
    stat("tls_refused_no_memory", held.refused_no_memory);
    stat("tls_shards", with.entries.shard_count());
    stat("tls_policy_bytes_per_slot", with.entries.policy_bytes_per_slot());
    stat("tls_memory_locked", with.entries.memory_locked() ? "yes" : "no");
}

// One class: what memcached shows per slab class.
void items(context& with) {
    const store::statistics held = with.counted.since_reset(with.entries.collect());
    if (held.items == 0 && held.evicted == 0) {
        return;
    }
    const stat_writer stat(with.output);
    stat("items:1:number", held.items);
    stat("items:1:evicted", held.evicted);
    stat("items:1:evicted_nonzero", held.evicted_live);
    stat("items:1:evicted_unfetched", held.evicted_unfetched);
    stat("items:1:expired_unfetched", held.expired_unfetched);
    stat("items:1:reclaimed", held.expired);
    stat("items:1:outofmemory", held.refused_no_memory);
    stat("items:1:mem_requested", held.bytes);
}

}  // namespace

void run_statistics(context& with, const wire::request& request) {
    const std::string_view kind = wire::line_reader(request.argument).next();
    if (kind.empty()) {
        general(with);
    } else if (kind == "settings") {
        with.server.settings(stat_writer(with.output));
    } else if (kind == "items") {
        items(with);
    } else if (kind == "conns") {
        with.server.connections(stat_writer(with.output));
    } else if (kind == "reset") {
        with.counted.reset(with.entries.collect());
        with.server.reset_statistics();
        return wire::append_line(with.output, "RESET");
    } else {
        return wire::append_line(with.output, "ERROR");
    }
    wire::append_line(with.output, "END");
}

}  // namespace tlscache::command
