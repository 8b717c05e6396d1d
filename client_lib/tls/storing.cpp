// A session lives for the context's timeout, at most L, and however often it is renewed, it ends
// L after its client was first authenticated.

#include "client_lib/tls/storing.hpp"

#include <algorithm>

#include "client_lib/tls/limits.hpp"
#include "client_lib/tls/lookup.hpp"

namespace tlscache::tls {

namespace {

// OpenSSL has a getter, but not inside a handshake: it is what both sides said.
bool extended_master_secret_of(const connection& conn, SSL* ssl) {
    return SSL_version(ssl) == TLS1_3_VERSION ||
           (conn.hello.extended_master_secret &&
            (SSL_get_options(ssl) & SSL_OP_NO_EXTENDED_MASTER_SECRET) == 0);
}

// Time since the client of this connection was first authenticated.
std::int64_t chain_age(const connection& conn, SSL* ssl) {
    const auto since = conn.finished ? std::chrono::steady_clock::now() - conn.finished_at
                                     : std::chrono::steady_clock::duration::zero();
    return std::chrono::duration_cast<std::chrono::seconds>(since).count() +
           (SSL_session_reused(ssl) == 1 ? conn.chain_age : 0);
}

std::int64_t lifetime_of(const connection& conn, SSL* ssl, const session::keyring& ring) {
    const auto of_context = static_cast<std::int64_t>(SSL_CTX_get_timeout(conn.owner->context()));
    return std::min({of_context, ring.lifetime, ring.lifetime - chain_age(conn, ssl)});
}

std::optional<session::session_id> id_of(const SSL_SESSION* session) {
    unsigned size = 0;
    const unsigned char* data = SSL_SESSION_get_id(session, &size);
    session::session_id id;
    if (size != id.bytes.size()) {
        return std::nullopt;
    }
    std::copy_n(data, size, id.bytes.begin());
    return id;
}

std::optional<session::session_record> record_of(connection& conn, SSL* ssl, SSL_SESSION* made) {
    const SSL_CIPHER* cipher = SSL_SESSION_get0_cipher(made);
    const int size = i2d_SSL_SESSION(made, nullptr);
    if (cipher == nullptr || size <= 0) {
        return std::nullopt;
    }
    session::session_record record;
    record.der.resize(static_cast<std::size_t>(size));
    unsigned char* at = record.der.data();
    i2d_SSL_SESSION(made, &at);
    record.protocol = static_cast<std::uint16_t>(SSL_SESSION_get_protocol_version(made));
    record.cipher = SSL_CIPHER_get_protocol_id(cipher);
    record.extended_master_secret = extended_master_secret_of(conn, ssl);
    record.stored_at = cache::core::now();
    record.first_authentication = record.stored_at - chain_age(conn, ssl);
    return record;
}

// A stateless ticket, made while a server had cleared our option, needs no store.
bool is_stateful(SSL* ssl) {
    return (SSL_get_options(ssl) & SSL_OP_NO_TICKET) != 0;
}

}  // namespace

bool make_session_id(connection& conn, SSL* ssl, unsigned char* id, unsigned size) {
    session::session_id made;
    const auto ring = conn.core().keys();
    if (size != made.bytes.size() || !ring ||
        !conn.core().sealer().make_id(cache::core::now(), made)) {
        return false;
    }
    std::ranges::copy(made.bytes, id);
    // In TLS 1.3 this runs once per ticket, on the session that the ticket is for: the lifetime
    // that the client is told comes from here (RFC 8446 4.6.1).
    if (SSL_version(ssl) == TLS1_3_VERSION && SSL_get_session(ssl) != nullptr) {
        const std::int64_t lifetime = std::max<std::int64_t>(lifetime_of(conn, ssl, *ring), 1);
        SSL_SESSION_set_timeout(SSL_get_session(ssl), static_cast<long>(lifetime));
    }
    return true;
}

void store_session(connection& conn, SSL* ssl, SSL_SESSION* made) {
    cache::core& core = conn.core();
    if (conn.forgotten) {
        core.add(counter::not_stored_forgotten);
        return;
    }
    const auto ring = core.keys();
    const auto id = id_of(made);
    const auto key = id ? core.sealer().key_of(*id, core.now()) : std::nullopt;
    if (!ring || !key) {
        core.add(counter::not_stored_no_key);
        return;
    }
    if (!conn.began || conn.renegotiation || !conn.hello.sni_usable || !is_stateful(ssl) ||
        SSL_SESSION_is_resumable(made) != 1) {
        core.add(counter::not_stored_other);
        return;
    }
    const std::int64_t lifetime = lifetime_of(conn, ssl, *ring);
    if (lifetime < 1) {
        core.add(counter::not_stored_too_old);
        return;
    }
    auto record = record_of(conn, ssl, made);
    if (!record) {
        core.add(counter::not_stored_other);
        return;
    }
    if (!record->extended_master_secret && !core.settings().allow_no_ems) {
        core.add(counter::not_stored_no_ems);
        return;
    }
    record->lifetime = lifetime;
    const policy final = policy_of(ssl, conn.owner->options().policy_epoch);
    std::vector<std::uint8_t> sealed;
    if (!core.sealer().seal(*id, binding_of(conn, final), *record, core.now(), sealed)) {
        core.add(counter::not_stored_no_key);
        return;
    }
    if (conn.issued.size() == issued_ids_max) {
        conn.issued.erase(conn.issued.begin());
    }
    conn.issued.push_back(*id);
    core.nodes().store(*key, std::move(sealed), lifetime, 0);
    core.add(counter::stored);
}

void erase_session(connection& conn, const session::session_id& id) {
    if (const auto key = conn.core().sealer().key_of(id, cache::core::now())) {
        conn.core().nodes().erase(*key);
    }
}

}  // namespace tlscache::tls
