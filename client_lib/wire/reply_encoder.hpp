#pragma once

// Replies of the daemon, appended to a connection's output. A line is begun, filled and ended;
// room for a whole reply is asked for once, so nothing is checked per field.
//
// Of one thread. Values are copied once, from where they lie to the output.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "client_lib/wire/base64.hpp"
#include "client_lib/wire/buffer.hpp"
#include "client_lib/wire/limits.hpp"

namespace tlscache::wire {

// More than the longest reply line: a code, a size, a base64 key, an opaque, and a number for each
// flag that asks for one. Room of this size is asked for, not used.
inline constexpr std::size_t reply_head_bytes_max = 1024;
static_assert(reply_head_bytes_max > base64_size(key_bytes_max) + opaque_bytes_max + 16 * 22);

class reply_writer {
  public:
    // Asks for room for a line and for `value_bytes` behind it.
    explicit reply_writer(buffer& out, std::size_t value_bytes = 0)
        : out_(out), begin_(out.prepare(reply_head_bytes_max + value_bytes)), at_(begin_) {}
    reply_writer(const reply_writer&) = delete;
    reply_writer& operator=(const reply_writer&) = delete;

    reply_writer& text(std::string_view text) noexcept {
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
        return *this;
    }
    reply_writer& character(char c) noexcept {
        *at_++ = c;
        return *this;
    }
    template <class Number>
    reply_writer& number(Number value) noexcept {
        at_ = std::to_chars(at_, at_ + number_bytes_max, value).ptr;
        return *this;
    }
    // Eight hexadecimal digits.
    reply_writer& hex32(std::uint32_t value) noexcept;

    // A flag of a meta reply: " t60".
    template <class Number>
    reply_writer& flag(char name, Number value) noexcept {
        return character(' ').character(name).number(value);
    }
    // " kKEY", or " kBASE64 b" for a key that came base64.
    reply_writer& key_flag(std::string_view key, bool base64) noexcept {
        return character(' ').character('k').key(key, base64).text(base64 ? " b" : "");
    }
    reply_writer& key(std::string_view key, bool base64) noexcept;

    reply_writer& end_line() noexcept { return text("\r\n"); }
    // The data block and its line end.
    reply_writer& block(std::string_view value) noexcept { return text(value).end_line(); }

    // Makes what was written readable; without it, nothing was.
    void commit() noexcept { out_.commit(static_cast<std::size_t>(at_ - begin_)); }

  private:
    static constexpr std::ptrdiff_t number_bytes_max = 20;

    buffer& out_;
    char* const begin_;
    char* at_;
};

// A reply of one line, without its CR LF.
void append_line(buffer& out, std::string_view line);

// "VALUE key flags bytes [cas]" and the data block.
void append_value(buffer& out, std::string_view key, std::uint32_t client_flags,
                  std::string_view value, std::optional<std::uint64_t> cas);

// "STAT name value"
void append_stat(buffer& out, std::string_view name, std::string_view value);

}  // namespace tlscache::wire
