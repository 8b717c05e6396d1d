// The coded form is
//
//      form | shape | cipher 2 | [ID] | secret | [context] | common parts | other parts ...
//
// where form and shape are bits that say what is there; common parts have a fixed order and no
// tags; other parts have a byte each in front that tells tag and kind, and end with the input. A
// session that is not of OpenSSL's form, in the shortest DER, is kept as it is. What was coded is
// decoded again for proof: a mistake here may cost room, never a session.

#include "client_lib/session/codec.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "client_lib/session/ids.hpp"
#include "client_lib/session/session_der.hpp"
#include "client_lib/session/varint.hpp"

namespace tlscache::session {

namespace {

// A part that both sides may know.
enum presence : unsigned { absent = 0, as_known = 1, told = 2 };

// Form byte. Bits 0-1: 0 DER follows, 1 TLS 1.2, 2 TLS 1.3. Bits 2-3: secret of 48 bytes, of 32
// bytes, of a told length. Bit 4: the ID is told. Bits 5-6: presence of the session id context.
constexpr unsigned form_plain = 0;
constexpr unsigned form_tls12 = 1;
constexpr unsigned form_tls13 = 2;
constexpr unsigned form_secret_shift = 2;
constexpr unsigned form_id_told = 1u << 4;
constexpr unsigned form_context_shift = 5;
constexpr unsigned form_unused = 1u << 7;
constexpr std::array<std::size_t, 2> usual_secret_bytes{48, 32};

// Shape byte: which common parts are there. Bits 2-3: presence of the host name.
constexpr unsigned shape_time = 1u << 0;
constexpr unsigned shape_timeout = 1u << 1;
constexpr unsigned shape_host_shift = 2;
constexpr unsigned shape_extended_master_secret = 1u << 4;
constexpr unsigned shape_alpn = 1u << 5;
constexpr unsigned shape_group = 1u << 6;
constexpr unsigned shape_age_add = 1u << 7;

// Above the five bits of an other part's tag.
constexpr unsigned kind_shift = 5;

constexpr std::array<std::string_view, 2> usual_alpn{"h2", "http/1.1"};

struct plan {
    unsigned form = 0;
    unsigned shape = 0;
    std::uint32_t common = 0;  // a bit for each tag that is not among the other parts

    presence context() const { return static_cast<presence>(form >> form_context_shift & 3u); }
    presence host() const { return static_cast<presence>(shape >> shape_host_shift & 3u); }
    unsigned secret() const { return form >> form_secret_shift & 3u; }
    bool has(unsigned bit) const { return (shape & bit) != 0; }
};

presence presence_of(const session_part& part, byte_view known) noexcept {
    if (part.kind != part_kind::octets) {
        return absent;
    }
    return std::ranges::equal(part.bytes, known) ? as_known : told;
}

plan make_plan(const session_parts& session, const known_parts& known) noexcept {
    plan made;
    const auto common = [&](unsigned number, bool fits, unsigned shape) {
        if (fits) {
            made.shape |= shape;
            made.common |= 1u << number;
        }
    };
    const auto& parts = session.parts;
    const auto is = [&](unsigned number, part_kind kind) { return parts[number].kind == kind; };
    const presence context = presence_of(parts[part_id_context], known.id_context);
    const presence host = presence_of(parts[part_host_name], known.host_name);
    unsigned secret = 0;
    while (secret < usual_secret_bytes.size() &&
           session.secret.size() != usual_secret_bytes[secret]) {
        ++secret;
    }
    made.form = (session.protocol == 0x0303 ? form_tls12 : form_tls13) |
                secret << form_secret_shift | unsigned{context} << form_context_shift |
                (std::ranges::equal(session.id, known.id.bytes) ? 0u : form_id_told);
    common(part_id_context, context != absent, 0);
    common(part_host_name, host != absent, unsigned{host} << shape_host_shift);
    common(part_time, is(part_time, part_kind::number), shape_time);
    common(part_timeout, is(part_timeout, part_kind::number), shape_timeout);
    common(part_flags, is(part_flags, part_kind::number) && parts[part_flags].number == 1,
           shape_extended_master_secret);
    common(part_alpn, is(part_alpn, part_kind::octets), shape_alpn);
    common(part_group, is(part_group, part_kind::number), shape_group);
    common(part_age_add,
           is(part_age_add, part_kind::number) && parts[part_age_add].number <= 0xffffffff,
           shape_age_add);
    return made;
}

void append(byte_view data, secure_bytes& out) {
    out.insert(out.end(), data.begin(), data.end());
}

void put_sized(byte_view data, secure_bytes& out) {
    put_varint(data.size(), out);
    append(data, out);
}

// Takes from the front of what is left; a failure is remembered and gives empty values.
class reader {
  public:
    explicit reader(byte_view in) : in_(in) {}

