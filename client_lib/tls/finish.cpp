// The servername callback runs after the get callback, so only now is it known which virtual host
// the session was used for. In TLS 1.3 OpenSSL resumes on whichever was chosen, without asking
// whether that host demands a client certificate.

#include "client_lib/tls/finish.hpp"

#include "client_lib/tls/storing.hpp"

namespace tlscache::tls {

namespace {

bool lacks_demanded_certificate(SSL* ssl) {
    constexpr int demanded = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    const int mode = SSL_get_verify_mode(ssl);
    // RFC 8446 4.6.2: the application asks for it after the handshake, if at all.
    const bool later =
        SSL_version(ssl) == TLS1_3_VERSION && (mode & SSL_VERIFY_POST_HANDSHAKE) != 0;
    return (mode & demanded) == demanded && !later && SSL_get0_peer_certificate(ssl) == nullptr;
}

// The info callback can't fail a handshake; after this the application reads an end of file and
// can write nothing.
void end_connection(connection& conn, SSL* ssl) {
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    conn.forgotten = true;
    conn.core().add(counter::authentication_differs);
    conn.core().log("a session resumed under another client authentication: connection ended");
}

void check_resumed(connection& conn, SSL* ssl, const policy& final) {
    if (conn.owner->options().unsafe_no_binding) {
        return;
    }
    if (!(final == conn.expected)) {
        conn.core().add(counter::policy_differs);
    }
    if (!(final.authentication == conn.expected.authentication) ||
        lacks_demanded_certificate(ssl)) {
        end_connection(conn, ssl);
    }
}

}  // namespace

void finish_handshake(connection& conn, SSL* ssl) {
    conn.finished = true;
    conn.finished_at = std::chrono::steady_clock::now();
    cache::core& core = conn.core();
    core.add(counter::handshakes);
    const policy final = policy_of(ssl, conn.owner->options().policy_epoch);
    if (!conn.renegotiation) {  // the next hello for this name begins with less
        conn.owner->learn_policy(conn.hello.sni, final);
    }
    if (SSL_session_reused(ssl) == 1 && conn.handed_over) {
        core.add(counter::resumed);
        conn.resumed = conn.found->id;
        conn.chain_age = conn.found->times.chain_age;
        check_resumed(conn, ssl, final);
        if (SSL_version(ssl) == TLS1_3_VERSION && core.settings().single_use) {
            erase_session(conn, conn.found->id);
            core.add(counter::deleted_used);
        }
    }
    conn.found.reset();
    conn.asked.clear();
}

}  // namespace tlscache::tls
