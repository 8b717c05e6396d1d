#pragma once

// The bytes of one connection that are not executed yet: 1 KiB of its own, never shared with
// another connection, and more only while an unfinished request needs it, charged to the memory
// budget. Whatever is done with is erased.
//
// No I/O. One thread. Spans are valid until the next call that is not const.

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "cache_server/limits.hpp"
#include "cache_server/store/memory_budget.hpp"
#include "client_lib/wire/buffer.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::net {

class input_buffer {
  public:
    enum class room { made, refused, too_long };

    explicit input_buffer(store::memory_budget& budget) : budget_(budget) {}
    input_buffer(const input_buffer&) = delete;
    input_buffer& operator=(const input_buffer&) = delete;
    ~input_buffer() { release(); }

    std::span<char> unread() noexcept {
        return grown() ? std::span<char>(large_.data(), large_.size())
                       : std::span<char>(small_.data(), small_used_);
    }
    bool empty() const noexcept { return grown() ? large_.empty() : small_used_ == 0; }
    bool grown() const noexcept { return charged_ != 0; }

    // Where the next read goes; commit() says how much came.
    std::span<char> space() noexcept;
    void commit(std::size_t n) noexcept;
    // No space is left: more may be waiting in the socket.
    bool full() noexcept { return space().empty(); }

    // Drops what is done with; gives the grown memory back as soon as the rest fits without it.
    void consume(std::size_t n) noexcept;

    // Replaces the content, which has been taken to elsewhere, by `rest`.
    room keep(std::string_view rest, std::size_t request_bytes_max);

    // Makes space for a request of `needed` bytes in all (0: not known). Memory grows with what
    // has arrived, not with what was announced, and to `request_bytes_max` at most.
    room make_space(std::size_t needed, std::size_t request_bytes_max);

    // Erases all.
    void release() noexcept;

  private:
    room grow(std::size_t capacity, std::size_t request_bytes_max);

    store::memory_budget& budget_;
    wire::buffer large_;
    std::size_t charged_ = 0;  // what large_ costs; 0: small_ is in use
    std::size_t small_used_ = 0;
    std::array<char, limits::read_bytes_private> small_;
};

}  // namespace tlscache::net
