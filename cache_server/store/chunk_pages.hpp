#pragma once

// Pages cut into chunks of one size each; a page belongs to a class while a chunk of it is in use.
// Chunks are offsets. Guarded by the shard's lock. The first byte of a chunk in use is not 0.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cache_server/store/arena.hpp"
#include "cache_server/store/size_classes.hpp"

namespace tlscache::store {

class chunk_pages {
  public:
    // `base` is the start of bytes_max bytes of the arena.
    chunk_pages(const arena& memory, char* base, std::size_t bytes_max);
    ~chunk_pages();  // erases all pages
    chunk_pages(const chunk_pages&) = delete;
    chunk_pages& operator=(const chunk_pages&) = delete;

    const size_classes& classes() const noexcept { return classes_; }

    // A chunk in memory that is there already; nullopt if a page has to be opened for it first.
    std::optional<std::uint32_t> allocate(std::uint16_t c) noexcept;
    // Adds an empty page, which costs a page of memory; false if there are no more.
    bool open_page() noexcept;
    // `used` bytes at its begin are erased.
    void free(std::uint32_t offset, std::size_t used) noexcept;

    std::size_t resident_bytes() const noexcept { return resident_ * classes_.page_bytes(); }
    std::size_t table_bytes() const noexcept { return pages_.size() * sizeof(page_state); }
    std::size_t classes_in_use() const noexcept { return classes_in_use_; }
    bool in_use(std::uint16_t c) const noexcept { return usage_[c].live != 0; }

    // Gives empty pages back to the system: adjacent ones, up to bytes_max. False if none is.
    bool discard_empty(std::size_t bytes_max) noexcept;
    std::size_t empty_bytes() const noexcept { return empty_count_ * classes_.page_bytes(); }

    // The page to empty when memory is short: the sparsest one of the class with the most to
    // gain; nullopt if moving would gain no page. No chunk is allocated in it from now on.
    std::optional<std::uint32_t> begin_emptying() noexcept;
    // take(offset) for each chunk in use in that page; it must free it.
    template <class F>
    void empty(std::uint32_t page, F&& take) {
        const std::uint16_t c = pages_[page].size_class;
        const std::uint32_t bytes = classes_.chunk_bytes(c);
        const std::uint32_t first = start_of(page);
        const std::uint32_t touched = pages_[page].fresh;
        for (std::uint32_t i = 0; i < touched && pages_[page].size_class == c; ++i) {
            if (base_[first + i * bytes] != 0) {
                take(first + i * bytes);
            }
        }
    }

  private:
    static constexpr std::uint32_t none = 0xffff'ffff;
    static constexpr std::uint16_t no_class = 0xffff;

    struct page_state {
        std::uint16_t size_class = no_class;
        std::uint16_t live = 0;
        std::uint16_t free_head = 0;  // number plus one of a freed chunk
        std::uint16_t fresh = 0;      // chunks that were ever in use
        std::uint32_t next = none;    // in the list of its class (with room), of empty, of closed
        std::uint32_t previous = none;
        bool resident = false;
        bool emptying = false;
    };
    struct usage {
        std::uint32_t pages = 0;
        std::uint32_t live = 0;
        std::uint32_t with_room = none;
    };

    std::uint32_t start_of(std::uint32_t page) const noexcept {
        return static_cast<std::uint32_t>(page * classes_.page_bytes());
    }
    void push(std::uint32_t& head, std::uint32_t at) noexcept;
    void unlink(std::uint32_t& head, std::uint32_t at) noexcept;
    void release(std::uint32_t at) noexcept;

    const arena& memory_;
    char* const base_;
    const size_classes classes_;
    std::vector<page_state> pages_;
    std::vector<usage> usage_;
    std::uint32_t empty_ = none;
    std::uint32_t closed_ = none;
    std::size_t empty_count_ = 0;
    std::size_t resident_ = 0;
    std::size_t classes_in_use_ = 0;
};

}  // namespace tlscache::store
