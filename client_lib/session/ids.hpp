#pragma once

// The layout of a session ID of ours: key id 4 | time 4, big endian | random 16 | MAC 8. The MAC
// is HMAC-SHA256 under the period's ID key over the 24 bytes before it, cut to 8.

#include <cstdint>

#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

inline constexpr std::size_t id_time_offset = 4;
inline constexpr std::size_t id_random_offset = 8;
inline constexpr std::size_t id_mac_offset = 24;

inline byte_view id_authenticated_part(const session_id& id) noexcept {
    return byte_view(id.bytes).first(id_mac_offset);
}

// The low 32 bits of the unix time at which it was made.
inline std::uint32_t id_time(const session_id& id) noexcept {
    std::uint32_t time = 0;
    for (std::size_t i = id_time_offset; i < id_random_offset; ++i) {
        time = time << 8 | id.bytes[i];
    }
    return time;
}

inline void set_id_time(session_id& id, unix_seconds now) noexcept {
    for (std::size_t i = 0; i < 4; ++i) {
        id.bytes[id_time_offset + i] =
            static_cast<std::uint8_t>(static_cast<std::uint64_t>(now) >> (24 - 8 * i));
    }
}

}  // namespace tlscache::session
