// First fit in a bit map. Sessions never come here, so it is simple rather than fast: a search
// reads at most a bit per page, 4 KiB of map for a shard of 64 MiB.

#include "cache_server/store/page_runs.hpp"

#include <algorithm>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::store {

namespace {
constexpr std::uint64_t all_taken = ~std::uint64_t{0};
}

page_runs::page_runs(const arena& memory, char* base, std::size_t range)
    : memory_(memory),
      base_(base),
      pages_(static_cast<std::uint32_t>(range / page_bytes)),
      map_(pages_ / 64 + 1) {}

std::optional<std::uint32_t> page_runs::allocate(std::uint32_t pages) noexcept {
    std::uint32_t gap = 0;
    bool lowest = true;
    for (std::uint32_t at = search_from_; at < pages_; ++at) {
        if (taken(at)) {
            gap = 0;
            if (at % 64 == 0 && map_[at / 64] == all_taken) {
                at += 63;
            }
            continue;
        }
        if (lowest) {
            search_from_ = at;
            lowest = false;
        }
        if (++gap == pages) {
            const std::uint32_t first = at + 1 - pages;
            mark(first, pages, true);
            used_pages_ += pages;
            return first;
        }
    }
    return std::nullopt;
}

void page_runs::free(std::uint32_t first, std::size_t used) noexcept {
    const std::uint32_t pages = pages_for(used);
    wipe(at(first), used);
    memory_.discard(at(first), pages * page_bytes);
    mark(first, pages, false);
    used_pages_ -= pages;
    search_from_ = std::min(search_from_, first);
}

void page_runs::mark(std::uint32_t first, std::uint32_t pages, bool on) noexcept {
    for (std::uint32_t page = first; page != first + pages; ++page) {
        const std::uint64_t bit = std::uint64_t{1} << (page % 64);
        map_[page / 64] = on ? map_[page / 64] | bit : map_[page / 64] & ~bit;
    }
}

}  // namespace tlscache::store
