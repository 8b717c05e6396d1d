// One deadline and one request per handshake, whatever the hello offers. The answer is opened here,
// in the thread of the connection; the transport's thread only leaves it.

#include "client_lib/tls/lookup.hpp"

#include <algorithm>

namespace tlscache::tls {

namespace {

int refuse_early_data(SSL*, void*) {
    return 0;
}

// On the connection, never on the SSL_CTX: servers copy a context's options to others, and then no
// ticket is sent. With SSL_OP_NO_TICKET a TLS 1.3 ticket is an ID of 32 bytes, which reaches the
// same callbacks as a session ID of TLS 1.2. The id context differs from the SSL_CTX's, so that
// SSL_set_SSL_CTX does not replace it by that of a virtual host.
void prepare(connection& conn, SSL* ssl, bool have_keys) {
    SSL_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_ANTI_REPLAY);
    const auto& id_context = conn.core().id_context(true);
    SSL_set_session_id_context(ssl, id_context.data(), static_cast<unsigned>(id_context.size()));
    SSL_set_max_early_data(ssl, 0);
    SSL_set_allow_early_data_cb(ssl, refuse_early_data, nullptr);
    if (!have_keys) {
        SSL_set_num_tickets(ssl, 0);  // nobody could find them
    }
}

// The keys of what is worth asking for.
std::vector<session::cache_key> keys_to_ask(connection& conn) {
    std::vector<session::cache_key> keys;
    const auto now = cache::core::now();
    for (const session::session_id& id : conn.hello.offered) {
        if (keys.size() == identities_looked_up_max) {
            break;
        }
        if (const auto key = conn.core().sealer().key_of(id, now)) {
            conn.asked.push_back(id);
            keys.push_back(*key);
        }
    }
    if (keys.empty() && conn.hello.offers_session) {
        conn.core().add(counter::identities_foreign);
    }
    return keys;
}

// A renegotiation is how TLS 1.2 asks for a client's certificate later, so what was agreed before
// is not what it is for. And it comes inside SSL_read, whose callers don't expect a suspension.
bool is_renegotiation(SSL* ssl) {
    char nothing = 0;
    return SSL_get_peer_finished(ssl, &nothing, 0) != 0;
}

void take_answer(connection& conn, SSL* ssl, transport::lookup_result answer) {
    cache::core& core = conn.core();
    switch (answer.outcome) {
        case transport::outcome::miss:
            core.add(counter::misses);
            return;
        case transport::outcome::unavailable:
            core.add(counter::unavailable);
            return;
        case transport::outcome::hit:
            break;
    }
    const auto ring = core.keys();
    if (answer.key_index >= conn.asked.size() || !ring) {
        core.add(counter::refused_unopened);
        return;
    }
    const session::session_id& id = conn.asked[answer.key_index];
    auto record =
        core.sealer().open(id, binding_of(conn, conn.expected), answer.value, cache::core::now());
    if (!record) {
        core.add(counter::refused_unopened);
        return;
    }
    core.add(counter::hits);
    // OpenSSL ends a connection whose hello lacks the session's cipher (RFC 5246 7.4.1.2).
    if (record->protocol != TLS1_3_VERSION && !offers_cipher(ssl, record->cipher)) {
        core.add(counter::refused_cipher);
        return;
    }
    const auto times = times_of(*record, answer, ring->lifetime);
    if (!times) {
        core.add(counter::refused_expired);
        return;
    }
    conn.found.emplace(found_session{id, std::move(*record), *times});
}

progress start(connection& conn, SSL* ssl, std::span<const session::cache_key> keys) {
    cache::core& core = conn.core();
    core.add(counter::lookups);
    if (!conn.may_suspend) {
        core.add(counter::blocked);
        take_answer(conn, ssl, core.nodes().lookup(keys, core.deadline(false)));
        return progress::ready;
    }
    const auto pending = std::make_shared<pending_lookup>();
    conn.handle = core.nodes().begin(
        keys, core.deadline(true),
        [pending](transport::lookup_result answer) { pending->complete(std::move(answer)); });
    if (pending->done()) {
        take_answer(conn, ssl, pending->take_result());
        return progress::ready;
    }
    core.add(counter::suspended);
    conn.pending = pending;
    return progress::waiting;
}

progress start_handshake(connection& conn, SSL* ssl, client_hello&& hello) {
    conn.begin_handshake(std::move(hello));
    conn.renegotiation = is_renegotiation(ssl);
    conn.core().ensure_running();
    const bool have_keys = conn.core().keys() != nullptr;
    prepare(conn, ssl, have_keys);
    if (conn.hello.early_data) {
        conn.core().add(counter::early_data_refused);
    }
    if (!have_keys || !conn.hello.sni_usable) {
        return progress::ready;
    }
    const auto keys = keys_to_ask(conn);
    if (keys.empty()) {
        return progress::ready;
    }
    const bool left_out = !conn.may_suspend && conn.owner->options().unmarked == waiting::miss;
    if (left_out || conn.renegotiation) {
        conn.core().add(counter::not_waited);
        return progress::ready;
    }
    conn.expected = conn.owner->expected_policy(conn.hello.sni);
    return start(conn, ssl, keys);
}

}  // namespace

session::binding binding_of(const connection& conn, const policy& of) {
    session::binding bound;
    bound.id_context = as_text(conn.core().id_context(true));
    if (!conn.owner->options().unsafe_no_binding) {
        bound.sni_group = conn.core().binding_name(conn.hello.sni);
        bound.policy = of.all;
    }
    return bound;
}

progress begin_lookup(connection& conn, SSL* ssl) {
    client_hello hello = read_client_hello(ssl);
    const bool continued = conn.continues(hello);
    if (continued && conn.pending) {
        if (!conn.pending->done()) {
            return progress::waiting;
        }
        const auto pending = std::exchange(conn.pending, nullptr);
        take_answer(conn, ssl, pending->take_result());
        return progress::ready;
    }
    conn.core().add(counter::hellos);
    return continued ? progress::ready : start_handshake(conn, ssl, std::move(hello));
}

}  // namespace tlscache::tls
