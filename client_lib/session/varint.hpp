#pragma once

// Numbers in as few bytes as they need: 7 bits a byte, lowest first, the top bit means that more
// follow. Each number has one form only.

#include <cstdint>
#include <optional>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

void put_varint(std::uint64_t value, secure_bytes& out);

// Takes it off the front. nullopt: cut off, above 64 bits, or longer than needed.
std::optional<std::uint64_t> take_varint(byte_view& in) noexcept;

// Small distances in both directions become small numbers; wraps, so that every pair works.
constexpr std::uint64_t zigzag(std::uint64_t value, std::uint64_t base) noexcept {
    const std::uint64_t distance = value - base;
    return (distance << 1) ^ (distance >> 63 != 0 ? ~std::uint64_t{0} : 0);
}

constexpr std::uint64_t unzigzag(std::uint64_t coded, std::uint64_t base) noexcept {
    return base + ((coded >> 1) ^ ((coded & 1) != 0 ? ~std::uint64_t{0} : 0));
}

}  // namespace tlscache::session
