#pragma once

// A compact, lossless coding of i2d_SSL_SESSION's DER: 55 to 75 bytes for 125 to 187. What it does
// not know it keeps as DER, so decode(encode(der)) == der for every der that OpenSSL makes, and
// for every other input as well. Layout: README.md. Thread safe.

#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

// What both sides know and have authenticated elsewhere: left out of the coded session where it
// is equal. Decoding with other parts than those of encoding gives another session.
struct known_parts {
    const session_id& id;  // its time is what the session's time is told from
    byte_view id_context;
    byte_view host_name;
};

// Appends to `out`.
void encode_session(byte_view der, const known_parts& known, secure_bytes& out);

// False: not something that encode_session made. Takes memory in proportion to its input.
[[nodiscard]] bool decode_session(byte_view coded, const known_parts& known, secure_bytes& der);

// What the session says of itself; 0 where it is none that the codec knows.
struct session_summary {
    std::uint16_t protocol = 0;
    std::uint16_t cipher = 0;
};
session_summary summarize(byte_view der) noexcept;

}  // namespace tlscache::session
