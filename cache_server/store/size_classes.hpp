#pragma once

// How large pages are in a shard of a given size, and which sizes of chunks they are cut into.
// Immutable after construction.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tlscache::store {

class size_classes {
  public:
    explicit size_classes(std::size_t shard_bytes);

    std::size_t page_bytes() const noexcept { return page_bytes_; }
    // Larger entries are not kept in pages of a class.
    std::size_t chunk_bytes_max() const noexcept { return page_bytes_ / 2; }

    std::size_t count() const noexcept { return classes_.size(); }
    std::uint16_t class_of(std::size_t bytes) const noexcept { return lookup_[(bytes + 3) / 4]; }
    std::uint32_t chunk_bytes(std::uint16_t c) const noexcept { return classes_[c].bytes; }
    std::uint32_t chunks_per_page(std::uint16_t c) const noexcept { return classes_[c].per_page; }
    // What a chunk costs: its share of a page, rounded up.
    std::uint32_t chunk_charge(std::uint16_t c) const noexcept { return classes_[c].charge; }

  private:
    struct size_class {
        std::uint32_t bytes;
        std::uint32_t per_page;
        std::uint32_t charge;
    };
    void build(std::size_t step, std::size_t parts);
    void add(std::size_t bytes);

    std::size_t page_bytes_;
    std::vector<size_class> classes_;
    std::vector<std::uint16_t> lookup_;
};

}  // namespace tlscache::store
