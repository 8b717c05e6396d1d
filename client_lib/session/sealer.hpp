#pragma once

// Session IDs that prove themselves, and records that only the right frontend can open.
// Everything doubtful is nullopt: for the handshake that is a miss.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client_lib/session/key_source.hpp"
#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

// What a session is bound to besides its ID and namespace; authenticated, not stored.
struct binding {
    // "=" and the lower-cased SNI, or "@" and the name of its group; "" for no SNI.
    std::string sni_group;
    vhost_policy policy;
    // The context's session id context, at most 32 bytes: costs no room in the record if equal.
    std::string id_context{};
};

// What is kept of a session. `der` is what i2d_SSL_SESSION gives.
struct session_record {
    secure_bytes der;
    std::uint16_t protocol = 0;             // 0x0303, 0x0304
    std::uint16_t cipher = 0;               // its number on the wire
    bool extended_master_secret = false;    // RFC 7627; always true in TLS 1.3
    unix_seconds first_authentication = 0;  // kept over renewals; bounds the chain
    unix_seconds stored_at = 0;             // the issuer's clock: informative only
    std::int64_t lifetime = 0;              // seconds, told with the store
};

// First 2 bytes of SHA-256("tlscache namespace " + NAME). nullopt only if OpenSSL fails.
std::optional<namespace_tag> tag_of_namespace(std::string_view namespace_name);

// Thread safe. Takes no lock but that of the key source, for a moment.
class sealer {
  public:
    // The source outlives the sealer. Throws std::invalid_argument on an empty namespace, or one
    // above namespace_bytes_max.
    sealer(std::string_view namespace_name, key_source& keys);
    ~sealer();

    namespace_tag tag() const noexcept;

    // A fresh ID under the issuing key: key id 4, time 4, random 16, MAC 8. False: no key.
    [[nodiscard]] bool make_id(unix_seconds now, session_id& out) const;

    // The node's key for an ID of ours; nullopt for foreign, guessed and outdated IDs: those are
    // never looked up.
    std::optional<cache_key> key_of(const session_id& id, unix_seconds now) const;

    // AES-256-GCM over the compact record; 28 bytes longer than it. False: no key for this ID.
    [[nodiscard]] bool seal(const session_id& id, const binding& bound,
                            const session_record& record, unix_seconds now,
                            std::vector<std::uint8_t>& out) const;

    std::optional<session_record> open(const session_id& id, const binding& bound, byte_view sealed,
                                       unix_seconds now) const;

    // 8 hex digits of a keyed digest, for logs.
    std::string log_name(const session_id& id, unix_seconds now) const;

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache::session
