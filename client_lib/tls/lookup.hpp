#pragma once

// begin_lookup: the one way from a ClientHello to a session, for every way of waiting.

#include "client_lib/tls/connection.hpp"

namespace tlscache::tls {

enum class progress : std::uint8_t {
    ready,    // what there is, is there
    waiting,  // an answer is awaited: return SSL_CLIENT_HELLO_RETRY
};

// Inside a ClientHello callback, at its every call: starts the lookup of a new handshake, asks how
// it stands in a suspended one, and keeps what it gave over a HelloRetryRequest.
progress begin_lookup(connection& conn, SSL* ssl);

// What sessions of this connection are sealed to.
session::binding binding_of(const connection& conn, const policy& of);

}  // namespace tlscache::tls
