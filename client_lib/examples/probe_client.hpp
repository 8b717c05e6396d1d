#pragma once

// One TLS client that remembers its last session and offers it to the next frontend, whichever
// that is. Blocking, one thread; every way to fail is a value.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace probe {

enum class outcome { full, resumed, failed };

struct options {
    int version = TLS1_3_VERSION;
    std::string sni;               // "" sends none
    std::string ca_file;           // verifies the server if given
    std::string certificate, key;  // shown if the server asks
    std::string groups;            // "P-384:P-256" provokes a HelloRetryRequest
    bool offer_sessions = true;
    long timeout_ms = 5000;  // per read and write
};

struct report {
    outcome result = outcome::failed;
    std::string page;     // the line the frontend answered with
    std::string failure;  // why it failed, or how the page contradicts the handshake
    bool offered = false;
};

class client {
  public:
    // Throws std::runtime_error if a file can't be used.
    explicit client(const options& settings);

    // Connects, shakes hands, asks for the page, keeps the new session. ADDRESS is host:port.
    report connect(const std::string& address);

  private:
    struct context_free {
        void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
    };
    struct session_free {
        void operator()(SSL_SESSION* s) const { SSL_SESSION_free(s); }
    };

    void talk(SSL* ssl, report& out);

    options settings_;
    std::unique_ptr<SSL_CTX, context_free> context_;
    std::unique_ptr<SSL_SESSION, session_free> session_;
};

}  // namespace probe
