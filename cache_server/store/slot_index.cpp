// Two-choice hashing in groups of a cache line, growing in place by an eighth at a time.
//
// A half of the hash, seen as a fraction of 1, times the number of groups is a place; so places
// are in the order of the halves, whatever the number of groups. To grow from N to M groups, old
// groups are taken from the last to the first: what is in group i belongs at i * M / N >= i, which
// is behind the frontier and already moved.
//
//     0 ............ frontier ............ N ......... M
//     places by N    | places by M (moved)  | new     |
//
// Each insert moves two old groups, so growth is done long before the next one is due, and no
// request pays for more than about 30 entries. Where both groups of a key are full, an entry is
// moved to its other group; where none can move, the slot goes to a small stash that is searched
// last. At a load of 0.84 the stash is empty but for accidents.

#include "cache_server/store/slot_index.hpp"

#include <algorithm>
#include <utility>

namespace tlscache::store {

namespace {

constexpr std::uint32_t groups_min = 16;
// Entries per group at which it grows: 0.84 x 16; and after growing: 0.747 x 16.
constexpr std::size_t full_hundredths = 1344;

}  // namespace

slot_index::slot_index(std::uint32_t slots_max, const slot_keys& keys)
    : keys_(keys),
      groups_max_(static_cast<std::uint32_t>(bytes_for(slots_max) / sizeof(group)) +
                  2 * groups_min),
      groups_(groups_max_),
      base_(groups_min),
      target_(groups_min),
      frontier_(groups_min) {
    static_assert(sizeof(group) * 10 * 100 * 9 / (full_hundredths * 8) <= entry_bytes_tenths);
}

bool slot_index::wants_to_grow() const noexcept {
    const std::uint32_t base = count_of(base_);
    return base == count_of(target_) && size_ * 100 > base * full_hundredths &&
           base + step(base) <= groups_max_;
}

void slot_index::grow() noexcept {
    const std::uint32_t base = count_of(base_);
    target_.store(base + step(base), std::memory_order_relaxed);
    frontier_.store(base, std::memory_order_relaxed);
}

bool slot_index::insert(std::uint64_t hash, slot s) noexcept {
    for (int i = 0; i < 2 && count_of(base_) != count_of(target_); ++i) {
        migrate_group();
    }
    if (!place(hash, s)) {
        return false;
    }
    ++size_;
    return true;
}

void slot_index::erase(std::uint64_t hash, slot s) noexcept {
    const std::uint8_t tag = tag_of(hash);
    for (const std::uint32_t at : {position(first_half(hash)), position(second_half(hash))}) {
        group& g = groups_[at];
        for (std::uint32_t left = g.matching(tag); left != 0; left &= left - 1) {
            const auto i = static_cast<unsigned>(std::countr_zero(left));
            if (g.slot_at(i) == s) {
                g.put(i, 0, 0);
                --size_;
                return;
            }
        }
    }
    slot* const end = stash_.data() + stashed_;
    slot* const found = std::find(stash_.data(), end, s);
    if (found != end) {
        *found = stash_[--stashed_];
        --size_;
    }
}

bool slot_index::place(std::uint64_t hash, slot s) noexcept {
    const std::uint8_t tag = tag_of(hash);
    const std::uint32_t a = position(first_half(hash));
    const std::uint32_t b = position(second_half(hash));
    const std::uint32_t free_a = groups_[a].matching(0);
    const std::uint32_t free_b = groups_[b].matching(0);
    const bool in_a = std::popcount(free_a) >= std::popcount(free_b);
    const std::uint32_t free = in_a ? free_a : free_b;
    if (free != 0) {
        groups_[in_a ? a : b].put(static_cast<unsigned>(std::countr_zero(free)), tag, s);
        return true;
    }
    if (displace(a, tag, s) || displace(b, tag, s)) {
        return true;
    }
    if (stashed_ == stash_max) {
        return false;
    }
    stash_[stashed_++] = s;
    return true;
}

// Puts s into a full group, in the place of an entry whose other group has room.
bool slot_index::displace(std::uint32_t at, std::uint8_t tag, slot s) noexcept {
    group& g = groups_[at];
    for (unsigned i = 0; i < group_slots; ++i) {
        keys_.prefetch_key(g.slot_at(i));
    }
    for (unsigned i = 0; i < group_slots; ++i) {
        const slot moving = g.slot_at(i);
        const std::uint64_t hash = keys_.hash_of(moving);
        const std::uint32_t first = position(first_half(hash));
        const std::uint32_t other = first == at ? position(second_half(hash)) : first;
        const std::uint32_t free = groups_[other].matching(0);
        if (free != 0) {
            groups_[other].put(static_cast<unsigned>(std::countr_zero(free)), g.tags[i], moving);
            g.put(i, tag, s);
            return true;
        }
    }
    return false;
}

void slot_index::migrate_group() noexcept {
    if (stashed_ > stash_max - group_slots) {
        return;  // what is taken out must find a place, if only in the stash
    }
    const std::uint32_t at = count_of(frontier_) - 1;
    const group moving = groups_[at];
    for (unsigned i = 0; i < group_slots; ++i) {
        if (moving.tags[i] != 0) {
            keys_.prefetch_key(moving.slot_at(i));
        }
        groups_[at].put(i, 0, 0);
    }
    frontier_.store(at, std::memory_order_relaxed);
    for (unsigned i = 0; i < group_slots; ++i) {
        if (moving.tags[i] != 0) {
            place(keys_.hash_of(moving.slot_at(i)), moving.slot_at(i));
        }
    }
    if (at == 0) {
        const std::uint32_t grown = count_of(target_);
        base_.store(grown, std::memory_order_relaxed);
        frontier_.store(grown, std::memory_order_relaxed);
        const std::array<slot, stash_max> waiting = stash_;
        for (std::size_t left = std::exchange(stashed_, 0); left != 0; --left) {
            place(keys_.hash_of(waiting[left - 1]), waiting[left - 1]);
        }
    }
}

}  // namespace tlscache::store
