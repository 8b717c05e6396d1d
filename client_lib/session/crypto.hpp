#pragma once

// The few functions of libcrypto that this folder needs, with lengths checked. Thread safe.
// False: OpenSSL refused (no memory, no entropy); the output is then not to be used.

#include <array>
#include <cstdint>
#include <span>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

using digest = std::array<std::uint8_t, 32>;

// HKDF with SHA-256, extract and expand (RFC 5869).
[[nodiscard]] bool hkdf_sha256(byte_view secret, byte_view salt, byte_view info,
                               std::span<std::uint8_t> out);

[[nodiscard]] bool sha256(byte_view data, digest& out);

// From the kernel's generator (getrandom): no state of this process, no lock.
[[nodiscard]] bool random_bytes(std::span<std::uint8_t> out);

// Takes the same time wherever they differ; the lengths are no secret.
[[nodiscard]] bool equal_secret(byte_view a, byte_view b) noexcept;

[[nodiscard]] bool all_zero(byte_view data) noexcept;

}  // namespace tlscache::session
