// RFC 5077 3.4, RFC 8446 appendix D.4: clients send IDs that no server of ours made. They must
// cost no lookup.

#include <algorithm>
#include <set>

#include "client_lib/session/ids.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;
using tests::frontend;

namespace {

constexpr unix_seconds now = 1'700'000'000;

}  // namespace

TEST_CASE("random IDs are never looked up") {
    const frontend here;
    auto random = tests::seeded_generator();
    session_id id;
    for (int i = 0; i < 100'000; ++i) {
        tests::fill_random(random, id.bytes);
        REQUIRE_FALSE(here.accepts(id, now));
    }
    CHECK(here.accepts(here.make_id(now), now));
}

TEST_CASE("IDs that differ a little from a good one are never looked up") {
    const frontend here;
    auto random = tests::seeded_generator();
    for (int i = 0; i < 1'000; ++i) {
        const session_id good = here.make_id(now);
        REQUIRE(here.accepts(good, now));
        // A stranger who saw the key id and the time and guesses the rest.
        for (int guess = 0; guess < 99; ++guess) {
            session_id id = good;
            for (std::size_t at = id_random_offset; at < id.bytes.size(); ++at) {
                id.bytes[at] = static_cast<std::uint8_t>(random());
            }
            REQUIRE_FALSE(here.accepts(id, now));
        }
        session_id id = good;
        std::uint8_t& byte = id.bytes[random() % id.bytes.size()];
        byte = static_cast<std::uint8_t>(byte ^ (1u << random() % 8));
        REQUIRE_FALSE(here.accepts(id, now));
    }
}

TEST_CASE("an ID with any one bit changed is never looked up") {
    const frontend here;
    const session_id good = here.make_id(now);
    for (std::size_t bit = 0; bit < 256; ++bit) {
        session_id id = good;
        id.bytes[bit / 8] = static_cast<std::uint8_t>(id.bytes[bit / 8] ^ (1u << bit % 8));
        CHECK_FALSE(here.accepts(id, now));
    }
    CHECK(here.accepts(good, now));
}

TEST_CASE("IDs of other namespaces and clusters are never looked up") {
    const frontend here;
    CHECK_FALSE(here.accepts(frontend("other").make_id(now), now));
    CHECK_FALSE(here.accepts(frontend("shop", {2}).make_id(now), now));
    CHECK_FALSE(here.accepts(frontend("shop", {1}, {1800, 7200}).make_id(now), now));
    CHECK(here.accepts(frontend("shop", {1}, {3600, 3600}).make_id(now), now));
}

TEST_CASE("IDs are all different, tell their time, and say nothing of the cache key") {
    const frontend here;
    std::set<std::array<std::uint8_t, 16>> randoms;
    std::set<std::array<std::uint8_t, 18>> keys;
    for (int i = 0; i < 10'000; ++i) {
        const session_id id = here.make_id(now + i % 100);
        CHECK(id_time(id) == now + i % 100);
        std::array<std::uint8_t, 16> part;
        std::copy_n(id.bytes.begin() + id_random_offset, 16, part.begin());
        randoms.insert(part);
        const auto key = here.sealer.key_of(id, now);
        REQUIRE(key);
        keys.insert(key->bytes);
        CHECK(std::search(key->bytes.begin(), key->bytes.end(), part.begin(), part.begin() + 4) ==
              key->bytes.end());
    }
    CHECK(randoms.size() == 10'000);
    CHECK(keys.size() == 10'000);
}

TEST_CASE("cache keys begin with the namespace's tag") {
    const frontend here;
    const auto key = here.sealer.key_of(here.make_id(now), now);
    REQUIRE(key);
    CHECK(std::ranges::equal(std::span(key->bytes).first(2), here.sealer.tag().bytes));
    CHECK(here.sealer.tag() == tag_of_namespace("shop"));
    CHECK(here.sealer.tag() != tag_of_namespace("other").value());
}
