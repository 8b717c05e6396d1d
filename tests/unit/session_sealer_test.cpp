#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "client_lib/session/derive.hpp"
#include "client_lib/session/sealer.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;
using tests::fixed_source;

namespace {

constexpr unix_seconds start = 1'700'000'000;

session_record some_record() {
    session_record record;
    record.der.assign(130, 0x5a);
    record.protocol = 0x0303;
    record.cipher = 0xc02f;
    record.extended_master_secret = true;
    record.first_authentication = start - 100;
    record.stored_at = start + 1;
    record.lifetime = 7200;
    return record;
}

bool equal(const session_record& a, const session_record& b) {
    return a.der == b.der && a.protocol == b.protocol && a.cipher == b.cipher &&
           a.extended_master_secret == b.extended_master_secret &&
           a.first_authentication == b.first_authentication && a.stored_at == b.stored_at &&
           a.lifetime == b.lifetime;
}

struct frontend {
    explicit frontend(std::string_view name = "shop", std::uint8_t root = 1)
        : source(name, {3600, 7200}, {root}), seal(name, source) {}
    fixed_source source;
    sealer seal;
};

}  // namespace

TEST_CASE("a record sealed on one frontend opens on another with the same root") {
    frontend a;
    frontend b;
    session_id id;
    REQUIRE(a.seal.make_id(start, id));
    const binding bound{"example.com", {{7}}, "ctx"};
    std::vector<std::uint8_t> sealed;
    REQUIRE(a.seal.seal(id, bound, some_record(), start, sealed));
    const auto opened = b.seal.open(id, bound, sealed, start + 10);
    REQUIRE(opened);
    CHECK(equal(*opened, some_record()));
    CHECK(a.seal.key_of(id, start) == b.seal.key_of(id, start + 10));
}
