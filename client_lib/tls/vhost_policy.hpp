#pragma once

// What a virtual host demands of clients, as a hash: a session resumes only where the same is
// demanded. OpenSSL does not check it at a resumption (RFC 6066 3, RFC 8446 4.2.10 leave it to us).

#include <openssl/ssl.h>

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "client_lib/session/types.hpp"

namespace tlscache::tls {

struct policy {
    session::vhost_policy all;             // verify mode, CA names, certificate's names, epoch
    session::vhost_policy authentication;  // of these: verify mode, CA names
    bool operator==(const policy&) const = default;
};

// What the context asks of connections that it serves from the start.
policy policy_of(SSL_CTX* context, std::uint32_t epoch);

// What this connection was asked: verify mode and CA names may be set on it, the certificate is
// that of the context it was switched to.
policy policy_of(SSL* ssl, std::uint32_t epoch);

// Policies that differ from what was expected for a name, learnt from finished handshakes.
// Thread safe; at most learnt_policies_max.
class policy_table {
  public:
    std::optional<policy> find(const std::string& sni) const;

    // False: another entry had to go.
    bool learn(const std::string& sni, const policy& seen);
    void drop(const std::string& sni);

  private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, policy> policies_;  // guarded by mutex_
};

}  // namespace tlscache::tls
