#pragma once

// Base64 of RFC 4648 section 4, padded and canonical, for keys in files: nothing is left in
// memory that is not erased.

#include <optional>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

secure_bytes base64_encode(byte_view data);

// nullopt: another alphabet, missing padding, or bits that stand for nothing.
std::optional<secure_bytes> base64_decode(byte_view text);

}  // namespace tlscache::session
