#pragma once

// OpenSSL's session as it stands in DER (ssl/ssl_asn1.c): a SEQUENCE of five fixed parts and of
// optional ones in explicit tags [n], ascending. Views into what was parsed.

#include <array>
#include <cstdint>
#include <optional>

#include "client_lib/session/der.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

// The explicit tags that the codec knows.
inline constexpr unsigned part_time = 1;
inline constexpr unsigned part_timeout = 2;
inline constexpr unsigned part_id_context = 4;
inline constexpr unsigned part_host_name = 6;
inline constexpr unsigned part_flags = 13;  // 1: extended master secret
inline constexpr unsigned part_age_add = 14;
inline constexpr unsigned part_alpn = 16;
inline constexpr unsigned part_group = 19;
inline constexpr std::size_t parts_max = der::explicit_number_max + 1;

enum class part_kind : std::uint8_t { none, raw, number, octets };

// What an explicit tag holds. A number or string that is not in its shortest form is raw.
struct session_part {
    part_kind kind = part_kind::none;
    byte_view bytes;  // octets: the content; raw: everything in the tag
    std::uint64_t number = 0;
};

struct session_parts {
    std::uint16_t protocol = 0;  // 0x0303, 0x0304
    std::uint16_t cipher = 0;
    byte_view id;
    byte_view secret;
    std::array<session_part, parts_max> parts;
};

// nullopt: not of this form, not in the shortest DER, or of another protocol. What parses is
// written again byte for byte.
std::optional<session_parts> parse_session(byte_view der) noexcept;

void write_session(const session_parts& session, secure_bytes& out);

}  // namespace tlscache::session
