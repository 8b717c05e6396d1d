#include "cache_server/command/statistics.hpp"

#include <algorithm>

// A reset changes no counter: it remembers where they stood, and memcached's names show the
// difference. So totals never go down, and no executor has to be stopped for a reset.

namespace tlscache::command {
namespace {

constexpr std::array<std::string_view, counter_count> names = {
    "cmd_get",
    "cmd_set",
    "cmd_flush",
    "cmd_touch",
    "cmd_meta",
    "get_hits",
    "get_misses",
    "delete_misses",
    "delete_hits",
    "incr_misses",
    "incr_hits",
    "decr_misses",
    "decr_hits",
    "cas_misses",
    "cas_hits",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "store_too_large",
    "store_no_memory",
    "tls_tagged_get",
    "tls_tagged_hits",
    "tls_tagged_set",
    "tls_judged_no",
    "tls_refused_unknown_command",
    "tls_refused_bad_line",
    "tls_refused_key_too_long",
    "tls_refused_bad_data",
    "tls_refused_line_too_long",
    "tls_other_protocol_tls",
    "tls_other_protocol_binary",
    "tls_other_protocol_resp",
    "tls_other_protocol_http",
};
static_assert(!names.back().empty());

}  // namespace

std::string_view name_of(counter which) noexcept {
    return names[static_cast<std::size_t>(which)];
}

void counter_block::add_to(counter_values& sum) const noexcept {
    for (std::size_t i = 0; i != counter_count; ++i) {
        sum[i] += values_[i].load(std::memory_order_relaxed);
    }
}

counter_block& statistics::new_block() {
    std::scoped_lock guard(mutex_);
    return blocks_.emplace_back();
}

counter_values statistics::sum() const noexcept {
    counter_values sum{};
    for (const counter_block& block : blocks_) {
        block.add_to(sum);
    }
    return sum;
}

counter_values statistics::totals() const {
    std::scoped_lock guard(mutex_);
    return sum();
}

counter_values statistics::since_reset() const {
    std::scoped_lock guard(mutex_);
    counter_values values = sum();
    for (std::size_t i = 0; i != counter_count; ++i) {
        values[i] -= base_[i];
    }
    return values;
}

// `now` was collected before the lock, so a reset may have come between: nothing since then.
store::statistics statistics::since_reset(const store::statistics& now) const {
    std::scoped_lock guard(mutex_);
    store::statistics shown = now;
    const auto subtract = [](std::uint64_t& from, std::uint64_t base) {
        from -= std::min(from, base);
    };
    subtract(shown.items_total, store_base_.items_total);
    subtract(shown.expired, store_base_.expired);
    subtract(shown.expired_unfetched, store_base_.expired_unfetched);
    subtract(shown.evicted, store_base_.evicted);
    subtract(shown.evicted_live, store_base_.evicted_live);
    subtract(shown.evicted_unfetched, store_base_.evicted_unfetched);
    subtract(shown.deleted, store_base_.deleted);
    subtract(shown.overwritten, store_base_.overwritten);
    subtract(shown.flushed, store_base_.flushed);
    subtract(shown.wiped_bytes, store_base_.wiped_bytes);
    subtract(shown.moved, store_base_.moved);
    subtract(shown.refused_too_large, store_base_.refused_too_large);
    subtract(shown.refused_no_memory, store_base_.refused_no_memory);
    return shown;
}

void statistics::reset(const store::statistics& now) {
    std::scoped_lock guard(mutex_);
    base_ = sum();
    store_base_ = now;
}

}  // namespace tlscache::command