    bool failed() const { return failed_; }
    bool at_end() const { return in_.empty(); }

    byte_view bytes(std::uint64_t count) {
        if (count > in_.size()) {
            failed_ = true;
            in_ = {};
            return {};
        }
        const byte_view taken = in_.first(static_cast<std::size_t>(count));
        in_ = in_.subspan(taken.size());
        return taken;
    }
    std::uint64_t big_endian(std::size_t count) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : bytes(count)) {
            value = value << 8 | byte;
        }
        return value;
    }
    std::uint64_t varint() {
        const auto value = take_varint(in_);
        failed_ |= !value.has_value();
        return value.value_or(0);
    }
    byte_view sized() { return bytes(varint()); }

  private:
    byte_view in_;
    bool failed_ = false;
};

void put_alpn(byte_view alpn, secure_bytes& out) {
    const auto* const usual = std::ranges::find(usual_alpn, as_text(alpn));
    if (usual != usual_alpn.end()) {
        put_varint(static_cast<std::uint64_t>(usual - usual_alpn.begin()), out);
        return;
    }
    put_varint(alpn.size() + usual_alpn.size(), out);
    append(alpn, out);
}

byte_view take_alpn(reader& in) {
    const std::uint64_t coded = in.varint();
    return coded < usual_alpn.size() ? as_bytes(usual_alpn[static_cast<std::size_t>(coded)])
                                     : in.bytes(coded - usual_alpn.size());
}

void put_common(const session_parts& session, const plan& made, const known_parts& known,
                secure_bytes& out) {
    const auto& parts = session.parts;
    if (made.context() == told) {
        put_sized(parts[part_id_context].bytes, out);
    }
    if (made.has(shape_time)) {
        put_varint(zigzag(parts[part_time].number, id_time(known.id)), out);
    }
    if (made.has(shape_timeout)) {
        put_varint(parts[part_timeout].number, out);
    }
    if (made.host() == told) {
        put_sized(parts[part_host_name].bytes, out);
    }
    if (made.has(shape_alpn)) {
        put_alpn(parts[part_alpn].bytes, out);
    }
    if (made.has(shape_group)) {
        put_varint(parts[part_group].number, out);
    }
    if (made.has(shape_age_add)) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            out.push_back(static_cast<std::uint8_t>(parts[part_age_add].number >> shift));
        }
    }
}

session_part number_part(std::uint64_t number) {
    return {part_kind::number, {}, number};
}
session_part octets_part(byte_view bytes) {
    return {part_kind::octets, bytes, 0};
}

void take_common(reader& in, const plan& made, const known_parts& known, session_parts& session) {
    auto& parts = session.parts;
    if (made.context() != absent) {
        parts[part_id_context] =
            octets_part(made.context() == told ? in.sized() : known.id_context);
    }
    if (made.has(shape_time)) {
        parts[part_time] = number_part(unzigzag(in.varint(), id_time(known.id)));
    }
    if (made.has(shape_timeout)) {
        parts[part_timeout] = number_part(in.varint());
    }
    if (made.host() != absent) {
        parts[part_host_name] = octets_part(made.host() == told ? in.sized() : known.host_name);
    }
    if (made.has(shape_extended_master_secret)) {
        parts[part_flags] = number_part(1);
    }
    if (made.has(shape_alpn)) {
        parts[part_alpn] = octets_part(take_alpn(in));
    }
    if (made.has(shape_group)) {
        parts[part_group] = number_part(in.varint());
    }
    if (made.has(shape_age_add)) {
        parts[part_age_add] = number_part(in.big_endian(4));
    }
}

