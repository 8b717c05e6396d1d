#pragma once

// A compact, lossless coding of i2d_SSL_SESSION's DER: 62 to 82 bytes for 125 to 187. What it does
// not know it keeps as DER, so decode(encode(der)) == der for every der that OpenSSL makes, and
// for every other input as well.

#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

// The ID and the session id context, which both sides know, are left out where they are equal;
// the time is told as its distance to the time in the ID. Appends.
void encode_session(byte_view der, const session_id& id, byte_view id_context, secure_bytes& out);

// False: not something that encode_session made.
[[nodiscard]] bool decode_session(byte_view coded, const session_id& id, byte_view id_context,
                                  secure_bytes& der);

// What the session says of itself; 0 where it is none that the codec knows.
struct session_summary {
    std::uint16_t protocol = 0;
    std::uint16_t cipher = 0;
};
session_summary summarize(byte_view der) noexcept;

}  // namespace tlscache::session
