// One form for each number: what has two forms could be changed without being noticed where
// records are compared.

#include "client_lib/session/varint.hpp"

namespace tlscache::session {

void put_varint(std::uint64_t value, secure_bytes& out) {
    while (value >= 0x80) {
        out.push_back(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<std::uint8_t>(value));
}

std::optional<std::uint64_t> take_varint(byte_view& in) noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in.empty()) {
            return std::nullopt;
        }
        const std::uint64_t byte = in.front();
        in = in.subspan(1);
        if ((shift == 63 && byte > 1) || (byte == 0 && shift != 0)) {
            return std::nullopt;
        }
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    return std::nullopt;
}

}  // namespace tlscache::session
