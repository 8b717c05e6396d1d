/* Two TLS peers in one process, joined by memory: what a server's and a client's loop would do. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

/* -1 failed, 0 full, 1 resumed. Offers *session and replaces it by the one that it got. */
static inline int handshake(SSL_CTX* server_ctx, SSL_CTX* client_ctx, SSL_SESSION** session) {
    SSL* server = SSL_new(server_ctx);
    SSL* client = SSL_new(client_ctx);
    BIO* server_side = NULL;
    BIO* client_side = NULL;
    int done = 0, resumed = -1;
    char byte = 'x';

    BIO_new_bio_pair(&server_side, 0, &client_side, 0);
    SSL_set_bio(server, server_side, server_side);
    SSL_set_bio(client, client_side, client_side);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (*session != NULL) {
        SSL_set_session(client, *session);
    }
    for (int turn = 0; turn < 20 && !done; ++turn) {
        int client_done = SSL_do_handshake(client) == 1;
        int server_done = SSL_do_handshake(server) == 1;
        done = client_done && server_done;
    }
    /* A byte from the server brings TLS 1.3's tickets along. */
    if (done && SSL_write(server, &byte, 1) == 1 && SSL_read(client, &byte, 1) == 1) {
        resumed = SSL_session_reused(server);
        SSL_SESSION_free(*session);
        *session = SSL_get1_session(client);
    } else {
        ERR_print_errors_fp(stderr);
    }
    SSL_shutdown(client);
    SSL_shutdown(server);
    SSL_free(client);
    SSL_free(server);
    return resumed;
}

static inline SSL_CTX* server_context(const char* certificate, const char* key) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

#endif
