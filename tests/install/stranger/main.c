/* A stranger's program in C: two server contexts with a cache each, as two frontends have; a
 * session made on one resumes on the other, through the node.
 *
 * usage: stranger_c CERTIFICATE KEY NODE KEY_FILE      prints "resumed" or why not */
#include <stdio.h>
#include <time.h>
#include <tlscache/tlscache.h>

#include "handshake.h"

static tlscache_cache* open_cache(const char* node, const char* key_file) {
    char error[256];
    tlscache_config config = {0};
    config.size = sizeof(config);
    config.namespace_name = "stranger";
    config.node = node;
    config.key_file = key_file;
    config.deadline_ms = 1000;
    tlscache_cache* cache = tlscache_open_config(&config, error, sizeof(error));
    if (cache == NULL) {
        fprintf(stderr, "%s\n", error);
    }
    return cache;
}

int main(int argc, char** argv) {
    if (argc != 5) {
        return 2;
    }
    SSL_CTX* contexts[2];
    tlscache_cache* caches[2];
    tlscache_attachment* attached[2];
    for (int i = 0; i < 2; ++i) {
        char error[256] = "";
        contexts[i] = server_context(argv[1], argv[2]);
        caches[i] = open_cache(argv[3], argv[4]);
        if (contexts[i] == NULL || caches[i] == NULL) {
            return 1;
        }
        attached[i] = tlscache_attach(caches[i], contexts[i], NULL, error, sizeof(error));
        if (attached[i] == NULL) {
            fprintf(stderr, "%s\n", error);
            return 1;
        }
    }

    SSL_CTX* client = SSL_CTX_new(TLS_client_method());
    SSL_SESSION* session = NULL;
    const time_t deadline =
        time(NULL) + 10; /* connections to the node are made behind the scenes */
    int outcome = 0;
    for (int i = 0; outcome == 0 && time(NULL) < deadline; i = !i) {
        outcome = handshake(contexts[i], client, &session);
    }
    printf("%s\n", outcome == 1 ? "resumed" : outcome == 0 ? "not resumed" : "failed");

    SSL_SESSION_free(session);
    SSL_CTX_free(client);
    for (int i = 0; i < 2; ++i) {
        tlscache_detach(attached[i]);
        tlscache_close(caches[i]);
        SSL_CTX_free(contexts[i]);
    }
    return outcome == 1 ? 0 : 1;
}
