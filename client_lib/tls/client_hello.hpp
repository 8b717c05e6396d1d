#pragma once

// What the library reads out of a ClientHello (RFC 5246 7.4.1.2, RFC 8446 4.1.2). Everything in it
// was written by a stranger. What is malformed counts as absent: OpenSSL refuses it in its own way.

#include <openssl/ssl.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::tls {

// Extension 0 (RFC 6066 3): the first host_name, lower-cased, otherwise as it was sent.
std::optional<std::string> parse_server_name(byte_view extension);

// Extension 43 (RFC 8446 4.2.1).
bool offers_version(byte_view extension, std::uint16_t version);

// Extension 41 (RFC 8446 4.2.11): identities of 32 bytes among the first identities_examined_max.
void parse_psk_identities(byte_view extension, std::vector<session::session_id>& out);

struct client_hello {
    std::array<std::uint8_t, 32> random{};
    std::string sni;                           // "" for none
    bool sni_usable = true;                    // false: malformed; nothing is shared
    bool tls13 = false;                        // offered by the client and enabled here
    bool early_data = false;                   // extension 42
    bool extended_master_secret = false;       // extension 23 (RFC 7627)
    std::vector<session::session_id> offered;  // what could be resumed, in the client's order
    bool offers_session = false;               // anything at all, of whatever form
};

// Only inside a ClientHello callback.
client_hello read_client_hello(SSL* ssl);
bool offers_cipher(SSL* ssl, std::uint16_t cipher);

}  // namespace tlscache::tls
