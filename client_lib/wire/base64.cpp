#include "client_lib/wire/base64.hpp"

#include <array>
#include <cstdint>

// Four characters carry three bytes. Decoding goes from the front (the output never overtakes the
// input), encoding from the back (the input is read before it is overwritten), so both work in
// place.

namespace tlscache::wire {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
    std::array<std::uint8_t, 256> digits{};
    for (auto& digit : digits) {
        digit = no_digit;
    }
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return digits;
}
constexpr std::array<std::uint8_t, 256> digits = make_digits();

std::uint32_t digit(char c) noexcept {
    return digits[static_cast<unsigned char>(c)];
}

std::size_t padding(std::string_view text) noexcept {
    if (text.back() != '=') {
        return 0;
    }
    return text[text.size() - 2] == '=' ? 2 : 1;
}

char byte_of(std::uint32_t group, unsigned shift) noexcept {
    return static_cast<char>(static_cast<unsigned char>(group >> shift));
}

std::uint32_t value_of(char c) noexcept {
    return static_cast<unsigned char>(c);
}

char character(std::uint32_t group, unsigned shift) noexcept {
    return alphabet[(group >> shift) & 0x3f];
}

}  // namespace

std::optional<std::size_t> base64_check(std::string_view text) noexcept {
    if (text.empty() || text.size() % 4 != 0) {
        return std::nullopt;
    }
    const std::size_t pad = padding(text);
    const std::string_view body = text.substr(0, text.size() - pad);
    std::uint32_t seen = 0;
    for (const char c : body) {
        seen |= digit(c);
    }
    if (seen > 0x3f) {
        return std::nullopt;
    }
    const std::uint32_t unused = pad == 2 ? 0x0f : pad == 1 ? 0x03 : 0;
    if ((digit(body.back()) & unused) != 0) {
        return std::nullopt;
    }
    return text.size() / 4 * 3 - pad;
}

std::size_t base64_decode(std::string_view text, char* out) noexcept {
    const std::size_t pad = padding(text);
    const std::size_t whole = text.size() - (pad != 0 ? 4 : 0);
    char* to = out;
    for (std::size_t i = 0; i < whole; i += 4) {
        const std::uint32_t group = digit(text[i]) << 18 | digit(text[i + 1]) << 12 |
                                    digit(text[i + 2]) << 6 | digit(text[i + 3]);
        *to++ = byte_of(group, 16);
        *to++ = byte_of(group, 8);
        *to++ = byte_of(group, 0);
    }
    if (pad != 0) {
        std::uint32_t group = digit(text[whole]) << 18 | digit(text[whole + 1]) << 12;
        if (pad == 1) {
            group |= digit(text[whole + 2]) << 6;
        }
        *to++ = byte_of(group, 16);
        if (pad == 1) {
            *to++ = byte_of(group, 8);
        }
    }
    return static_cast<std::size_t>(to - out);
}

void base64_encode(std::string_view bytes, char* out) noexcept {
    const std::size_t rest = bytes.size() % 3;
    const std::size_t whole = bytes.size() - rest;
    char* to = out + base64_size(bytes.size());
    if (rest != 0) {
        std::uint32_t group = value_of(bytes[whole]) << 16;
        if (rest == 2) {
            group |= value_of(bytes[whole + 1]) << 8;
        }
        *--to = '=';
        *--to = rest == 2 ? character(group, 6) : '=';
        *--to = character(group, 12);
        *--to = character(group, 18);
    }
    for (std::size_t i = whole; i != 0; i -= 3) {
        const std::uint32_t group =
            value_of(bytes[i - 3]) << 16 | value_of(bytes[i - 2]) << 8 | value_of(bytes[i - 1]);
        *--to = character(group, 0);
        *--to = character(group, 6);
        *--to = character(group, 12);
        *--to = character(group, 18);
    }
}

}  // namespace tlscache::wire
