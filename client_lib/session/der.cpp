// X.690 10.1: the length is in as few bytes as possible; 8.3.2: the first nine bits of a number
// are not all equal. Everything else is turned away, not repaired.

#include "client_lib/session/der.hpp"

namespace tlscache::session::der {

namespace {

constexpr unsigned length_bytes_max = 3;

// Bytes of the length field behind its first byte.
unsigned long_length_bytes(std::size_t content_bytes) noexcept {
    if (content_bytes < 0x80) {
        return 0;
    }
    return content_bytes < 0x100 ? 1 : content_bytes < 0x10000 ? 2 : length_bytes_max;
}

}  // namespace

bool take(byte_view& in, std::uint8_t tag, byte_view& content) noexcept {
    if (in.size() < 2 || in[0] != tag) {
        return false;
    }
    std::size_t length = in[1];
    std::size_t head = 2;
    if (length >= 0x80) {
        const std::size_t more = length & 0x7f;
        if (more == 0 || more > length_bytes_max || in.size() < 2 + more) {
            return false;
        }
        length = 0;
        for (std::size_t i = 0; i < more; ++i) {
            length = length << 8 | in[2 + i];
        }
        if (long_length_bytes(length) != more) {
            return false;
        }
        head += more;
    }
    if (in.size() - head < length) {
        return false;
    }
    content = in.subspan(head, length);
    in = in.subspan(head + length);
    return true;
}

std::optional<std::uint64_t> take_number(byte_view& in) noexcept {
    byte_view rest = in;
    byte_view content;
    if (!take(rest, tag_integer, content) || content.empty() || content.size() > 9 ||
        content[0] >= 0x80) {
        return std::nullopt;
    }
    const bool padded = content[0] == 0 && content.size() > 1;
    if ((padded && content[1] < 0x80) || (content.size() == 9 && !padded)) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const std::uint8_t byte : content) {
        value = value << 8 | byte;
    }
    in = rest;
    return value;
}

std::size_t element_bytes(std::size_t content_bytes) noexcept {
    return 2 + long_length_bytes(content_bytes) + content_bytes;
}

std::size_t number_content_bytes(std::uint64_t value) noexcept {
    std::size_t bytes = 1;
    while (value >= 0x80) {
        value >>= 8;
        ++bytes;
    }
    return bytes;
}

void put_head(std::uint8_t tag, std::size_t content_bytes, secure_bytes& out) {
    out.push_back(tag);
    const unsigned more = long_length_bytes(content_bytes);
    if (more == 0) {
        out.push_back(static_cast<std::uint8_t>(content_bytes));
        return;
    }
    out.push_back(static_cast<std::uint8_t>(0x80 | more));
    for (unsigned i = more; i > 0; --i) {
        out.push_back(static_cast<std::uint8_t>(content_bytes >> (8 * (i - 1))));
    }
}

void put_octets(byte_view content, secure_bytes& out) {
    put_head(tag_octet_string, content.size(), out);
    out.insert(out.end(), content.begin(), content.end());
}

void put_number(std::uint64_t value, secure_bytes& out) {
    const std::size_t bytes = number_content_bytes(value);
    put_head(tag_integer, bytes, out);
    for (std::size_t i = bytes; i > 0; --i) {
        out.push_back(i > 8 ? std::uint8_t{0} : static_cast<std::uint8_t>(value >> (8 * (i - 1))));
    }
}

}  // namespace tlscache::session::der
