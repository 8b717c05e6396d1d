/* threads_frontend: a TLS server in C, a thread per connection, lookups wait inside SSL_accept.
 *
 *     threads_frontend CERT KEY CLIENT_TOML PORT_FILE [NAME]
 *
 * Listens on 127.0.0.1 on a port that the kernel chooses and writes it to PORT_FILE. Answers as
 * tls_frontend does: a line that says who served it and whether the session was resumed. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tlscache/tlscache.h"

static const char* frontend_name = "threads";

static void die(const char* what) {
    fprintf(stderr, "threads_frontend: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(2);
}

/* Reads until the end of the request's header; 0 if it does not come. */
static int read_request(SSL* ssl) {
    char request[4096];
    size_t size = 0;
    while (size < sizeof request - 1) {
        const int got = SSL_read(ssl, request + size, (int)(sizeof request - 1 - size));
        if (got <= 0) {
            return 0;
        }
        size += (size_t)got;
        request[size] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) {
            return 1;
        }
    }
    return 0;
}

static void answer(SSL* ssl) {
    const char* sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char body[512];
    char reply[1024];
    const int body_size =
        snprintf(body, sizeof body, "frontend=%s protocol=%s resumed=%s sni=%.255s client=-\n",
                 frontend_name, SSL_get_version(ssl), SSL_session_reused(ssl) ? "yes" : "no",
                 sni == NULL ? "-" : sni);
    const int size = snprintf(reply, sizeof reply,
                              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                              "Connection: close\r\nContent-Length: %d\r\n\r\n%s",
                              body_size, body);
    SSL_write(ssl, reply, size);
    SSL_shutdown(ssl);
}

static void* serve(void* argument) {
    SSL* ssl = argument;
    const int fd = SSL_get_fd(ssl);
    if (SSL_accept(ssl) == 1 && read_request(ssl)) {
        answer(ssl);
    }
    SSL_free(ssl);
    close(fd);
    return NULL;
}

static SSL_CTX* make_context(const char* certificate, const char* key) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        die("cannot use the certificate or its key");
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    return context;
}

static int listen_somewhere(const char* port_file) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr*)&address, size) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr*)&address, &size) != 0) {
        die("cannot listen");
    }
    FILE* file = fopen(port_file, "w");
    if (file == NULL || fprintf(file, "%d\n", ntohs(address.sin_port)) < 0 || fclose(file) != 0) {
        die("cannot write the port file");
    }
    return listener;
}

int main(int argc, char** argv) {
    if (argc < 5) {
        die("usage: threads_frontend CERT KEY CLIENT_TOML PORT_FILE [NAME]");
    }
    frontend_name = argc > 5 ? argv[5] : frontend_name;
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX* context = make_context(argv[1], argv[2]);

    char error[256] = "";
    tlscache_cache* cache = tlscache_open(argv[3], error, sizeof error);
    if (cache == NULL || tlscache_attach(cache, context, NULL, error, sizeof error) == NULL) {
        die(error);
    }
    tlscache_start(cache);

    const int listener = listen_somewhere(argv[4]);
    const struct timeval patience = {.tv_sec = 30};
    const int on = 1; /* ticket and page are two writes; neither waits for a delayed ACK */
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            poll(NULL, 0, 50); /* out of descriptors: connections end meanwhile */
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        SSL* ssl = SSL_new(context);
        pthread_t thread;
        if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
            pthread_create(&thread, NULL, serve, ssl) != 0) {
            SSL_free(ssl);
            close(fd);
            continue;
        }
        pthread_detach(thread);
    }
}
