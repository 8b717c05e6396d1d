// Reading and writing of one form, side by side.

#include "client_lib/session/session_der.hpp"

namespace tlscache::session {

namespace {

session_part parse_part(byte_view inner) noexcept {
    session_part part;
    byte_view rest = inner;
    if (const auto number = der::take_number(rest); number && rest.empty()) {
        part.kind = part_kind::number;
        part.number = *number;
        return part;
    }
    rest = inner;
    if (der::take(rest, der::tag_octet_string, part.bytes) && rest.empty()) {
        part.kind = part_kind::octets;
        return part;
    }
    part.kind = part_kind::raw;
    part.bytes = inner;
    return part;
}

std::size_t inner_bytes(const session_part& part) noexcept {
    switch (part.kind) {
        case part_kind::number:
            return der::element_bytes(der::number_content_bytes(part.number));
        case part_kind::octets:
            return der::element_bytes(part.bytes.size());
        case part_kind::raw:
            return part.bytes.size();
        case part_kind::none:
            break;
    }
    return 0;
}

void write_inner(const session_part& part, secure_bytes& out) {
    switch (part.kind) {
        case part_kind::number:
            der::put_number(part.number, out);
            break;
        case part_kind::octets:
            der::put_octets(part.bytes, out);
            break;
        case part_kind::raw:
            out.insert(out.end(), part.bytes.begin(), part.bytes.end());
            break;
        case part_kind::none:
            break;
    }
}

}  // namespace

std::optional<session_parts> parse_session(byte_view der) noexcept {
    session_parts session;
    byte_view rest;
    byte_view cipher;
    if (!der::take(der, der::tag_sequence, rest) || !der.empty() ||
        der::take_number(rest) != std::uint64_t{1}) {
        return std::nullopt;
    }
    const auto protocol = der::take_number(rest);
    if (!protocol || (*protocol != 0x0303 && *protocol != 0x0304) ||
        !der::take(rest, der::tag_octet_string, cipher) || cipher.size() != 2 ||
        !der::take(rest, der::tag_octet_string, session.id) ||
        !der::take(rest, der::tag_octet_string, session.secret)) {
        return std::nullopt;
    }
    session.protocol = static_cast<std::uint16_t>(*protocol);
    session.cipher = static_cast<std::uint16_t>(cipher[0] << 8 | cipher[1]);
    for (unsigned next = 0; !rest.empty();) {
        const std::uint8_t tag = rest[0];
        const unsigned number = static_cast<unsigned>(tag) - der::tag_explicit;
        byte_view inner;
        if (tag < der::tag_explicit || number > der::explicit_number_max || number < next ||
            !der::take(rest, tag, inner)) {
            return std::nullopt;
        }
        session.parts[number] = parse_part(inner);
        next = number + 1;
    }
    return session;
}

void write_session(const session_parts& session, secure_bytes& out) {
    const std::uint8_t cipher[] = {static_cast<std::uint8_t>(session.cipher >> 8),
                                   static_cast<std::uint8_t>(session.cipher)};
    std::size_t size = der::element_bytes(1) + der::element_bytes(2) + der::element_bytes(2) +
                       der::element_bytes(session.id.size()) +
                       der::element_bytes(session.secret.size());
    for (const session_part& part : session.parts) {
        if (part.kind != part_kind::none) {
            size += der::element_bytes(inner_bytes(part));
        }
    }
    out.reserve(out.size() + der::element_bytes(size));
    der::put_head(der::tag_sequence, size, out);
    der::put_number(1, out);
    der::put_number(session.protocol, out);
    der::put_octets(cipher, out);
    der::put_octets(session.id, out);
    der::put_octets(session.secret, out);
    for (unsigned number = 0; number < parts_max; ++number) {
        const session_part& part = session.parts[number];
        if (part.kind != part_kind::none) {
            der::put_head(static_cast<std::uint8_t>(der::tag_explicit + number), inner_bytes(part),
                          out);
            write_inner(part, out);
        }
    }
}

}  // namespace tlscache::session
