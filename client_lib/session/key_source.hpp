#pragma once

// Where keys come from. The file source derives them from cluster.key by time; an authority may
// hand them out instead. What is derived is the same for all sources.

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "client_lib/session/types.hpp"

namespace tlscache::session {

class key_contexts;

// The keys of one root in one period, one per purpose (a label each in HKDF, RFC 5869). Lives in
// locked memory where the limit allows, and is erased when destroyed.
struct period_keys {
    std::array<std::uint8_t, 4> key_id{};   // pseudo-random; names root and period on the wire
    std::int64_t period = 0;                // unix time / P
    unix_seconds accept_until = 0;          // start of the period + P + L
    std::array<std::uint8_t, 32> lookup{};  // cache keys
    std::array<std::uint8_t, 32> seal{};    // AES-256-GCM
    std::array<std::uint8_t, 32> id{};      // MAC in session IDs
    std::array<std::uint8_t, 32> ticket{};  // tickets

    const std::unique_ptr<key_contexts> contexts;  // OpenSSL's, with these keys set

    period_keys();
    period_keys(const period_keys&) = delete;
    period_keys& operator=(const period_keys&) = delete;
    ~period_keys();
};

// All keys that are live at one time. Immutable; shared by threads.
struct keyring {
    std::shared_ptr<const period_keys> issuing;                // the first root's current period
    std::vector<std::shared_ptr<const period_keys>> accepted;  // issuing included; next and older
    std::int64_t lifetime = 7200;                              // L: seconds a session may live
    // Looks at 4 bytes; nullptr: no key of that name is live.
    const period_keys* find(const std::uint8_t* key_id) const noexcept;
};

class key_source {
  public:
    virtual ~key_source() = default;

    // The ring for `now`; nullptr if there is no usable key (then nothing is shared, and never is
    // a zero or stale key used). Thread safe, does not block: files are read in refresh().
    virtual std::shared_ptr<const keyring> keys(unix_seconds now) = 0;

    // Looks for changed files; called about once a second from a background thread.
    virtual void refresh(unix_seconds now) = 0;
};

}  // namespace tlscache::session
