#pragma once

// The memory that holds keys and values: one memfd, mapped once, divided among the shards. Left
// out of core dumps and, if possible, locked as it is touched, so that it is never swapped out.
//
// Reserving costs nothing: memory is there from the first write to a page until it is discarded.
// discard() may be called by any thread for bytes that are its own.

#include <cstddef>

namespace tlscache::store {

enum class lock_memory_mode : unsigned char { automatic, required, off };

class arena {
  public:
    // Throws std::system_error if it can't be mapped, or can't be locked under `required`.
    arena(std::size_t bytes, lock_memory_mode mode);
    ~arena();
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;

    char* data() const noexcept { return data_; }
    bool locked() const noexcept { return locked_; }

    // Gives memory back to the system; it reads as zeros afterwards. Multiples of 4 KiB. Erase
    // first: what the system gets back it may keep as it is until somebody needs it.
    void discard(char* begin, std::size_t bytes) const noexcept;

  private:
    std::size_t bytes_;
    int fd_ = -1;
    char* data_ = nullptr;
    bool locked_ = false;
};

}  // namespace tlscache::store
