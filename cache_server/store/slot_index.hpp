#pragma once

// From the hash of a key to its slot. Guarded by the shard's lock, but for prefetch().
//
// Which of the slots with the same tag is the right one, and what the hash of a slot is, the owner
// of the keys says.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cache_server/store/eviction_policy.hpp"
#include "cache_server/store/lazy_array.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tlscache::store {

// Who knows the keys.
class slot_keys {
  public:
    virtual ~slot_keys() = default;
    virtual std::uint64_t hash_of(slot s) const noexcept = 0;
    virtual void prefetch_key(slot s) const noexcept = 0;
};

class slot_index {
  public:
    slot_index(std::uint32_t slots_max, const slot_keys& keys);

    // same(slot) -> bool is asked for the few that have the key's tag.
    template <class Same>
    std::optional<slot> find(std::uint64_t hash, Same same) const noexcept {
        const std::uint8_t tag = tag_of(hash);
        const std::array<std::uint32_t, 2> places{position(first_half(hash)),
                                                  position(second_half(hash))};
        __builtin_prefetch(&groups_[places[1]]);
        for (const std::uint32_t at : places) {
            const group& g = groups_[at];
            for (std::uint32_t left = g.matching(tag); left != 0; left &= left - 1) {
                const slot s = g.slot_at(static_cast<unsigned>(std::countr_zero(left)));
                if (same(s)) {
                    return s;
                }
            }
        }
        for (std::size_t i = 0; i < stashed_; ++i) {
            if (same(stash_[i])) {
                return stash_[i];
            }
        }
        return std::nullopt;
    }

    // False if there is no place; practically only with keys chosen by somebody who knows the
    // hash's secret.
    [[nodiscard]] bool insert(std::uint64_t hash, slot s) noexcept;
    void erase(std::uint64_t hash, slot s) noexcept;

    // Growth: the owner starts it when there is memory for it; inserts then carry it on.
    bool wants_to_grow() const noexcept;
    std::size_t growth_bytes() const noexcept { return sizeof(group) * step(count_of(base_)); }
    void grow() noexcept;

    std::size_t size() const noexcept { return size_; }
    std::size_t bytes() const noexcept { return sizeof(group) * count_of(target_); }
    // What `entries` entries will have made it take, growth included.
    static std::size_t bytes_for(std::size_t entries) noexcept {
        return entries * entry_bytes_tenths / 10;
    }
    static constexpr std::size_t entry_bytes_tenths = 55;

    // Needs no lock: it may look at a place that is just moving, which costs time and no more.
    void prefetch(std::uint64_t hash) const noexcept {
        __builtin_prefetch(&groups_[position(first_half(hash))]);
        __builtin_prefetch(&groups_[position(second_half(hash))]);
    }

  private:
    static constexpr unsigned group_slots = 16;
    static constexpr std::size_t stash_max = 32;

    // A cache line. Tag 0: the place is free.
    struct alignas(64) group {
        std::array<std::uint8_t, group_slots> tags;
        std::array<std::uint8_t, 3 * group_slots> slots;

        std::uint32_t matching(std::uint8_t tag) const noexcept {
#ifdef __SSE2__
            const __m128i all = _mm_load_si128(reinterpret_cast<const __m128i*>(tags.data()));
            const __m128i same = _mm_cmpeq_epi8(all, _mm_set1_epi8(static_cast<char>(tag)));
            return static_cast<std::uint32_t>(_mm_movemask_epi8(same));
#else
            std::uint32_t mask = 0;
            for (unsigned i = 0; i < group_slots; ++i) {
                mask |= (tags[i] == tag ? 1u : 0u) << i;
            }
            return mask;
#endif
        }
        slot slot_at(unsigned i) const noexcept {
            return get24(&slots[std::size_t{3} * i]);
        }
        void put(unsigned i, std::uint8_t tag, slot s) noexcept {
            tags[i] = tag;
            set24(&slots[std::size_t{3} * i], s);
        }
    };
    static_assert(sizeof(group) == 64);

    using count = std::atomic<std::uint32_t>;
    static std::uint32_t count_of(const count& c) noexcept {
        return c.load(std::memory_order_relaxed);
    }
    static std::uint32_t step(std::uint32_t groups) noexcept {
        return groups / 8;
    }

    static std::uint32_t first_half(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32);
    }
    static std::uint32_t second_half(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash);
    }
    static std::uint8_t tag_of(std::uint64_t hash) noexcept {
        const auto tag = static_cast<std::uint8_t>((hash * 0xff51'afd7'ed55'8ccdu) >> 56);
        return tag == 0 ? std::uint8_t{1} : tag;
    }
    static std::uint32_t scale(std::uint32_t half, std::uint32_t groups) noexcept {
        return static_cast<std::uint32_t>((std::uint64_t{half} * groups) >> 32);
    }
    std::uint32_t position(std::uint32_t half) const noexcept {
        const std::uint32_t old = scale(half, count_of(base_));
        return old < count_of(frontier_) ? old : scale(half, count_of(target_));
    }

    bool place(std::uint64_t hash, slot s) noexcept;
    bool displace(std::uint32_t at, std::uint8_t tag, slot s) noexcept;
    void migrate_group() noexcept;

    const slot_keys& keys_;
    const std::uint32_t groups_max_;
    lazy_array<group> groups_;
    count base_;      // groups before the growth that is under way
    count target_;    // groups after it
    count frontier_;  // groups from here on have been moved to their place after it
    std::size_t size_ = 0;
    std::size_t stashed_ = 0;
    std::array<slot, stash_max> stash_{};
};

}  // namespace tlscache::store
