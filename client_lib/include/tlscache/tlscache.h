#ifndef TLSCACHE_TLSCACHE_H
#define TLSCACHE_TLSCACHE_H

/* libtlscache for C. cache.hpp beside it says what each call does, which threads may call it and
 * what the options mean; here is only what differs: errors are NULL or 0 with a sentence in
 * `error` (cut to its size, always terminated; may be NULL), nothing throws. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

typedef struct tlscache_cache tlscache_cache;
typedef struct tlscache_attachment tlscache_attachment;

/* One line without any secret, not terminated by a newline; from any thread; must not block. */
typedef void (*tlscache_log_function)(const char* line, void* argument);

/* Zeroed, then `size` set to its sizeof: so that fields can be added. Strings are copied. */
typedef struct tlscache_config {
    size_t size;
    const char* namespace_name; /* mandatory */
    const char* ring;           /* file; or else: */
    const char* node;           /* the address of a single node */
    const char* key_file;
    unsigned deadline_ms; /* 0: the default of the way of waiting */
    unsigned replicas;    /* 0: 1 */
    unsigned tickets;     /* 0: 1 */
    int keep_used;        /* 1: single_use = false */
    int allow_no_ems;
} tlscache_config;

/* PATH of a TOML file, or NULL for $TLSCACHE_CONFIG, else /etc/tlscache/client.toml. */
tlscache_cache* tlscache_open(const char* path, char* error, size_t error_size);
tlscache_cache* tlscache_open_config(const tlscache_config* config, char* error, size_t error_size);

/* Attachments and connections made with it stay usable. NULL is allowed. */
void tlscache_close(tlscache_cache* cache);

/* Where log lines go from now on; NULL: to stderr, as from the start. */
void tlscache_set_log(tlscache_cache* cache, tlscache_log_function log, void* argument);

void tlscache_start(tlscache_cache* cache);

enum tlscache_waiting { TLSCACHE_WAIT_BLOCK = 0, TLSCACHE_WAIT_MISS = 1 };

/* Zeroed, then `size` set. */
typedef struct tlscache_attach_options {
    size_t size;
    int (*client_hello)(SSL* ssl, int* alert, void* argument);
    void* client_hello_argument;
    SSL_CTX* (*resolver)(const char* sni, void* argument); /* sni "" for none */
    void* resolver_argument;
    int waiting; /* enum tlscache_waiting, for connections that are not marked */
    uint32_t policy_epoch;
} tlscache_attach_options;

/* OPTIONS may be NULL. */
tlscache_attachment* tlscache_attach(tlscache_cache* cache, SSL_CTX* context,
                                     const tlscache_attach_options* options, char* error,
                                     size_t error_size);
const char* tlscache_attachment_report(const tlscache_attachment* attachment);
void tlscache_detach(tlscache_attachment* attachment); /* NULL is allowed */

/* Suspending; 1 yes, 0 no. `wake` is called once, maybe from another thread, maybe at once. */
int tlscache_allow_suspend(SSL* ssl);
void tlscache_on_answer(SSL* ssl, void (*wake)(void* argument), void* argument);
void tlscache_abandon(SSL* ssl);

/* Log-out; 1 queued, 0 not a connection of the cache. */
int tlscache_forget(SSL* ssl);

/* Lines of "NAME VALUE\n". Returns the length that all of it has, as snprintf does. */
size_t tlscache_counters(const tlscache_cache* cache, char* text, size_t text_size);

#ifdef __cplusplus
}
#endif

#endif
