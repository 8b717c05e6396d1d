#pragma once

// Base64 of RFC 4648 section 4, strict: the standard alphabet, padding present, unused bits zero.
// So each run of bytes has exactly one text, and decoding followed by encoding gives the same text
// back (the daemon relies on it to undo a decoding in place).
//
// Thread safe, allocates nothing.

#include <cstddef>
#include <optional>
#include <string_view>

namespace tlscache::wire {

constexpr std::size_t base64_size(std::size_t bytes) noexcept {
    return (bytes + 2) / 3 * 4;
}

// Length of the decoded bytes, or nullopt if `text` is not strict base64 or empty.
std::optional<std::size_t> base64_check(std::string_view text) noexcept;

// Decodes text that base64_check() accepts; `out` may be the text's own memory. Returns the length.
std::size_t base64_decode(std::string_view text, char* out) noexcept;

// Writes base64_size(bytes.size()) characters. `out` may begin where `bytes` does (it works from
// the end), so that a decoding in place can be undone.
void base64_encode(std::string_view bytes, char* out) noexcept;

}  // namespace tlscache::wire
