// Steps of 4 bytes up to 512, then a 32nd of a power of two: a chunk wastes 2 bytes of a session
// on average. One page per class in use is kept free for moving entries about, so classes x page
// must stay small beside the shard (an eighth); small shards get smaller pages, then coarser steps.
// A size is raised as far as the number of chunks in a page allows, and sizes that become equal by
// that are one class.

#include "cache_server/store/size_classes.hpp"

#include <algorithm>

namespace tlscache::store {

namespace {

constexpr std::size_t fine_bytes_max = 512;
constexpr std::size_t chunk_bytes_min = 8;
constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::size_t page_bytes_for(std::size_t shard_bytes) {
    if (shard_bytes < 16 * mebibyte) {
        return 4096;
    }
    return shard_bytes < 32 * mebibyte ? 8192 : 16384;
}

}  // namespace

size_classes::size_classes(std::size_t shard_bytes) : page_bytes_(page_bytes_for(shard_bytes)) {
    std::size_t step = 4;
    std::size_t parts = 32;
    build(step, parts);
    while (classes_.size() * page_bytes_ > shard_bytes / 8 && parts > 4) {
        step *= 2;
        parts /= 2;
        build(step, parts);
    }
    lookup_.resize(chunk_bytes_max() / 4 + 1);
    std::uint16_t c = 0;
    for (std::size_t i = 0; i < lookup_.size(); ++i) {
        while (classes_[c].bytes < i * 4) {
            ++c;
        }
        lookup_[i] = c;
    }
}

void size_classes::build(std::size_t step, std::size_t parts) {
    classes_.clear();
    for (std::size_t bytes = chunk_bytes_min; bytes <= fine_bytes_max; bytes += step) {
        add(bytes);
    }
    for (std::size_t base = fine_bytes_max; base < chunk_bytes_max(); base *= 2) {
        for (std::size_t part = 1; part <= parts; ++part) {
            add(base + base * part / parts);
        }
    }
}

void size_classes::add(std::size_t bytes) {
    const std::size_t per_page = page_bytes_ / bytes;
    const std::size_t raised = page_bytes_ / per_page / 4 * 4;
    if (classes_.empty() || classes_.back().bytes < raised) {
        classes_.push_back({static_cast<std::uint32_t>(raised),
                            static_cast<std::uint32_t>(per_page),
                            static_cast<std::uint32_t>((page_bytes_ + per_page - 1) / per_page)});
    }
}

}  // namespace tlscache::store
