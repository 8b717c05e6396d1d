#pragma once

// A growable run of bytes with a read end and a write end: input of a parser, output of an
// encoder. Released and outgrown memory is erased, since session bytes pass through it.
//
// One thread at a time. Views into it are valid until the next call that is not const.

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::wire {

class buffer {
  public:
    buffer() = default;
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() { release(); }

    // Readable bytes.
    char* data() noexcept { return bytes_.get() + begin_; }
    const char* data() const noexcept { return bytes_.get() + begin_; }
    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::string_view view() const noexcept { return {data(), size()}; }

    // Room for at least n more bytes behind the readable ones; commit() makes them readable.
    char* prepare(std::size_t n) {
        if (capacity_ - end_ < n) {
            make_room(n);
        }
        return bytes_.get() + end_;
    }
    std::size_t room() const noexcept { return capacity_ - end_; }
    void commit(std::size_t n) noexcept { end_ += n; }

    // Drops n readable bytes and erases them.
    void consume(std::size_t n) noexcept {
        wipe(data(), n);
        begin_ += n;
        if (begin_ == end_) {
            begin_ = end_ = 0;
        }
    }

    void append(std::string_view text) {
        std::memcpy(prepare(text.size()), text.data(), text.size());
        commit(text.size());
    }

    // Erases all and gives the memory back.
    void release() noexcept {
        if (bytes_) {
            wipe(bytes_.get(), capacity_);
            bytes_.reset();
        }
        capacity_ = begin_ = end_ = 0;
    }

  private:
    void make_room(std::size_t n) {
        const std::size_t used = size();
        if (begin_ != 0 && capacity_ - used >= n) {
            std::memmove(bytes_.get(), data(), used);
            wipe(bytes_.get() + used, end_ - used);
        } else {
            std::size_t wanted = capacity_ == 0 ? 256 : capacity_ * 2;
            while (wanted - used < n) {
                wanted *= 2;
            }
            std::unique_ptr<char[]> grown(new char[wanted]);
            if (used != 0) {
                std::memcpy(grown.get(), data(), used);
            }
            if (bytes_) {
                wipe(bytes_.get(), capacity_);
            }
            bytes_ = std::move(grown);
            capacity_ = wanted;
        }
        begin_ = 0;
        end_ = used;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace tlscache::wire
