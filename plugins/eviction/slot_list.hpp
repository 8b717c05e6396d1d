#pragma once

// A doubly linked list of slots in two arrays of 24-bit links: 6 bytes a slot, all of them
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

    explicit slot_list(std::uint32_t slots_max) : newer_(slots_max), older_(slots_max) {}

    void push_newest(store::slot s) noexcept {
        newer_.set(s, none);
        older_.set(s, newest_);
        if (newest_ != none) {
            newer_.set(newest_ - 1, s + 1);
        } else {
            oldest_ = s + 1;
        }
        newest_ = s + 1;
    }

    void remove(store::slot s) noexcept {
        const std::uint32_t newer = newer_.get(s);
        const std::uint32_t older = older_.get(s);
        if (newer != none) {
            older_.set(newer - 1, older);
        } else {
            newest_ = older;
        }
        if (older != none) {
            newer_.set(older - 1, newer);
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

    store::lazy_array24 newer_;
    store::lazy_array24 older_;
    std::uint32_t newest_ = none;
    std::uint32_t oldest_ = none;
};

}  // namespace tlscache::plugins::eviction
