#pragma once

// From a session that OpenSSL made to a store that is queued.

#include "client_lib/tls/connection.hpp"

namespace tlscache::tls {

// A fresh ID that proves itself. False: no key, or a size that OpenSSL never asks for.
bool make_session_id(connection& conn, SSL* ssl, unsigned char* id, unsigned size);

// Seals and queues it, or counts why not. Never waits.
void store_session(connection& conn, SSL* ssl, SSL_SESSION* made);

// Queues the deletion of an ID; for forget() and after a single use.
void erase_session(connection& conn, const session::session_id& id);

}  // namespace tlscache::tls
