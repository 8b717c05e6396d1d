// Order in a handshake: ClientHello callback (perhaps several times, while it is suspended), get
// callback, servername callback, and at the end, TLS 1.2: new, info "done"; TLS 1.3: info "done",
// then generate and new once per ticket. "Done" means that the client's Finished was verified.

#include "client_lib/tls/callbacks.hpp"

#include <openssl/rand.h>

#include "client_lib/tls/finish.hpp"
#include "client_lib/tls/lookup.hpp"
#include "client_lib/tls/resumption.hpp"
#include "client_lib/tls/storing.hpp"

namespace tlscache::tls {

namespace {

// The info callback is put on the connection for one handshake, and takes whatever the
// application has set, on the connection or on the context that it was switched to, along.
void on_info(const SSL* ssl, int where, int result) noexcept {
    connection* conn = connection::of(ssl);
    void (*application)(const SSL*, int, int) = conn == nullptr ? nullptr : conn->application_info;
    if (application == nullptr) {
        application = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
    }
    if (conn != nullptr && (where & SSL_CB_HANDSHAKE_DONE) != 0 && conn->began && !conn->finished) {
        try {
            // OpenSSL hands out its own object as const.
            finish_handshake(*conn, const_cast<SSL*>(ssl));
        } catch (const std::exception& e) {
            conn->core().log(e.what());
        }
    }
    if (application != nullptr) {
        application(ssl, where, result);
    }
}

void watch_end(connection& conn, SSL* ssl) {
    if (const auto before = SSL_get_info_callback(ssl); before != on_info) {
        conn.application_info = before;
        SSL_set_info_callback(ssl, on_info);
    }
}

progress look_up(SSL* ssl, attachment::impl& attached) noexcept {
    try {
        connection* conn = connection::of(ssl);
        if (conn == nullptr) {
            conn = connection::make(ssl, attachment::impl::of(attached.context()));
        }
        if (conn == nullptr) {
            return progress::ready;
        }
        watch_end(*conn, ssl);
        return begin_lookup(*conn, ssl);
    } catch (const std::exception& e) {
        attached.core().log(e.what());
        return progress::ready;
    }
}

}  // namespace

int on_client_hello(SSL* ssl, int* alert, void* argument) noexcept {
    auto& attached = *static_cast<attachment::impl*>(argument);
    if (look_up(ssl, attached) == progress::waiting) {
        return SSL_CLIENT_HELLO_RETRY;
    }
    const attach_options& options = attached.options();
    return options.client_hello == nullptr
               ? SSL_CLIENT_HELLO_SUCCESS
               : options.client_hello(ssl, alert, options.client_hello_argument);
}

int on_generate_id(SSL* ssl, unsigned char* id, unsigned* id_size) noexcept {
    try {
        connection* conn = connection::of(ssl);
        if (conn != nullptr && make_session_id(*conn, ssl, id, *id_size)) {
            return 1;
        }
    } catch (const std::exception&) {
        // As without a key: an ID that nobody will find.
    }
    return RAND_bytes(id, static_cast<int>(*id_size)) == 1;
}

int on_generate_ticket(SSL* ssl, void*) noexcept {
    // A servername callback that copies its context's options has cleared it by now.
    if (connection::of(ssl) != nullptr) {
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
    }
    return 1;
}

int on_new_session(SSL* ssl, SSL_SESSION* made) noexcept {
    if (SSL_is_server(ssl) != 1) {
        const auto attached = attachment::impl::of(SSL_get_SSL_CTX(ssl));
        const auto application = attached ? attached->application_new_callback() : nullptr;
        return application == nullptr ? 0 : application(ssl, made);
    }
    connection* conn = connection::of(ssl);
    if (conn == nullptr) {
        return 0;
    }
    try {
        store_session(*conn, ssl, made);
    } catch (const std::exception& e) {
        conn->core().add(counter::not_stored_other);
        conn->core().log(e.what());
    }
    return 0;  // no reference kept
}

SSL_SESSION* on_get_session(SSL* ssl, const unsigned char* id, int id_size, int* copy) noexcept {
    *copy = 0;  // what is returned is OpenSSL's: an object of this handshake alone
    connection* conn = connection::of(ssl);
    if (conn == nullptr || id_size < 0) {
        return nullptr;
    }
    try {
        return hand_over_session(*conn, ssl, {id, static_cast<std::size_t>(id_size)});
    } catch (const std::exception& e) {
        conn->core().log(e.what());
        return nullptr;
    }
}

void on_remove_session(SSL_CTX*, SSL_SESSION*) noexcept {}

}  // namespace tlscache::tls
