// FIFO: first in, first out.
//
// Paper: L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
// Systems Journal 5(2), 1966.
//
//     insert: put at the new end
//     hit:    nothing
//     victim: the old end
//
// Parameters: none. State: two links, 6 bytes a slot.

#include "plugins/eviction/policies.hpp"
#include "plugins/eviction/slot_list.hpp"

namespace tlscache::plugins::eviction {

namespace {

class fifo final : public store::eviction_policy {
  public:
    explicit fifo(const store::policy_limits& limits) : queue_(limits.slots_max) {}

    void on_insert(const store::insertion& entry) noexcept override {
        queue_.push_newest(entry.slot);
    }
    void on_hit(store::slot, std::uint64_t) noexcept override {}
    void on_resize(store::slot, std::uint32_t) noexcept override {}
    void on_remove(store::slot slot, store::removal_cause) noexcept override {
        queue_.remove(slot);
    }
    std::optional<store::slot> victim() noexcept override { return queue_.oldest(); }
    std::size_t bytes_per_slot() const noexcept override { return slot_list::bytes_per_slot; }

  private:
    slot_list queue_;
};

}  // namespace

std::unique_ptr<store::eviction_policy> make_fifo(const store::policy_limits& limits) {
    return std::make_unique<fifo>(limits);
}

}  // namespace tlscache::plugins::eviction
