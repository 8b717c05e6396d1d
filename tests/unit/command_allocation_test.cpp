#include <doctest/doctest.h>

#include <string>

#include "client_lib/wire/reply_parser.hpp"
#include "client_lib/wire/request_encoder.hpp"
#include "tests/support/allocation_count.hpp"
#include "tests/support/command_fixture.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

// A connection as the net side keeps it: buffers that stay.
struct warm_connection {
    void run(const std::string& requests) {
        input.append(requests);
        last = executor.run(state, {input.data(), input.size()}, output, served.now);
        input.consume(last.consumed);
    }

    node served;
    command::executor executor{served.entries, served.view, served.counted, any_output};
    command::connection_state state;
    wire::buffer input;
    wire::buffer output;
    command::progress last;
};

}  // namespace

TEST_CASE("the count of allocations sees one") {
    const allocation_count counted;
    const std::string text(100, 'x');
    CHECK(counted.so_far() == (allocation_count::possible() ? 1 : 0));
    CHECK(text.size() == 100);
}

// All but append, prepend and numbers that get shorter: those make a new value of the old one.
TEST_CASE("a warm connection is served without an allocation") {
    const std::string batch =
        "set a 1 60 3\r\nabc\r\nget a b a\r\ngets a\r\nadd a 0 0 1\r\nx\r\nreplace a 0 60 "
        "3\r\nxyz\r\n"
        "cas a 0 0 1 1\r\nx\r\ntouch a 9\r\n"
        "gat 60 a\r\nset n 0 60 2\r\n41\r\nincr n 1\r\ndecr n 1\r\ndelete n\r\ndelete n\r\n"
        "ms a 3 T60 c\r\nabc\r\nmg a v t f s k O1\r\nmg Zm9v b v\r\nma c N60 J1 v\r\nmd c q\r\nme "
        "a\r\n"
        "mn\r\nts AAECAwQFBgcICQoLDA0ODxAR 5 T60 h0123456789abcdef\r\nhello\r\n"
        "tg AAECAwQFBgcICQoLDA0ODxAR\r\ntg AAAAAAAAAAAAAAAAAAAAAAAA O2\r\n";
    warm_connection one;
    for (int i = 0; i < 10; ++i) {  // until buffers and tables have their size
        one.run(batch);
        one.output.consume(one.output.size());
    }
    one.run(batch);
    const std::string once(one.output.view());
    one.output.consume(one.output.size());
    REQUIRE(once.find("TV 5 t60") != std::string::npos);
    REQUIRE(once.find("ERROR") == std::string::npos);
    int allocated = 0;
    {
        const allocation_count counted;
        for (int i = 0; i < 100; ++i) {
            one.run(batch);
            one.output.consume(one.output.size());
        }
        allocated = counted.so_far();
    }
    CHECK(allocated == 0);
    CHECK(one.last.consumed == batch.size());
}

TEST_CASE("the client asks and reads without an allocation") {
    const wire::tagged_key::value_type key[wire::tagged_key_bytes] = {1, 2, 3};
    const std::string reply = "TV 5 t58 a2 n1700000002 r1a2b3c4d e7\r\nab\r\nc\r\n";
    wire::buffer out;
    wire::reply_parser parser;
    wire::reply got;
    std::size_t consumed = 0;
    std::size_t needed = 0;
    const auto ask = [&] {
        wire::encode_tagged_get(key, out);
        wire::encode_tagged_set(key, key, 60, 7, out);
        wire::encode_meta_delete(key, out);
        out.consume(out.size());
        return parser.parse(reply, wire::asked::tagged_get, got, consumed, needed);
    };
    REQUIRE(ask() == wire::reply_parser::status::parsed);
    const allocation_count counted;
    for (int i = 0; i < 100; ++i) {
        ask();
    }
    CHECK(counted.so_far() == 0);
}
