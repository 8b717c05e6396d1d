#pragma once

// From the record that was found to the SSL_SESSION that OpenSSL may resume.

#include "client_lib/tls/connection.hpp"

namespace tlscache::tls {

// nullptr: OpenSSL goes on with a full handshake. Called twice in a handshake with a
// HelloRetryRequest, with the same answer.
SSL_SESSION* hand_over_session(connection& conn, SSL* ssl, byte_view id);

}  // namespace tlscache::tls
