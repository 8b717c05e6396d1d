#pragma once

// The keyed hash of cache keys: who can't know the secret can't choose keys that collide.
//
// Immutable after construction, so any thread may use it.

#include <array>
#include <cstdint>
#include <string_view>

namespace tlscache::store {

class key_hash {
  public:
    key_hash();  // draws its secret from the kernel; throws std::system_error if there is none

    // Tagged and other keys are different key spaces, and so hash differently.
    std::uint64_t operator()(std::string_view bytes, bool tagged) const noexcept;

  private:
    static constexpr std::size_t secret_bytes = 192;
    static constexpr std::size_t tagged_offset = 64;
    std::array<std::uint8_t, secret_bytes + tagged_offset> secret_;
};

}  // namespace tlscache::store
