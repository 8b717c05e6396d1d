#pragma once

// What OpenSSL calls. Each finds its connection, decides, and lets nothing throw through OpenSSL.

#include <openssl/ssl.h>

namespace tlscache::tls {

// The argument is the attachment::impl.
int on_client_hello(SSL* ssl, int* alert, void* argument) noexcept;

int on_generate_id(SSL* ssl, unsigned char* id, unsigned* id_size) noexcept;
int on_generate_ticket(SSL* ssl, void* argument) noexcept;
int on_new_session(SSL* ssl, SSL_SESSION* made) noexcept;
SSL_SESSION* on_get_session(SSL* ssl, const unsigned char* id, int id_size, int* copy) noexcept;

// Deletes nothing: an onlooker who repeats a ClientHello and then sends rubbish makes OpenSSL call
// this for the victim's session.
void on_remove_session(SSL_CTX* context, SSL_SESSION* removed) noexcept;

}  // namespace tlscache::tls
