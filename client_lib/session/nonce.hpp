#pragma once

// Nonces for AES-GCM under a key that many frontends share. Thread safe, no lock.

#include <array>
#include <cstdint>

namespace tlscache::session {

using gcm_nonce = std::array<std::uint8_t, 12>;

// A nonce that was never used before. False: no random bytes to be had.
[[nodiscard]] bool next_nonce(gcm_nonce& out);

// A number that differs between a process and its forked child. 1 ns.
std::uint64_t fork_epoch() noexcept;

}  // namespace tlscache::session
