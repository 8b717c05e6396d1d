// Any bytes as a ring file: either a refusal that names file and line, or a ring whose keys all
// have an owner.

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "client_lib/transport/ring.hpp"
#include "client_lib/wire/bytes.hpp"

using namespace tlscache;

namespace {

bool owns_every_key(const transport::ring& parsed) {
    session::cache_key key;
    for (std::uint8_t i = 0; i < 8; ++i) {
        key.bytes[2] = i;
        const transport::placement placed = parsed.place(key, 2);
        const std::size_t expected = std::min<std::size_t>(2, parsed.nodes().size());
        if (placed.size != expected || placed.nodes[0] >= parsed.nodes().size()) {
            return false;
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    bool good = false;
    try {
        good = owns_every_key(transport::ring::parse(as_text(byte_view(data, size)), "ring"));
    } catch (const std::invalid_argument& refused) {
        const std::string text = refused.what();
        good = text.starts_with("ring:") && text.find('\n') == std::string::npos;
    }
    if (!good) {
        std::abort();
    }
    return 0;
}
