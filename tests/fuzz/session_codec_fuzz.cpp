// The codec with any bytes as a session, and with any bytes as a coded session.

#include <cstdlib>

#include "client_lib/session/codec.hpp"

using namespace tlscache;
using namespace tlscache::session;

namespace {

void check(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void comes_back(byte_view der, const known_parts& known) {
    secure_bytes coded;
    secure_bytes back;
    encode_session(der, known, coded);
    check(coded.size() <= der.size() + 1);
    check(decode_session(coded, known, back));
    check(std::equal(back.begin(), back.end(), der.begin(), der.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const byte_view input(data, size);
    session_id id;
    std::copy_n(input.begin(), std::min(size, id.bytes.size()), id.bytes.begin());
    const known_parts known{id, as_bytes("context"), as_bytes("www.example.com")};
    comes_back(input, known);
    (void)summarize(input);
    secure_bytes der;
    if (decode_session(input, known, der)) {
        // Bounded by the input, and itself a session that comes back.
        check(der.size() <= size + 512);
        comes_back(der, known);
    }
    return 0;
}
