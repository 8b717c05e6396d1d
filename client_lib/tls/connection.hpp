#pragma once

// What the library knows of one SSL; its ex_data. Used by the thread that uses the SSL.

#include <openssl/ssl.h>

#include <chrono>
#include <optional>
#include <vector>

#include "client_lib/tls/attachment.hpp"
#include "client_lib/tls/client_hello.hpp"
#include "client_lib/tls/pending_lookup.hpp"
#include "client_lib/tls/session_times.hpp"

namespace tlscache::tls {

// A session that a node had and that could be opened.
struct found_session {
    session::session_id id;
    session::session_record record;
    session_times times;
};

struct connection {
    explicit connection(std::shared_ptr<attachment::impl> attached) : owner(std::move(attached)) {}
    ~connection() { abandon(); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // nullptr: none, and none can be made.
    static connection* of(const SSL* ssl) noexcept;
    static connection* make(SSL* ssl, std::shared_ptr<attachment::impl> owner);

    cache::core& core() const noexcept { return owner->core(); }

    // The hello is the one that is being worked on, or the second one of the same handshake. RFC
    // 8446 4.1.2 lets a HelloRetryRequest change no name, but OpenSSL takes one that did.
    bool continues(const client_hello& next) const;

    void begin_handshake(client_hello&& fresh);

    void abandon();

    const std::shared_ptr<attachment::impl> owner;
    bool may_suspend = false;

    // The running handshake.
    bool began = false;
    bool finished = false;
    bool renegotiation = false;  // of TLS 1.2: neither looked up nor stored
    client_hello hello;
    policy expected;
    std::vector<session::session_id> asked;   // at most identities_looked_up_max
    std::shared_ptr<pending_lookup> pending;  // until its answer was taken
    transport::lookup_handle handle;
    std::optional<found_session> found;
    bool handed_over = false;  // to OpenSSL, which may still decline it
    bool judged = false;       // a refusal was counted
    void (*application_info)(const SSL*, int, int) = nullptr;

    // For forget() and for renewals; kept as long as the SSL.
    std::optional<session::session_id> resumed;
    std::int64_t chain_age = 0;  // of the resumed session, when it was resumed
    std::chrono::steady_clock::time_point finished_at;
    std::vector<session::session_id> issued;
    bool forgotten = false;
};

}  // namespace tlscache::tls
