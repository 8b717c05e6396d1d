#pragma once

// A doubly linked list of slots in an array of 24-bit links: 6 bytes a slot, all of them
// reserved when it is built, used only where slots are. A link holds a slot's number plus one, so
// that 0, what the memory begins as, is "none".

#include <cstddef>
#include <cstdint>
#include <optional>

#include "cache_server/store/eviction_policy.hpp"
#include "cache_server/store/lazy_array.hpp"

namespace tlscache::plugins::eviction {

class slot_list {
  public:
    static constexpr std::size_t bytes_per_slot = 6;

    explicit slot_list(std::uint32_t slots_max) : links_(slots_max) {}

    void push_newest(store::slot s) noexcept {
        store::set24(links_[s].newer, none);
        store::set24(links_[s].older, newest_);
        if (newest_ != none) {
            store::set24(links_[newest_ - 1].newer, s + 1);
        } else {
            oldest_ = s + 1;
        }
        newest_ = s + 1;
    }

    void remove(store::slot s) noexcept {
        const std::uint32_t newer = store::get24(links_[s].newer);
        const std::uint32_t older = store::get24(links_[s].older);
        if (newer != none) {
            store::set24(links_[newer - 1].older, older);
        } else {
            newest_ = older;
        }
        if (older != none) {
            store::set24(links_[older - 1].newer, newer);
        } else {
            oldest_ = newer;
        }
    }

    bool is_newest(store::slot s) const noexcept { return newest_ == s + 1; }

    std::optional<store::slot> oldest() const noexcept {
        return oldest_ == none ? std::nullopt : std::optional<store::slot>(oldest_ - 1);
    }

  private:
    static constexpr std::uint32_t none = 0;

    struct link {
        std::uint8_t newer[3];
        std::uint8_t older[3];
    };
    static_assert(sizeof(link) == bytes_per_slot);

    store::lazy_array<link> links_;
    std::uint32_t newest_ = none;
    std::uint32_t oldest_ = none;
};

}  // namespace tlscache::plugins::eviction
