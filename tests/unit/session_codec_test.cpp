// decode(encode(x)) == x for every x; small for what OpenSSL makes.

#include "client_lib/session/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "tests/unit/session_samples.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;
using tests::sample;
using tests::sample_options;

namespace {

secure_bytes coded(byte_view der, const known_parts& known) {
    secure_bytes out;
    encode_session(der, known, out);
    return out;
}

bool comes_back(byte_view der, const known_parts& known) {
    secure_bytes back;
    return decode_session(coded(der, known), known, back) && std::ranges::equal(back, der);
}

known_parts known_of(const sample& from, std::string_view host_name = "") {
    return {from.id, as_bytes(from.id_context), as_bytes(host_name)};
}

const std::vector<sample>& samples() {
    static const std::vector<sample> made = tests::all_samples();
    return made;
}

// Sizes of DER and code, where the host name is not known to the other side.
std::pair<std::size_t, std::size_t> sizes(const sample_options& options) {
    const sample made = make_sample(options);
    return {made.der.size(), coded(made.der, known_of(made)).size()};
}

}  // namespace

TEST_CASE("every session that OpenSSL makes comes back byte for byte, and is coded, not kept") {
    for (const sample& each : samples()) {
        CAPTURE(each.name);
        for (const std::string_view host : {"", "www.example.com", "other.example.com"}) {
            const known_parts known = known_of(each, host);
            CHECK(comes_back(each.der, known));
            const secure_bytes code = coded(each.der, known);
            CHECK(code[0] != 0);
            CHECK(code.size() + 45 < each.der.size());
        }
    }
}

TEST_CASE("sessions come back for a side that knows another ID and context, only longer") {
    session_id other;
    other.bytes.fill(9);
    for (const sample& each : samples()) {
        const known_parts known{other, as_bytes("another"), {}};
        CHECK(comes_back(each.der, known));
        CHECK(coded(each.der, known).size() > coded(each.der, known_of(each)).size() + 30);
    }
}

TEST_CASE("bare sessions are coded in at most 62 and 65 bytes") {
    sample_options options;
    const auto [der12, coded12] = sizes(options);
    CHECK(der12 >= 118);
    CHECK(coded12 <= 62);
    options.version = 0x0304;
    const auto [der13, coded13] = sizes(options);
    CHECK(der13 >= 120);
    CHECK(coded13 <= 65);
    MESSAGE("1.2 " << der12 << " -> " << coded12 << ", 1.3 " << der13 << " -> " << coded13);
}

TEST_CASE("sessions with SNI, ALPN and a session id context are coded in at most 82 bytes") {
    sample_options options;
    options.sni = "www.example.com";
    options.alpn = "h2";
    options.id_context = std::string(32, 'c');
    for (const int version : {0x0303, 0x0304}) {
        options.version = version;
        const auto [der, code] = sizes(options);
        CHECK(der >= 180);
        CHECK(code <= 82);
        MESSAGE(version << ": " << der << " -> " << code);
    }
}

TEST_CASE("a host name that both sides know costs nothing") {
    sample_options options;
    options.sni = "www.example.com";
    const sample made = make_sample(options);
    const std::size_t unknown = coded(made.der, known_of(made)).size();
    CHECK(coded(made.der, known_of(made, options.sni)).size() == unknown - options.sni.size() - 1);
}

TEST_CASE("any bytes at all come back") {
    auto random = tests::seeded_generator();
    session_id id;
    tests::fill_random(random, id.bytes);
    const known_parts known{id, as_bytes("ctx"), as_bytes("host")};
    CHECK(comes_back({}, known));
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::uint8_t> bytes(random() % 300);
        tests::fill_random(random, bytes);
        if (!bytes.empty() && round % 2 == 0) {
            bytes[0] = 0x30;
        }
        REQUIRE(comes_back(bytes, known));
    }
}

