// The same in C++. usage: stranger_cxx CERTIFICATE KEY NODE KEY_FILE
#include <chrono>
#include <cstdio>
#include <tlscache/cache.hpp>

#include "handshake.h"

int main(int argc, char** argv) {
    if (argc != 5) {
        return 2;
    }
    tlscache::config config;
    config.namespace_name = "stranger";
    config.nodes = {{"a", argv[3]}};
    config.key_file = argv[4];
    config.deadline_ms = 1000;

    SSL_CTX* contexts[2] = {server_context(argv[1], argv[2]), server_context(argv[1], argv[2])};
    tlscache::cache first(config), second(config);
    const tlscache::attachment first_attached = first.attach(contexts[0]);
    const tlscache::attachment second_attached = second.attach(contexts[1]);

    SSL_CTX* client = SSL_CTX_new(TLS_client_method());
    SSL_SESSION* session = nullptr;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    int outcome = 0;
    for (int i = 0; outcome == 0 && std::chrono::steady_clock::now() < deadline; i = 1 - i) {
        outcome = handshake(contexts[i], client, &session);
    }
    std::printf("%s\n", outcome == 1 ? "resumed" : outcome == 0 ? "not resumed" : "failed");

    SSL_SESSION_free(session);
    SSL_CTX_free(client);
    SSL_CTX_free(contexts[0]);
    SSL_CTX_free(contexts[1]);
    return outcome == 1 ? 0 : 1;
}
