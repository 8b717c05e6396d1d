// A record is smaller than what it tells: times are distances to the time in the ID, and what
// the coded session tells itself is not told again.

#include "client_lib/session/record.hpp"

#include <cstring>

#include "client_lib/session/codec.hpp"
#include "client_lib/session/ids.hpp"
#include "client_lib/session/limits.hpp"
#include "client_lib/session/varint.hpp"

namespace tlscache::session {

namespace {

// Bits of the first byte.
constexpr std::uint8_t flag_extended_master_secret = 1;
constexpr std::uint8_t flag_summary_elsewhere = 2;  // protocol and cipher are told by the session
constexpr std::uint8_t flags_known = 3;

// All of it is in the associated data. A name that is bound alone is the session's own.
known_parts known(const session_id& id, const binding& bound) {
    std::string_view name = bound.sni_group;
    if (name.starts_with('=')) {
        name.remove_prefix(1);
    }
    return {id, as_bytes(bound.id_context), as_bytes(name)};
}

std::uint64_t number(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

}  // namespace

bool encode_record(const session_record& record, const session_id& id, const binding& bound,
                   secure_bytes& out) {
    out.clear();
    out.reserve(record.der.size() + 32);
    const session_summary told = summarize(record.der);
    const bool elsewhere = told.protocol == record.protocol && told.cipher == record.cipher;
    const unsigned flags = (record.extended_master_secret ? flag_extended_master_secret : 0u) |
                           (elsewhere ? flag_summary_elsewhere : 0u);
    out.push_back(static_cast<std::uint8_t>(flags));
    if (!elsewhere) {
        for (const unsigned value : {unsigned{record.protocol}, unsigned{record.cipher}}) {
            out.push_back(static_cast<std::uint8_t>(value >> 8));
            out.push_back(static_cast<std::uint8_t>(value));
        }
    }
    put_varint(zigzag(number(record.stored_at), id_time(id)), out);
    put_varint(zigzag(number(record.first_authentication), number(record.stored_at)), out);
    put_varint(number(record.lifetime), out);
    encode_session(record.der, known(id, bound), out);
    return out.size() <= record_bytes_max;
}

std::optional<session_record> decode_record(byte_view plain, const session_id& id,
                                            const binding& bound) {
    if (plain.empty() || (plain[0] & ~flags_known) != 0) {
        return std::nullopt;
    }
    const std::uint8_t flags = plain[0];
    const bool elsewhere = (flags & flag_summary_elsewhere) != 0;
    plain = plain.subspan(1);
    session_record record;
    record.extended_master_secret = (flags & flag_extended_master_secret) != 0;
    if (!elsewhere) {
        if (plain.size() < 4) {
            return std::nullopt;
        }
        record.protocol = static_cast<std::uint16_t>(plain[0] << 8 | plain[1]);
        record.cipher = static_cast<std::uint16_t>(plain[2] << 8 | plain[3]);
        plain = plain.subspan(4);
    }
    const auto stored = take_varint(plain);
    const auto first = stored ? take_varint(plain) : std::nullopt;
    const auto lifetime = first ? take_varint(plain) : std::nullopt;
    if (!lifetime || !decode_session(plain, known(id, bound), record.der)) {
        return std::nullopt;
    }
    const std::uint64_t stored_at = unzigzag(*stored, id_time(id));
    record.stored_at = static_cast<unix_seconds>(stored_at);
    record.first_authentication = static_cast<unix_seconds>(unzigzag(*first, stored_at));
    record.lifetime = static_cast<std::int64_t>(*lifetime);
    if (elsewhere) {
        const session_summary told = summarize(record.der);
        record.protocol = told.protocol;
        record.cipher = told.cipher;
    }
    return record;
}

bool associated_data::add(byte_view part, std::size_t size_max) {
    if (part.size() > size_max || data_.size() - size_ < part.size() + 2) {
        return false;
    }
    data_[size_++] = static_cast<std::uint8_t>(part.size() >> 8);
    data_[size_++] = static_cast<std::uint8_t>(part.size());
    if (!part.empty()) {
        std::memcpy(data_.data() + size_, part.data(), part.size());
    }
    size_ += part.size();
    return true;
}

bool associated_data::build(std::string_view namespace_name, const session_id& id,
                            const binding& bound) {
    static_assert(1 + 5 * 2 + namespace_bytes_max + sizeof(session_id) + sni_group_bytes_max +
                      sizeof(vhost_policy) + id_context_bytes_max <=
                  sizeof(data_));
    size_ = 0;
    data_[size_++] = record_version;
    return add(as_bytes(namespace_name), namespace_bytes_max) && add(id.bytes, id.bytes.size()) &&
           add(as_bytes(bound.sni_group), sni_group_bytes_max) &&
           add(bound.policy.bytes, bound.policy.bytes.size()) &&
           add(as_bytes(bound.id_context), id_context_bytes_max);
}

}  // namespace tlscache::session
