#pragma once

// Real sessions: handshakes of OpenSSL with itself over memory, one for each combination of what
// a session can hold.

#include <cstdint>
#include <string>
#include <vector>

#include "client_lib/session/types.hpp"

namespace tlscache::tests {

struct sample_options {
    int version = 0x0303;
    std::string cipher;  // empty: OpenSSL's choice
    std::string sni;
    std::string alpn;
    std::string id_context;
    std::string ticket_data;
    bool client_certificate = false;
    bool extended_master_secret = true;
    std::uint32_t max_early_data = 0;
};

struct sample {
    std::string name;
    session::session_id id;  // made for the handshake; its time is that of the handshake
    std::string id_context;
    std::vector<std::uint8_t> der;
    std::uint16_t cipher = 0;
};

sample make_sample(const sample_options& options);

// All combinations of the options, for TLS 1.2 and 1.3.
std::vector<sample> all_samples();

}  // namespace tlscache::tests
