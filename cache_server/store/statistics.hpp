#pragma once

// What the shards count. A counter never goes down; "stats reset" only remembers where it stood
// (command/statistics.cpp).

#include <cstdint>

namespace tlscache::store {

struct statistics {
    // gauges
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;           // keys, values and their overhead now
    std::uint64_t bytes_max = 0;       // what the shards may use
    std::uint64_t bytes_resident = 0;  // what they use now, of pages, index, fields, policies
    // counters
    std::uint64_t items_total = 0;  // stored since the start
    std::uint64_t expired = 0;
    std::uint64_t expired_unfetched = 0;
    std::uint64_t evicted = 0;
    std::uint64_t evicted_live = 0;  // still had time to live (entries without expiry included)
    std::uint64_t evicted_unfetched = 0;
    std::uint64_t deleted = 0;
    std::uint64_t overwritten = 0;  // made way for a new value of their key
    std::uint64_t flushed = 0;
    std::uint64_t wiped_bytes = 0;
    std::uint64_t moved = 0;  // entries relocated to make room
    std::uint64_t refused_too_large = 0;
    std::uint64_t refused_no_memory = 0;

    statistics& operator+=(const statistics& other) noexcept {
        items += other.items;
        bytes += other.bytes;
        bytes_max += other.bytes_max;
        bytes_resident += other.bytes_resident;
        items_total += other.items_total;
        expired += other.expired;
        expired_unfetched += other.expired_unfetched;
        evicted += other.evicted;
        evicted_live += other.evicted_live;
        evicted_unfetched += other.evicted_unfetched;
        deleted += other.deleted;
        overwritten += other.overwritten;
        flushed += other.flushed;
        wiped_bytes += other.wiped_bytes;
        moved += other.moved;
        refused_too_large += other.refused_too_large;
        refused_no_memory += other.refused_no_memory;
        return *this;
    }
};

}  // namespace tlscache::store
