#pragma once

// Runs of adjacent 4 KiB pages for entries too large for a chunk. Guarded by the shard's lock.
//
// The address range is twice the shard's memory, so that a gap of the right length is there
// though nothing is ever moved; memory is only there under runs in use.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cache_server/store/arena.hpp"

namespace tlscache::store {

class page_runs {
  public:
    static constexpr std::size_t page_bytes = 4096;
    static std::size_t range_bytes(std::size_t shard_bytes) noexcept { return 2 * shard_bytes; }
    static std::uint32_t pages_for(std::size_t bytes) noexcept {
        return static_cast<std::uint32_t>((bytes + page_bytes - 1) / page_bytes);
    }

    page_runs(const arena& memory, char* base, std::size_t range);

    // The number of the first page of the lowest gap; nullopt if no gap is long enough.
    std::optional<std::uint32_t> allocate(std::uint32_t pages) noexcept;
    // Erases `used` bytes and gives the memory back.
    void free(std::uint32_t first, std::size_t used) noexcept;

    char* at(std::uint32_t first) const noexcept { return base_ + first * page_bytes; }
    std::size_t table_bytes() const noexcept { return map_.size() * sizeof map_[0]; }
    std::size_t resident_bytes() const noexcept { return used_pages_ * page_bytes; }

  private:
    bool taken(std::uint32_t page) const noexcept {
        return (map_[page / 64] >> (page % 64) & 1) != 0;
    }
    void mark(std::uint32_t first, std::uint32_t pages, bool on) noexcept;

    const arena& memory_;
    char* const base_;
    const std::uint32_t pages_;
    std::vector<std::uint64_t> map_;  // a bit per page: taken
    std::uint32_t search_from_ = 0;   // below it no page is free
    std::size_t used_pages_ = 0;
};

}  // namespace tlscache::store
