#pragma once

// The little of DER (X.690) that an SSL_SESSION needs, strict: only the shortest form of a length
// or number is taken, so what was read can be written again byte for byte.

#include <cstdint>
#include <optional>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::session::der {

inline constexpr std::uint8_t tag_integer = 0x02;
inline constexpr std::uint8_t tag_octet_string = 0x04;
inline constexpr std::uint8_t tag_sequence = 0x30;
inline constexpr std::uint8_t tag_explicit = 0xa0;  // + number, constructed, context-specific
inline constexpr unsigned explicit_number_max = 30;

// Takes an element off the front. False: another tag, cut off, or a length in a longer form than
// needed or above 2^24 - 1.
[[nodiscard]] bool take(byte_view& in, std::uint8_t tag, byte_view& content) noexcept;

// An INTEGER of 0 to 2^64 - 1; nullopt for others.
std::optional<std::uint64_t> take_number(byte_view& in) noexcept;

// The size of a whole element with that much content.
std::size_t element_bytes(std::size_t content_bytes) noexcept;
std::size_t number_content_bytes(std::uint64_t value) noexcept;

void put_head(std::uint8_t tag, std::size_t content_bytes, secure_bytes& out);
void put_octets(byte_view content, secure_bytes& out);
void put_number(std::uint64_t value, secure_bytes& out);

}  // namespace tlscache::session::der
