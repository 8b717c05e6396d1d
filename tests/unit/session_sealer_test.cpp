// A sealed record opens for the session, vhost and namespace that it was made for, and for nothing
// else.

#include "client_lib/session/sealer.hpp"

#include <algorithm>
#include <stdexcept>

#include "client_lib/session/ids.hpp"
#include "client_lib/session/limits.hpp"
#include "tests/unit/session_samples.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;
using tests::frontend;

namespace {

constexpr unix_seconds now = 1'700'000'000;
using sealed_bytes = std::vector<std::uint8_t>;

session_record record_of(const tests::sample& from) {
    session_record record;
    record.der.assign(from.der.begin(), from.der.end());
    record.protocol = from.name.starts_with("1.3") ? 0x0304 : 0x0303;
    record.cipher = from.cipher;
    record.extended_master_secret = true;
    record.first_authentication = now - 100;
    record.stored_at = now + 1;
    record.lifetime = 7200;
    return record;
}

bool equal(const session_record& a, const session_record& b) {
    return a.der == b.der && a.protocol == b.protocol && a.cipher == b.cipher &&
           a.extended_master_secret == b.extended_master_secret &&
           a.first_authentication == b.first_authentication && a.stored_at == b.stored_at &&
           a.lifetime == b.lifetime;
}

// A sealed TLS 1.3 session and all that is needed to open it.
struct sealed_session {
    sealed_session() {
        tests::sample_options options;
        options.version = 0x0304;
        options.sni = bound.sni_group;
        options.id_context = bound.id_context;
        record = record_of(make_sample(options));
        REQUIRE(here.sealer.seal(id, bound, record, now, sealed));
    }
    bool opens(const frontend& where, const session_id& by_id, const binding& by) const {
        const auto opened = where.sealer.open(by_id, by, sealed, now);
        CHECK((!opened || equal(*opened, record)));
        return opened.has_value();
    }

    frontend here;
    session_id id = here.make_id(now);
    binding bound{"www.example.com", {{7}}, "context"};
    session_record record;
    sealed_bytes sealed;
};

}  // namespace

TEST_CASE("what one frontend seals, another with the same root opens") {
    const sealed_session session;
    CHECK(session.opens(frontend(), session.id, session.bound));
    CHECK(session.here.sealer.key_of(session.id, now) == frontend().sealer.key_of(session.id, now));
}

