// A tag byte says which form follows; the plain one holds any bytes.

#include "client_lib/session/codec.hpp"

namespace tlscache::session {

namespace {

constexpr std::uint8_t form_plain = 0;

}  // namespace

void encode_session(byte_view der, const session_id&, byte_view, secure_bytes& out) {
    out.push_back(form_plain);
    out.insert(out.end(), der.begin(), der.end());
}

bool decode_session(byte_view coded, const session_id&, byte_view, secure_bytes& der) {
    if (coded.empty() || coded[0] != form_plain) {
        return false;
    }
    der.assign(coded.begin() + 1, coded.end());
    return true;
}

session_summary summarize(byte_view) noexcept {
    return {};
}

}  // namespace tlscache::session
