// Arithmetic instead of tables: what is looked up depends on the secret.

#include "client_lib/session/base64.hpp"

namespace tlscache::session {

namespace {

// 0xff.. if low <= value <= high, else 0; all are below 2^15.
int within(int value, int low, int high) {
    return ((low - 1 - value) & (value - high - 1)) >> 15;
}

std::uint8_t to_letter(int bits) {
    const int letter = (within(bits, 0, 25) & (bits + 'A')) |
                       (within(bits, 26, 51) & (bits - 26 + 'a')) |
                       (within(bits, 52, 61) & (bits - 52 + '0')) | (within(bits, 62, 62) & '+') |
                       (within(bits, 63, 63) & '/');
    return static_cast<std::uint8_t>(letter);
}

// -1: none of the alphabet.
int to_bits(int letter) {
    const int bits = (within(letter, 'A', 'Z') & (letter - 'A' + 1)) |
                     (within(letter, 'a', 'z') & (letter - 'a' + 27)) |
                     (within(letter, '0', '9') & (letter - '0' + 53)) |
                     (within(letter, '+', '+') & 63) | (within(letter, '/', '/') & 64);
    return bits - 1;
}

}  // namespace

secure_bytes base64_encode(byte_view data) {
    secure_bytes out;
    out.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < data.size(); at += 3) {
        const std::size_t left = data.size() - at;
        const int first = data[at];
        const int second = left > 1 ? data[at + 1] : 0;
        const int third = left > 2 ? data[at + 2] : 0;
        out.push_back(to_letter(first >> 2));
        out.push_back(to_letter((first & 3) << 4 | second >> 4));
        out.push_back(left > 1 ? to_letter((second & 15) << 2 | third >> 6) : std::uint8_t{'='});
        out.push_back(left > 2 ? to_letter(third & 63) : std::uint8_t{'='});
    }
    return out;
}

std::optional<secure_bytes> base64_decode(byte_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    secure_bytes out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    int bad = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const int bits = at < text.size() - padding ? to_bits(text[at]) : 0;
        bad |= bits;
        group = group << 6 | static_cast<std::uint32_t>(bits & 63);
        if (at % 4 == 3) {
            out.push_back(static_cast<std::uint8_t>(group >> 16));
            out.push_back(static_cast<std::uint8_t>(group >> 8));
            out.push_back(static_cast<std::uint8_t>(group));
        }
    }
    // The bits that padding leaves over must be zero, else two texts would name one key.
    const std::uint32_t left_over = padding == 0 ? 0 : group & (padding == 1 ? 0xff : 0xffff);
    if (bad < 0 || left_over != 0) {
        return std::nullopt;
    }
    out.resize(out.size() - padding);
    return out;
}

}  // namespace tlscache::session
