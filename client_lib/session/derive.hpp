#pragma once

// From a root to the keys of a period: the same for every key source.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "client_lib/session/key_source.hpp"
#include "client_lib/session/locked_memory.hpp"
#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

using root_bytes = std::array<std::uint8_t, 32>;
// Room is reserved once, so that no root stays behind in memory that was outgrown.
using root_list = std::vector<root_bytes, locked_allocator<root_bytes>>;

// Seconds: P, how long a key issues; L, how long a session lives.
struct key_schedule {
    std::int64_t period;
    std::int64_t lifetime;
};

// HKDF-SHA256(root, salt "tlscache period keys 1", info namespace | P | period | label), see
// README.md. nullptr: no such period, or OpenSSL failed.
std::shared_ptr<const period_keys> derive_period_keys(const root_bytes& root,
                                                      std::string_view namespace_name,
                                                      const key_schedule& schedule,
                                                      std::int64_t period);

// What is written to node.key for a root: HKDF-SHA256(root, no salt, info "transport").
[[nodiscard]] bool derive_node_key(const root_bytes& root, root_bytes& out);

// Keys are derived once and kept as long as they live. Not thread safe.
class ring_builder {
  public:
    ring_builder(std::string_view namespace_name, key_schedule schedule, root_list roots);

    // Where the ring of the last build is right; empty before the first.
    bool fits(unix_seconds now) const noexcept { return valid_from_ <= now && now < valid_until_; }

    // The first root issues, all accept. nullptr if the issuing key can't be made.
    std::shared_ptr<const keyring> build(unix_seconds now);

    // In a forked child.
    void lock_again() const noexcept;

  private:
    struct live_key {
        std::size_t root;
        std::shared_ptr<const period_keys> keys;
    };
    std::shared_ptr<const period_keys> key_of(std::size_t root, std::int64_t period);

    std::string namespace_;
    key_schedule schedule_;
    root_list roots_;
    std::vector<live_key> live_;
    unix_seconds valid_from_ = 0;
    unix_seconds valid_until_ = 0;
};

}  // namespace tlscache::session
