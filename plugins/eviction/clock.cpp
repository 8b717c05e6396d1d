// CLOCK: FIFO with a second chance for what was used since the hand last came by.
//
// Paper: F. J. Corbató, "A paging experiment with the Multics system", MIT Project MAC report
// MAC-M-384, 1968.
//
//     insert: put at the new end, counter 0
//     hit:    counter = min(counter + 1, counter_max)
//     victim: while the old end's counter > 0: lower it by 1, move it to the new end
//             then the old end
//
// Parameters: counter_max = 1 (one bit, the paper's). State: two links and a byte, 7 bytes a slot.
// The hand moves in victim(); asked again, it stands where it stopped, so the answer is the same.

#include "plugins/eviction/policies.hpp"
#include "plugins/eviction/slot_list.hpp"

namespace tlscache::plugins::eviction {

namespace {

constexpr std::uint8_t counter_max = 1;

class clock final : public store::eviction_policy {
  public:
    explicit clock(const store::policy_limits& limits)
        : queue_(limits.slots_max), counters_(limits.slots_max) {}

    void on_insert(const store::insertion& entry) noexcept override {
        counters_[entry.slot] = 0;
        queue_.push_newest(entry.slot);
    }
    void on_hit(store::slot slot, std::uint64_t) noexcept override {
        std::uint8_t& counter = counters_[slot];
        counter = counter < counter_max ? static_cast<std::uint8_t>(counter + 1) : counter_max;
    }
    void on_resize(store::slot, std::uint32_t) noexcept override {}
    void on_remove(store::slot slot, store::removal_cause) noexcept override {
        queue_.remove(slot);
    }
    std::optional<store::slot> victim() noexcept override {
        std::optional<store::slot> oldest = queue_.oldest();
        while (oldest && counters_[*oldest] > 0) {
            --counters_[*oldest];
            queue_.remove(*oldest);
            queue_.push_newest(*oldest);
            oldest = queue_.oldest();
        }
        return oldest;
    }
    std::size_t bytes_per_slot() const noexcept override { return slot_list::bytes_per_slot + 1; }

  private:
    slot_list queue_;
    store::lazy_array<std::uint8_t> counters_;
};

}  // namespace

std::unique_ptr<store::eviction_policy> make_clock(const store::policy_limits& limits) {
    return std::make_unique<clock>(limits);
}

}  // namespace tlscache::plugins::eviction