TEST_CASE("a record of every field at its ends comes back") {
    const frontend here;
    const session_id id = here.make_id(now);
    constexpr std::int64_t ends[] = {0, 1, -1, INT64_MAX, INT64_MIN, now};
    for (const std::int64_t value : ends) {
        for (const std::size_t size : {0u, 1u, 300u, 60'000u}) {
            session_record record;
            record.der.assign(size, 0x30);
            record.protocol = static_cast<std::uint16_t>(value);
            record.cipher = static_cast<std::uint16_t>(value >> 8);
            record.extended_master_secret = (value & 1) != 0;
            record.first_authentication = value;
            record.stored_at = value / 2;
            record.lifetime = value;
            sealed_bytes sealed;
            REQUIRE(here.sealer.seal(id, {}, record, now, sealed));
            const auto opened = here.sealer.open(id, {}, sealed, now);
            REQUIRE(opened);
            CHECK(equal(*opened, record));
        }
    }
}

TEST_CASE("an ordinary sealed session has at most 93 bytes, one with SNI and ALPN 111") {
    const frontend here;
    for (const int version : {0x0303, 0x0304}) {
        tests::sample_options options;
        options.version = version;
        const auto size = [&](const binding& bound) {
            tests::sample made = make_sample(options);
            const unix_seconds made_at = id_time(made.id);
            const session_id id = here.make_id(made_at);
            // The session carries the ID that the sealer made, as it does in a server.
            const auto at = std::search(made.der.begin(), made.der.end(), made.id.bytes.begin(),
                                        made.id.bytes.end());
            REQUIRE(at != made.der.end());
            std::copy(id.bytes.begin(), id.bytes.end(), at);
            session_record record = record_of(made);
            record.first_authentication = record.stored_at = made_at;
            sealed_bytes sealed;
            REQUIRE(here.sealer.seal(id, bound, record, made_at, sealed));
            return sealed.size();
        };
        const std::size_t bare = size({});
        options.sni = "www.example.com";
        options.alpn = "h2";
        options.id_context = std::string(32, 'c');
        const std::size_t full = size({"=" + options.sni, {}, options.id_context});
        const std::size_t grouped = size({"@group", {}, options.id_context});
        MESSAGE(version << ": bare " << bare << ", full " << full << ", in a group " << grouped);
        CHECK(bare <= 93);
        CHECK(full <= 111);
        CHECK(grouped <= 111);
        CHECK(grouped == full + options.sni.size() + 1);  // a name bound alone is not kept again
    }
}

TEST_CASE("a record with any one bit changed does not open") {
    const sealed_session session;
    for (std::size_t bit = 0; bit < session.sealed.size() * 8; ++bit) {
        sealed_bytes changed = session.sealed;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
        CHECK_FALSE(session.here.sealer.open(session.id, session.bound, changed, now));
    }
    CHECK(session.opens(session.here, session.id, session.bound));
}

TEST_CASE("a record that is cut anywhere, or longer, does not open") {
    const sealed_session session;
    for (std::size_t size = 0; size < session.sealed.size(); ++size) {
        const byte_view cut = byte_view(session.sealed).first(size);
        CHECK_FALSE(session.here.sealer.open(session.id, session.bound, cut, now));
    }
    sealed_bytes longer = session.sealed;
    longer.push_back(0);
    CHECK_FALSE(session.here.sealer.open(session.id, session.bound, longer, now));
    longer.assign(record_bytes_max * 2, 0);
    CHECK_FALSE(session.here.sealer.open(session.id, session.bound, longer, now));
    CHECK(session.opens(session.here, session.id, session.bound));
}

TEST_CASE("a record under another ID, SNI, policy, context or namespace does not open") {
    const sealed_session session;
    const frontend& here = session.here;
    CHECK_FALSE(session.opens(here, here.make_id(now), session.bound));
    for (std::size_t bit = 0; bit < 256; ++bit) {
        session_id id = session.id;
        id.bytes[bit / 8] = static_cast<std::uint8_t>(id.bytes[bit / 8] ^ (1u << bit % 8));
        CHECK_FALSE(session.opens(here, id, session.bound));
    }
    for (const std::string_view name :
         {"", "www.example.co", "www.example.comm", "example.com", "WWW.example.com"}) {
        binding other = session.bound;
        other.sni_group = name;
        CHECK_FALSE(session.opens(here, session.id, other));
    }
    for (std::size_t bit = 0; bit < 256; ++bit) {
        binding other = session.bound;
        auto& byte = other.policy.bytes[bit / 8];
        byte = static_cast<std::uint8_t>(byte ^ (1u << bit % 8));
        CHECK_FALSE(session.opens(here, session.id, other));
    }
    // The same bytes, divided otherwise.
    CHECK_FALSE(session.opens(here, session.id, {"www.example.comc", {{7}}, "ontext"}));
    CHECK_FALSE(session.opens(frontend("shop2"), session.id, session.bound));
    CHECK_FALSE(session.opens(frontend("shop", {2}), session.id, session.bound));
    CHECK(session.opens(here, session.id, session.bound));
}

TEST_CASE("the namespace is bound even if two sealers share a key source") {
    const sealed_session session;
    frontend shared;
    const sealer other("other", shared.source);
    CHECK_FALSE(other.open(session.id, session.bound, session.sealed, now));
    CHECK(shared.sealer.open(session.id, session.bound, session.sealed, now));
}

TEST_CASE("two seals of one record differ in every part and both open") {
    const sealed_session session;
    sealed_bytes again;
    REQUIRE(session.here.sealer.seal(session.id, session.bound, session.record, now, again));
    CHECK(again.size() == session.sealed.size());
    CHECK_FALSE(std::equal(again.begin(), again.begin() + 12, session.sealed.begin()));
    CHECK_FALSE(std::equal(again.end() - 16, again.end(), session.sealed.end() - 16));
    CHECK(session.here.sealer.open(session.id, session.bound, again, now));
}

TEST_CASE("what is too long to be a session or a name is refused when sealing") {
    const frontend here;
    const session_id id = here.make_id(now);
    session_record record;
    sealed_bytes sealed;
    const auto seals = [&](const binding& bound) {
        return here.sealer.seal(id, bound, record, now, sealed);
    };
    CHECK(seals({std::string(sni_group_bytes_max, 'a'), {}, {}}));
    CHECK_FALSE(seals({std::string(sni_group_bytes_max + 1, 'a'), {}, {}}));
    CHECK(seals({{}, {}, std::string(id_context_bytes_max, 'a')}));
    CHECK_FALSE(seals({{}, {}, std::string(id_context_bytes_max + 1, 'a')}));
    record.der.resize(record_bytes_max + 1);
    CHECK_FALSE(seals({}));
}

TEST_CASE("a namespace that is empty or too long is refused at once") {
    tests::fixed_source source("shop", tests::usual_schedule, {1});
    CHECK_THROWS_AS(sealer("", source), std::invalid_argument);
    CHECK_THROWS_AS(sealer(std::string(namespace_bytes_max + 1, 'n'), source),
                    std::invalid_argument);
    CHECK_NOTHROW(sealer(std::string(namespace_bytes_max, 'n'), source));
}

TEST_CASE("without a key nothing is made, named, sealed or opened") {
    tests::fixed_source none("shop", tests::usual_schedule, {});
    const sealer sealer("shop", none);
    const sealed_session session;
    session_id id;
    sealed_bytes out;
    CHECK_FALSE(sealer.make_id(now, id));
    CHECK_FALSE(sealer.key_of(session.id, now));
    CHECK_FALSE(sealer.seal(session.id, session.bound, session.record, now, out));
    CHECK_FALSE(sealer.open(session.id, session.bound, session.sealed, now));
    CHECK(sealer.log_name(session.id, now) == "--------");
}

TEST_CASE("log names are the same on all frontends and are no part of ID or cache key") {
    const frontend here;
    const session_id id = here.make_id(now);
    const std::string name = here.sealer.log_name(id, now);
    CHECK(name.size() == 8);
    CHECK(name == frontend().sealer.log_name(id, now));
    CHECK(name != here.sealer.log_name(here.make_id(now), now));
    const auto contains = [&](byte_view bytes) {
        std::string hex;
        for (const std::uint8_t byte : bytes) {
            hex += "0123456789abcdef"[byte >> 4];
            hex += "0123456789abcdef"[byte & 15];
        }
        return hex.find(name) != std::string::npos;
    };
    CHECK_FALSE(contains(id.bytes));
    CHECK_FALSE(contains(here.sealer.key_of(id, now)->bytes));
    session_id foreign;
    foreign.bytes.fill(3);
    CHECK(here.sealer.log_name(foreign, now).size() == 8);
}
