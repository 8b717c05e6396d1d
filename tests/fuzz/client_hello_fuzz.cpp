// Any bytes as the extensions of a ClientHello that the library reads by itself: what comes out is
// within the limits, and names are what the seal can bind.

#include <algorithm>
#include <cstdlib>

#include "client_lib/tls/client_hello.hpp"
#include "client_lib/tls/limits.hpp"

using namespace tlscache;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const byte_view extension(data, size);
    const auto name = tls::parse_server_name(extension);
    bool good = !name || (!name->empty() && name->size() <= tls::sni_bytes_max &&
                          std::none_of(name->begin(), name->end(),
                                       [](char c) { return c >= 'A' && c <= 'Z'; }));
    std::vector<session::session_id> ids;
    tls::parse_psk_identities(extension, ids);
    good = good && ids.size() <= tls::identities_examined_max &&
           ids.size() * sizeof(session::session_id) <= size;
    // A length and one version are three bytes.
    good = good && !(size < 3 && tls::offers_version(extension, 0x0304));
    if (!good) {
        std::abort();
    }
    return 0;
}
