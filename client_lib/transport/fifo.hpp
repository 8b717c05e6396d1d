#pragma once

// A queue in one block of memory that grows and never shrinks, so that a steady flow through it
// allocates nothing (std::deque does, a block at a time). One thread at a time.

#include <cstddef>
#include <utility>
#include <vector>

namespace tlscache::transport {

template <class T>
class fifo {
  public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    // i-th from the front.
    T& operator[](std::size_t i) noexcept { return items_[(begin_ + i) & (items_.size() - 1)]; }
    const T& operator[](std::size_t i) const noexcept {
        return items_[(begin_ + i) & (items_.size() - 1)];
    }
    T& front() noexcept { return (*this)[0]; }
    const T& front() const noexcept { return (*this)[0]; }

    void push(T item) {
        if (size_ == items_.size()) {
            grow();
        }
        (*this)[size_] = std::move(item);
        ++size_;
    }
    T pop() {
        T item = std::exchange(front(), T{});
        begin_ = (begin_ + 1) & (items_.size() - 1);
        --size_;
        return item;
    }

  private:
    void grow() {
        std::vector<T> grown(items_.empty() ? 16 : items_.size() * 2);
        for (std::size_t i = 0; i < size_; ++i) {
            grown[i] = std::move((*this)[i]);
        }
        items_ = std::move(grown);
        begin_ = 0;
    }

    std::vector<T> items_;  // a power of two of them
    std::size_t begin_ = 0;
    std::size_t size_ = 0;
};

}  // namespace tlscache::transport