TEST_CASE("sessions with changed, lost and added bytes come back") {
    auto random = tests::seeded_generator();
    std::size_t still_coded = 0;
    for (int round = 0; round < 50'000; ++round) {
        const sample& each = samples()[random() % samples().size()];
        std::vector<std::uint8_t> der = each.der;
        for (std::uint64_t changes = random() % 3 + 1; changes > 0; --changes) {
            const std::size_t at = random() % der.size();
            switch (random() % 4) {
                case 0:
                    der.erase(der.begin() + static_cast<std::ptrdiff_t>(at));
                    break;
                case 1:
                    der.insert(der.begin() + static_cast<std::ptrdiff_t>(at),
                               static_cast<std::uint8_t>(random()));
                    break;
                default:
                    der[at] = static_cast<std::uint8_t>(random());
            }
        }
        REQUIRE(comes_back(der, known_of(each)));
        still_coded += coded(der, known_of(each))[0] != 0 ? 1u : 0u;
    }
    // Else only the plain form was tried.
    CHECK(still_coded > 5'000);
}

TEST_CASE("numbers of every length come back") {
    const sample base = tests::make_sample({});
    // The time is an INTEGER in [1] behind the secret: 97 bytes from the front.
    REQUIRE(base.der[97] == 0xa1);
    const std::vector<std::vector<std::uint8_t>> contents = {
        {0x00},
        {0x7f},
        {0x80},
        {0x00, 0x7f},
        {0x00, 0x80},
        {0xff, 0xff},
        {},
        {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {0x80, 0, 0, 0, 0, 0, 0, 0},
        {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {1, 0, 0, 0, 0, 0, 0, 0, 0},
        {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    for (const auto& content : contents) {
        std::vector<std::uint8_t> der(base.der.begin() + 2, base.der.begin() + 97);
        const auto size = static_cast<std::uint8_t>(content.size());
        const std::uint8_t head[] = {0xa1, static_cast<std::uint8_t>(size + 2), 0x02, size};
        der.insert(der.end(), std::begin(head), std::end(head));
        der.insert(der.end(), content.begin(), content.end());
        der.insert(der.end(), base.der.begin() + 105, base.der.end());
        std::vector<std::uint8_t> front{0x30};
        if (der.size() >= 0x80) {
            front.push_back(0x81);
        }
        front.push_back(static_cast<std::uint8_t>(der.size()));
        der.insert(der.begin(), front.begin(), front.end());
        CHECK(comes_back(der, known_of(base)));
        CHECK(coded(der, known_of(base))[0] != 0);
    }
}

TEST_CASE("a cut, lengthened or foreign code is refused or gives other bytes, and does no harm") {
    sample_options options;
    options.version = 0x0304;
    options.sni = "www.example.com";
    options.alpn = "h2";
    options.id_context = "ctx";
    options.ticket_data = "data";
    options.client_certificate = true;
    const sample each = make_sample(options);
    const known_parts known = known_of(each);
    const secure_bytes code = coded(each.der, known);
    secure_bytes back;
    CHECK_FALSE(decode_session({}, known, back));
    for (std::size_t size = 0; size < code.size(); ++size) {
        const bool taken = decode_session(byte_view(code).first(size), known, back);
        CHECK_FALSE((taken && std::ranges::equal(back, each.der)));
    }
    for (unsigned first = 0; first < 256; ++first) {
        secure_bytes changed = code;
        changed[0] = static_cast<std::uint8_t>(first);
        const bool taken = decode_session(changed, known, back);
        CHECK((taken && std::ranges::equal(back, each.der)) == (first == code[0]));
    }
}

TEST_CASE("the summary tells protocol and cipher of the handshake") {
    std::map<int, int> seen;
    for (const sample& each : samples()) {
        const session_summary told = summarize(each.der);
        CHECK(told.protocol == (each.name.starts_with("1.3") ? 0x0304 : 0x0303));
        CHECK(told.cipher == each.cipher);
        ++seen[told.cipher];
    }
    CHECK(seen.size() >= 5);
    CHECK(summarize(as_bytes("no session")).protocol == 0);
}