void put_others(const session_parts& session, const plan& made, secure_bytes& out) {
    for (unsigned number = 0; number < parts_max; ++number) {
        const session_part& part = session.parts[number];
        if (part.kind == part_kind::none || (made.common >> number & 1u) != 0) {
            continue;
        }
        out.push_back(static_cast<std::uint8_t>(number | unsigned(part.kind) << kind_shift));
        if (part.kind == part_kind::number) {
            put_varint(part.number, out);
        } else {
            put_sized(part.bytes, out);
        }
    }
}

bool take_others(reader& in, session_parts& session) {
    while (!in.at_end()) {
        const unsigned head = in.bytes(1)[0];
        const unsigned number = head & ((1u << kind_shift) - 1);
        const unsigned kind = head >> kind_shift;
        if (number >= parts_max || kind == unsigned(part_kind::none) ||
            kind > unsigned(part_kind::octets) || session.parts[number].kind != part_kind::none) {
            return false;
        }
        session_part& part = session.parts[number];
        part.kind = static_cast<part_kind>(kind);
        if (part.kind == part_kind::number) {
            part.number = in.varint();
        } else {
            part.bytes = in.sized();
        }
    }
    return !in.failed();
}

void encode_parts(const session_parts& session, const known_parts& known, secure_bytes& out) {
    const plan made = make_plan(session, known);
    out.push_back(static_cast<std::uint8_t>(made.form));
    out.push_back(static_cast<std::uint8_t>(made.shape));
    out.push_back(static_cast<std::uint8_t>(session.cipher >> 8));
    out.push_back(static_cast<std::uint8_t>(session.cipher));
    if ((made.form & form_id_told) != 0) {
        put_sized(session.id, out);
    }
    if (made.secret() == usual_secret_bytes.size()) {
        put_varint(session.secret.size(), out);
    }
    append(session.secret, out);
    put_common(session, made, known, out);
    put_others(session, made, out);
}

bool decode_parts(byte_view coded, const known_parts& known, secure_bytes& der) {
    reader in(coded);
    plan made;
    made.form = static_cast<unsigned>(in.big_endian(1));
    made.shape = static_cast<unsigned>(in.big_endian(1));
    session_parts session;
    session.cipher = static_cast<std::uint16_t>(in.big_endian(2));
    const unsigned protocol = made.form & 3u;
    if ((protocol != form_tls12 && protocol != form_tls13) || (made.form & form_unused) != 0 ||
        made.secret() > usual_secret_bytes.size() || made.context() > told || made.host() > told) {
        return false;
    }
    session.protocol = protocol == form_tls12 ? 0x0303 : 0x0304;
    session.id = (made.form & form_id_told) != 0 ? in.sized() : byte_view(known.id.bytes);
    session.secret = made.secret() < usual_secret_bytes.size()
                         ? in.bytes(usual_secret_bytes[made.secret()])
                         : in.sized();
    take_common(in, made, known, session);
    if (in.failed() || !take_others(in, session)) {
        return false;
    }
    write_session(session, der);
    return true;
}

}  // namespace

void encode_session(byte_view der, const known_parts& known, secure_bytes& out) {
    const std::size_t before = out.size();
    if (const std::optional<session_parts> session = parse_session(der)) {
        out.reserve(before + der.size() + 16);
        encode_parts(*session, known, out);
        secure_bytes proof;
        if (decode_session(byte_view(out).subspan(before), known, proof) &&
            std::ranges::equal(proof, der)) {
            return;
        }
        out.resize(before);
    }
    out.push_back(form_plain);
    append(der, out);
}

bool decode_session(byte_view coded, const known_parts& known, secure_bytes& der) {
    der.clear();
    if (!coded.empty() && coded[0] == form_plain) {
        der.assign(coded.begin() + 1, coded.end());
        return true;
    }
    return decode_parts(coded, known, der);
}

session_summary summarize(byte_view der) noexcept {
    const std::optional<session_parts> session = parse_session(der);
    return session ? session_summary{session->protocol, session->cipher} : session_summary{};
}

}  // namespace tlscache::session
