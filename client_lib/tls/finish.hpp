#pragma once

// What is due when a handshake is complete.

#include "client_lib/tls/connection.hpp"

namespace tlscache::tls {

// Counts, learns the policy, deletes what may be used once only, and ends a connection that
// resumed past another client authentication.
void finish_handshake(connection& conn, SSL* ssl);

}  // namespace tlscache::tls
