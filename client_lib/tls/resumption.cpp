// What does not fit must be refused here: OpenSSL would resume with a cipher that is disabled,
// and it ends the connection over an extended master secret that does not fit or another ID.

#include "client_lib/tls/resumption.hpp"

#include <openssl/err.h>

#include <algorithm>

namespace tlscache::tls {

namespace {

bool cipher_enabled(SSL* ssl, std::uint16_t cipher) {
    const STACK_OF(SSL_CIPHER)* enabled = SSL_get_ciphers(ssl);
    for (int i = 0; i < sk_SSL_CIPHER_num(enabled); ++i) {
        if (SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(enabled, i)) == cipher) {
            return true;
        }
    }
    return false;
}

// RFC 7627 5.3: both with the extension, or both without where the operator allows that.
bool extended_master_secret_fits(const connection& conn, SSL* ssl, bool of_session) {
    const bool of_hello = conn.hello.extended_master_secret &&
                          (SSL_get_options(ssl) & SSL_OP_NO_EXTENDED_MASTER_SECRET) == 0;
    return of_session == of_hello && (of_session || conn.core().settings().allow_no_ems);
}

std::optional<counter> refusal(const connection& conn, SSL* ssl) {
    const session::session_record& record = conn.found->record;
    if (record.protocol != SSL_version(ssl)) {
        return counter::refused_version;
    }
    if (!cipher_enabled(ssl, record.cipher)) {
        return counter::refused_cipher;
    }
    if (record.protocol != TLS1_3_VERSION &&
        !extended_master_secret_fits(conn, ssl, record.extended_master_secret)) {
        return counter::refused_ems;
    }
    return std::nullopt;
}

struct session_free {
    void operator()(SSL_SESSION* s) const { SSL_SESSION_free(s); }
};
using session_pointer = std::unique_ptr<SSL_SESSION, session_free>;

// The record is sealed with its ID, but what is in it was coded by another program: OpenSSL's
// reading decides.
bool session_matches(const SSL_SESSION* session, const connection& conn) {
    unsigned size = 0;
    const unsigned char* id = SSL_SESSION_get_id(session, &size);
    const SSL_CIPHER* cipher = SSL_SESSION_get0_cipher(session);
    return std::ranges::equal(byte_view(id, size), conn.found->id.bytes) &&
           SSL_SESSION_get_protocol_version(session) == conn.found->record.protocol &&
           cipher != nullptr && SSL_CIPHER_get_protocol_id(cipher) == conn.found->record.cipher;
}

// The session's age is what the node's clock says, so that OpenSSL, which counts from `time`,
// ends it when its time is over.
void set_times(SSL_SESSION* session, const session_times& times) {
    SSL_SESSION_set_time(session, static_cast<long>(cache::core::now() - times.age));
    SSL_SESSION_set_timeout(session, static_cast<long>(times.age + times.remaining));
}

}  // namespace

SSL_SESSION* hand_over_session(connection& conn, SSL* ssl, byte_view id) {
    if (!conn.found || !std::ranges::equal(id, conn.found->id.bytes)) {
        return nullptr;
    }
    const auto refuse = [&conn](counter why) {
        if (!std::exchange(conn.judged, true)) {
            conn.core().add(why);
        }
        return nullptr;
    };
    if (const auto why = refusal(conn, ssl)) {
        return refuse(*why);
    }
    const secure_bytes& der = conn.found->record.der;
    const unsigned char* at = der.data();
    session_pointer session(d2i_SSL_SESSION(nullptr, &at, static_cast<long>(der.size())));
    if (!session) {
        ERR_clear_error();
        return refuse(counter::refused_undecodable);
    }
    if (!session_matches(session.get(), conn)) {
        return refuse(counter::refused_other_id);
    }
    set_times(session.get(), conn.found->times);
    conn.handed_over = true;
    return session.release();
}

}  // namespace tlscache::tls
