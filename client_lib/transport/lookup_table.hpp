#pragma once

// Lookups that wait for an answer. Each is decided exactly once: by its answers, by its deadline,
// or by cancel; what comes later names a number that is gone. Numbers are never reused, slots are.
//
// Plain object: no I/O, time is a parameter. One thread at a time.

#include <cstdint>
#include <optional>
#include <vector>

#include "client_lib/transport/transport.hpp"

namespace tlscache::transport {

using lookup_id = std::uint64_t;  // 0: none

struct decision {
    lookup_id id = 0;
    lookup_done done;
    lookup_result result;
};

class lookup_table {
  public:
    explicit lookup_table(std::size_t lookups_max) : lookups_max_(lookups_max) {}

    // A lookup that waits for `answers` of them; `reason` tells of a key that could not be asked.
    // 0 if the table is full; `done` is untouched then.
    lookup_id open(unsigned answers, unavailable_reason reason, steady_time deadline,
                   lookup_done& done);

    // What a key's node said. Decides at the first hit and at the last answer.
    std::optional<decision> answer(lookup_id id, lookup_result&& result);

    // The next lookup whose deadline is over; nullopt: none.
    std::optional<decision> expire(steady_time now);
    std::optional<decision> take(lookup_id id, unavailable_reason reason);  // whatever it waits for
    std::optional<decision> take_any(unavailable_reason reason);

    bool waits(lookup_id id) const noexcept { return find(id) != nullptr; }
    std::size_t size() const noexcept { return waiting_; }
    // steady_time::max() if none waits.
    steady_time next_deadline();

  private:
    struct entry {
        lookup_id id = 0;
        unsigned answers = 0;
        unavailable_reason reason = unavailable_reason::none;  // of a key not answered for
        lookup_done done;
    };
    struct timer {
        steady_time when;
        lookup_id id;
    };
    const entry* find(lookup_id id) const noexcept;
    decision decide(entry& waiting, lookup_result&& result);
    void drop_dead_timers();
    void compact_timers();

    std::size_t lookups_max_;
    std::size_t waiting_ = 0;
    std::uint64_t opened_ = 0;
    std::vector<entry> entries_;
    std::vector<std::uint32_t> free_;
    std::vector<timer> timers_;  // heap, the earliest first; those of decided lookups stay a while
};

}  // namespace tlscache::transport
