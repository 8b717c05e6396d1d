#include "client_lib/tls/client_hello.hpp"

#include <doctest/doctest.h>

#include "client_lib/tls/limits.hpp"
#include "client_lib/tls/session_times.hpp"

using namespace tlscache;

namespace {

using bytes = std::vector<std::uint8_t>;

bytes server_name(const std::string& name) {
    bytes out;
    const auto put = [&out](std::size_t number) {
        out.push_back(static_cast<std::uint8_t>(number >> 8));
        out.push_back(static_cast<std::uint8_t>(number));
    };
    put(name.size() + 3);
    out.push_back(0);
    put(name.size());
    out.insert(out.end(), name.begin(), name.end());
    return out;
}

bytes identities(const std::vector<std::size_t>& sizes) {
    bytes list;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        list.push_back(static_cast<std::uint8_t>(sizes[i] >> 8));
        list.push_back(static_cast<std::uint8_t>(sizes[i]));
        list.insert(list.end(), sizes[i], static_cast<std::uint8_t>(i));
        list.insert(list.end(), 4, 0);
    }
    bytes out;
    out.reserve(list.size() + 5);
    out.push_back(static_cast<std::uint8_t>(list.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(list.size()));
    for (const std::uint8_t each : list) {
        out.push_back(each);
    }
    for (const int each : {0, 33, 32}) {
        out.push_back(static_cast<std::uint8_t>(each));
    }
    return out;
}

}  // namespace

TEST_CASE("a server name is lower-cased and nothing else") {
    CHECK(tls::parse_server_name(server_name("WWW.Example.COM")) == "www.example.com");
    CHECK(tls::parse_server_name(server_name("a")) == "a");
    CHECK(tls::parse_server_name(server_name("\xC3\x84.test")) == "\xC3\x84.test");
    CHECK(tls::parse_server_name(server_name(std::string(255, 'x'))) == std::string(255, 'x'));
}

TEST_CASE("a malformed server name is none, wherever it ends") {
    CHECK_FALSE(tls::parse_server_name(server_name("")));
    CHECK_FALSE(tls::parse_server_name(server_name(std::string(256, 'x'))));
    const bytes whole = server_name("a.test");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_FALSE(tls::parse_server_name(byte_view(whole).first(size)));
    }
    bytes longer = whole;
    longer.push_back(0);
    CHECK_FALSE(tls::parse_server_name(longer));
    bytes other_type = whole;
    other_type[2] = 1;
    CHECK_FALSE(tls::parse_server_name(other_type));
}

TEST_CASE("a version is offered only inside the list") {
    CHECK(tls::offers_version(bytes{4, 3, 4, 3, 3}, 0x0304));
    CHECK(tls::offers_version(bytes{6, 0x7a, 0x7a, 3, 3, 3, 4}, 0x0304));
    CHECK_FALSE(tls::offers_version(bytes{2, 3, 3}, 0x0304));
    CHECK_FALSE(tls::offers_version(bytes{2, 3, 3, 3, 4}, 0x0304));
    CHECK_FALSE(tls::offers_version(bytes{9, 3, 4}, 0x0304));
    CHECK_FALSE(tls::offers_version(bytes{3, 0, 3, 4}, 0x0304));
    CHECK_FALSE(tls::offers_version(bytes{}, 0x0304));
}

TEST_CASE("identities of 32 bytes are kept, in order, of the first few only") {
    std::vector<session::session_id> found;
    tls::parse_psk_identities(identities({200, 32, 31, 33, 32, 0}), found);
    REQUIRE(found.size() == 2);
    CHECK(found[0].bytes[0] == 1);
    CHECK(found[1].bytes[0] == 4);

    found.clear();
    tls::parse_psk_identities(identities(std::vector<std::size_t>(900, 32)), found);
    CHECK(found.size() == tls::identities_examined_max);
}

TEST_CASE("a cut list of identities gives those that are whole") {
    const bytes whole = identities({32, 32});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::vector<session::session_id> found;
        tls::parse_psk_identities(byte_view(whole).first(size), found);
        // The list's length is before it, so that a cut one is no list.
        CHECK(found.size() == (size >= 2 + 2 * 38 ? 2 : 0));
    }
    bytes inner = identities({32, 32});
    inner[2 + 38] = 0xff;  // the second identity is longer than the list
    std::vector<session::session_id> found;
    tls::parse_psk_identities(inner, found);
    CHECK(found.size() == 1);
}

TEST_CASE("a session's time is what the node's clock leaves of it") {
    session::session_record record;
    record.lifetime = 100;
    record.stored_at = 1000;
    record.first_authentication = 1000;
    transport::lookup_result answer;

    answer.ttl = 97;
    answer.age = 3;
    auto times = tls::times_of(record, answer, 7200);
    REQUIRE(times);
    CHECK(times->age == 3);
    CHECK(times->remaining == 97);
    CHECK(times->chain_age == 3);

    answer.ttl = 60;  // it was 37 seconds on its way
    times = tls::times_of(record, answer, 7200);
    REQUIRE(times);
    CHECK(times->remaining == 60);
    CHECK(times->chain_age == 40);

    answer.age = -1;  // a node that does not tell the age
    times = tls::times_of(record, answer, 7200);
    REQUIRE(times);
    CHECK(times->age == 40);
    CHECK(times->remaining == 60);

    answer.ttl = 0;
    CHECK_FALSE(tls::times_of(record, answer, 7200));
    answer.ttl = 1;
    CHECK(tls::times_of(record, answer, 7200));
    answer.ttl = -1;
    CHECK_FALSE(tls::times_of(record, answer, 7200));
    answer.ttl = 60;
    answer.age = 100;
    CHECK_FALSE(tls::times_of(record, answer, 7200));
}

TEST_CASE("a chain of renewals ends at the cap on the first authentication") {
    session::session_record record;
    record.lifetime = 7200;
    record.stored_at = 10'000;
    record.first_authentication = 10'000 - 7000;
    transport::lookup_result answer;
    answer.ttl = 7200;
    answer.age = 0;
    auto times = tls::times_of(record, answer, 7200);
    REQUIRE(times);
    CHECK(times->remaining == 200);
    CHECK(times->chain_age == 7000);
    answer.age = 199;
    CHECK(tls::times_of(record, answer, 7200)->remaining == 1);
    answer.age = 200;
    CHECK_FALSE(tls::times_of(record, answer, 7200));

    // An issuer whose clock went back tells nothing that could lengthen a life.
    record.first_authentication = 20'000;
    answer.age = 10;
    CHECK(tls::times_of(record, answer, 7200)->chain_age == 10);
}
