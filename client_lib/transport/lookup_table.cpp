#include "client_lib/transport/lookup_table.hpp"

#include <algorithm>

// A number is the slot in its low bits and a count that never repeats above them. A timer or a
// reply that outlives its lookup finds another number in the slot, or none, and does nothing.
// (A timer that is "cancelled" but already due is how one lookup's deadline kills the next.)

namespace tlscache::transport {
namespace {

constexpr unsigned slot_bits = 20;
constexpr std::uint64_t slot_mask = (std::uint64_t{1} << slot_bits) - 1;

// Dead timers are swept when they outnumber the living by this much.
constexpr std::size_t dead_timers_kept = 64;

constexpr auto later = [](const auto& a, const auto& b) { return a.when > b.when; };

}  // namespace

lookup_id lookup_table::open(unsigned answers, unavailable_reason reason, steady_time deadline,
                             lookup_done& done) {
    if (waiting_ >= std::min<std::size_t>(lookups_max_, slot_mask)) {
        return 0;
    }
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(entries_.size()));
        entries_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    entry& waiting = entries_[slot];
    waiting.id = ++opened_ << slot_bits | slot;
    waiting.answers = answers;
    waiting.reason = reason;
    waiting.done = std::move(done);
    ++waiting_;
    timers_.push_back({deadline, waiting.id});
    std::push_heap(timers_.begin(), timers_.end(), later);
    if (timers_.size() > 2 * waiting_ + dead_timers_kept) {
        compact_timers();
    }
    return waiting.id;
}

std::optional<decision> lookup_table::answer(lookup_id id, lookup_result&& result) {
    entry* waiting = const_cast<entry*>(find(id));
    if (waiting == nullptr) {
        return std::nullopt;
    }
    if (result.outcome == outcome::unavailable) {
        waiting->reason = result.reason;
    }
    if (result.outcome != outcome::hit && --waiting->answers != 0) {
        return std::nullopt;
    }
    // Not found at one node and not asked at another is not the same as not found.
    if (result.outcome == outcome::miss && waiting->reason != unavailable_reason::none) {
        result.outcome = outcome::unavailable;
        result.reason = waiting->reason;
    }
    return decide(*waiting, std::move(result));
}

std::optional<decision> lookup_table::expire(steady_time now) {
    drop_dead_timers();
    if (timers_.empty() || timers_.front().when > now) {
        return std::nullopt;
    }
    return take(timers_.front().id, unavailable_reason::deadline);
}

std::optional<decision> lookup_table::take(lookup_id id, unavailable_reason reason) {
    entry* waiting = const_cast<entry*>(find(id));
    if (waiting == nullptr) {
        return std::nullopt;
    }
    lookup_result result;
    result.reason = reason;
    return decide(*waiting, std::move(result));
}

std::optional<decision> lookup_table::take_any(unavailable_reason reason) {
    drop_dead_timers();
    return timers_.empty() ? std::nullopt : take(timers_.front().id, reason);
}

steady_time lookup_table::next_deadline() {
    drop_dead_timers();
    return timers_.empty() ? steady_time::max() : timers_.front().when;
}

const lookup_table::entry* lookup_table::find(lookup_id id) const noexcept {
    const std::uint64_t slot = id & slot_mask;
    const bool lives = id != 0 && slot < entries_.size() && entries_[slot].id == id;
    return lives ? &entries_[slot] : nullptr;
}

decision lookup_table::decide(entry& waiting, lookup_result&& result) {
    decision out{waiting.id, std::move(waiting.done), std::move(result)};
    free_.push_back(static_cast<std::uint32_t>(waiting.id & slot_mask));
    waiting.id = 0;
    waiting.done = nullptr;
    --waiting_;
    return out;
}

void lookup_table::drop_dead_timers() {
    while (!timers_.empty() && !waits(timers_.front().id)) {
        std::pop_heap(timers_.begin(), timers_.end(), later);
        timers_.pop_back();
    }
}

void lookup_table::compact_timers() {
    const auto dead = [this](const timer& t) { return !waits(t.id); };
    timers_.erase(std::remove_if(timers_.begin(), timers_.end(), dead), timers_.end());
    std::make_heap(timers_.begin(), timers_.end(), later);
}

}  // namespace tlscache::transport
