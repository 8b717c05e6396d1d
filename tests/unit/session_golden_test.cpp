// A change of any format must be meant: records that a cluster holds would no longer open, and
// record_version has to change with it.

#include <algorithm>
#include <fstream>
#include <map>

#include "client_lib/session/codec.hpp"
#include "client_lib/session/ids.hpp"
#include "client_lib/session/key_contexts.hpp"
#include "client_lib/session/record.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;

namespace {

using bytes = std::vector<std::uint8_t>;

class vectors {
  public:
    vectors() {
        std::ifstream in(TLSCACHE_SOURCE_DIR "/tests/golden/session.txt");
        for (std::string line; std::getline(in, line);) {
            const std::size_t equals = line.find(" = ");
            if (line.empty() || line[0] == '#') {
                continue;
            }
            REQUIRE(equals != std::string::npos);
            values_[line.substr(0, equals)] = line.substr(equals + 3);
        }
    }
    const std::string& text(const std::string& name) const {
        REQUIRE_MESSAGE(values_.count(name) == 1, name);
        return values_.at(name);
    }
    std::int64_t number(const std::string& name) const { return std::stoll(text(name)); }
    bytes hex(const std::string& name) const {
        bytes out;
        for (std::size_t at = 0; at < text(name).size(); at += 2) {
            out.push_back(
                static_cast<std::uint8_t>(std::stoul(text(name).substr(at, 2), nullptr, 16)));
        }
        return out;
    }
    std::string string(const std::string& name) const {
        const bytes from = hex(name);
        return {from.begin(), from.end()};
    }
    template <class Array>
    Array array(const std::string& name) const {
        const bytes from = hex(name);
        Array out{};
        REQUIRE(from.size() == out.size());
        std::copy(from.begin(), from.end(), out.begin());
        return out;
    }

    session_id id() const { return {array<std::array<std::uint8_t, 32>>("session_id")}; }
    binding bound() const {
        return {string("sni_group"),
                {array<std::array<std::uint8_t, 32>>("policy")},
                string("id_context")};
    }
    key_schedule schedule() const { return {number("period_seconds"), number("lifetime_seconds")}; }
    session_record record() const {
        session_record made;
        const bytes der = hex("der_tls12");
        made.der.assign(der.begin(), der.end());
        made.protocol = 0x0303;
        made.cipher = 0xc02f;
        made.extended_master_secret = true;
        made.first_authentication = number("first_authentication");
        made.stored_at = number("stored_at");
        made.lifetime = number("record_lifetime");
        return made;
    }

  private:
    std::map<std::string, std::string> values_;
};

// The source of the vectors' root.
class vector_source final : public key_source {
  public:
    explicit vector_source(const vectors& from)
        : builder_(from.string("namespace"), from.schedule(),
                   root_list{from.array<root_bytes>("root")}) {}
    std::shared_ptr<const keyring> keys(unix_seconds now) override { return builder_.build(now); }
    void refresh(unix_seconds) override {}

  private:
    ring_builder builder_;
};

bool same(byte_view a, byte_view b) {
    return std::ranges::equal(a, b);
}

}  // namespace

TEST_CASE("golden: keys of a period and the node key") {
    const vectors golden;
    const auto root = golden.array<root_bytes>("root");
    const auto keys = derive_period_keys(root, golden.string("namespace"), golden.schedule(),
                                         golden.number("period"));
    REQUIRE(keys);
    CHECK(same(keys->key_id, golden.hex("key_id")));
    CHECK(same(keys->lookup, golden.hex("lookup_key")));
    CHECK(same(keys->seal, golden.hex("seal_key")));
    CHECK(same(keys->id, golden.hex("id_key")));
    CHECK(same(keys->ticket, golden.hex("ticket_key")));
    CHECK(keys->accept_until == golden.number("accept_until"));
    root_bytes node;
    REQUIRE(derive_node_key(root, node));
    CHECK(same(node, golden.hex("node_key")));
}

TEST_CASE("golden: session ID, cache key, tag and log name") {
    const vectors golden;
    vector_source source(golden);
    const sealer sealer(golden.string("namespace"), source);
    const unix_seconds time = golden.number("time");
    const session_id id = golden.id();
    CHECK(id_time(id) == time);
    CHECK(same(byte_view(id.bytes).first(4), golden.hex("key_id")));
    CHECK(same(byte_view(id.bytes).subspan(id_random_offset, 16), golden.hex("random")));
    const auto key = sealer.key_of(id, time);
    REQUIRE(key);
    CHECK(same(key->bytes, golden.hex("cache_key")));
    CHECK(same(sealer.tag().bytes, golden.hex("namespace_tag")));
    CHECK(sealer.log_name(id, time) == golden.text("log_name"));
}

TEST_CASE("golden: coded sessions") {
    const vectors golden;
    const session_id id = golden.id();
    const binding bound = golden.bound();
    const known_parts known{id, as_bytes(bound.id_context), as_bytes(bound.sni_group)};
    for (const std::string kind : {"tls12", "tls13", "foreign"}) {
        CAPTURE(kind);
        secure_bytes coded;
        encode_session(golden.hex("der_" + kind), known, coded);
        CHECK(same(coded, golden.hex("coded_" + kind)));
        secure_bytes der;
        REQUIRE(decode_session(golden.hex("coded_" + kind), known, der));
        CHECK(same(der, golden.hex("der_" + kind)));
    }
}

TEST_CASE("golden: a sealed record") {
    const vectors golden;
    const session_id id = golden.id();
    const binding bound = golden.bound();
    vector_source source(golden);
    const sealer sealer(golden.string("namespace"), source);
    const unix_seconds time = golden.number("time");

    secure_bytes plain;
    REQUIRE(encode_record(golden.record(), id, bound, plain));
    CHECK(same(plain, golden.hex("record")));
    associated_data associated;
    REQUIRE(associated.build(golden.string("namespace"), id, bound));
    CHECK(same(associated.bytes(), golden.hex("associated_data")));
    const auto nonce = golden.array<gcm_nonce>("nonce");
    bytes sealed(nonce.begin(), nonce.end());
    sealed.resize(nonce.size() + plain.size() + gcm_tag_bytes);
    const auto ring = source.keys(time);
    REQUIRE(key_context().seal(*ring->issuing, nonce, associated.bytes(), plain,
                               sealed.data() + nonce.size()));
    CHECK(same(sealed, golden.hex("sealed")));

    const auto opened = sealer.open(id, bound, golden.hex("sealed"), time);
    REQUIRE(opened);
    CHECK(opened->der == golden.record().der);
    CHECK(opened->protocol == 0x0303);
    CHECK(opened->cipher == 0xc02f);
    CHECK(opened->extended_master_secret);
    CHECK(opened->first_authentication == golden.number("first_authentication"));
    CHECK(opened->stored_at == golden.number("stored_at"));
    CHECK(opened->lifetime == golden.number("record_lifetime"));
}
