#include "client_lib/wire/reply_parser.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tlscache::wire {
namespace {

using status = reply_parser::status;

constexpr std::string_view hit_text = "TV 5 t58 a2 n1700000002 r1a2b3c4d e7\r\nab\r\nc\r\n";

struct outcome {
    status result = status::needs_more;
    reply value;
    std::string data;  // a copy, since a reply borrows
    std::size_t consumed = 0;
    std::size_t needed = 0;
};

// Memory of exactly the text's size, so that ASan sees a read beyond it.
outcome parse(reply_parser& parser, std::string_view text, asked what) {
    const std::unique_ptr<char[]> exact(new char[text.size()]);
    text.copy(exact.get(), text.size());
    outcome out;
    out.result =
        parser.parse({exact.get(), text.size()}, what, out.value, out.consumed, out.needed);
    out.data = out.value.value;
    out.value.value = {};
    return out;
}

outcome parse(std::string_view text, asked what) {
    reply_parser parser;
    return parse(parser, text, what);
}

TEST_CASE("a hit of tg has value, time to live, age and what the node says of itself") {
    const outcome got = parse(hit_text, asked::tagged_get);
    REQUIRE(got.result == status::parsed);
    CHECK(got.consumed == hit_text.size());
    CHECK(got.value.kind == reply_kind::hit);
    CHECK(got.data == "ab\r\nc");
    CHECK(got.value.ttl == 58);
    CHECK(got.value.age == 2);
    CHECK(got.value.extended);
    CHECK(got.value.node_time == 1700000002);
    CHECK(got.value.ring_version == 0x1a2b3c4d);
    CHECK(got.value.epoch == 7);
}

TEST_CASE("replies are understood at every split, byte by byte, and what follows is left alone") {
    struct example {
        asked what;
        std::string_view text;
        reply_kind kind;
    };
    const std::vector<example> examples = {
        {asked::tagged_get, hit_text, reply_kind::hit},
        {asked::tagged_get, "TV 0 t-1 a0 n0 r00000000 e0\r\n\r\n", reply_kind::hit},
        {asked::tagged_get, "TN n1700000000 r1a2b3c4d e7\r\n", reply_kind::miss},
        {asked::tagged_get, "TN n1700000000 r1a2b3c4d e4294967295 J0 O1 z\r\n", reply_kind::miss},
        {asked::tagged_get, "ERROR\r\n", reply_kind::unknown_command},
        {asked::tagged_set, "HD n1700000000 r1a2b3c4d e7\r\n", reply_kind::done},
        {asked::tagged_set, "NS n1700000000 r1a2b3c4d e7\r\n", reply_kind::not_done},
        {asked::tagged_set, "SERVER_ERROR out of memory\r\n", reply_kind::server_error},
        {asked::meta_get, "VA 5 t60\r\nab\r\nc\r\n", reply_kind::hit},
        {asked::meta_get, "VA 1 t-1 W\r\nx\r\n", reply_kind::hit},
        {asked::meta_get, "VA 1 t60 W X\r\nx\r\n", reply_kind::miss},
        {asked::meta_get, "EN\r\n", reply_kind::miss},
        {asked::meta_set, "HD\r\n", reply_kind::done},
        {asked::meta_set, "NS\r\n", reply_kind::not_done},
        {asked::meta_delete, "HD\r\n", reply_kind::done},
        {asked::meta_delete, "NF\r\n", reply_kind::not_done},
        {asked::meta_noop, "MN\r\n", reply_kind::done},
    };
    for (const example& one : examples) {
        CAPTURE(one.text);
        for (std::size_t split = 0; split < one.text.size(); ++split) {
            reply_parser parser;
            const outcome part = parse(parser, one.text.substr(0, split), one.what);
            REQUIRE(part.result == status::needs_more);
            CHECK(part.consumed == 0);
            CHECK(part.needed > split);
            CHECK(part.needed <= one.text.size());
            const outcome whole = parse(parser, one.text, one.what);
            REQUIRE(whole.result == status::parsed);
            CHECK(whole.value.kind == one.kind);
            CHECK(whole.consumed == one.text.size());
        }
        reply_parser bytewise;
        for (std::size_t n = 0; n < one.text.size(); ++n) {
            REQUIRE(parse(bytewise, one.text.substr(0, n), one.what).result == status::needs_more);
        }
        const outcome with_next = parse(bytewise, std::string(one.text) + "HD\r\n", one.what);
        CHECK(with_next.result == status::parsed);
        CHECK(with_next.consumed == one.text.size());
    }
}

TEST_CASE("what is not exactly the reply that is due is bad") {
    struct example {
        asked what;
        std::string_view text;
    };
    const std::vector<example> examples = {
        {asked::tagged_get, "\r\n"},
        {asked::tagged_get, "\n"},
        {asked::tagged_get, "TN n1 r00000000 e0\n"},
        {asked::tagged_get, "TN\r\n"},
        {asked::tagged_get, "TN n1 r0000000 e0\r\n"},
        {asked::tagged_get, "TN n1 r000000000 e0\r\n"},
        {asked::tagged_get, "TN n1 rg0000000 e0\r\n"},
        {asked::tagged_get, "TN n-1 r00000000 e0\r\n"},
        {asked::tagged_get, "TN n1 r00000000 e4294967296\r\n"},
        {asked::tagged_get, "TN n1 r00000000 e-1\r\n"},
        {asked::tagged_get, "TN n1 r00000000\r\n"},
        {asked::tagged_get, "TN n1  r00000000 e0\r\n"},
        {asked::tagged_get, "TN n1 r00000000 e0 \r\n"},
        {asked::tagged_get, "TN r00000000 n1 e0\r\n"},
        {asked::tagged_get, "TV -1 t1 a0 n1 r00000000 e0\r\n"},
        {asked::tagged_get, "TV 16385 t1 a0 n1 r00000000 e0\r\n"},
        {asked::tagged_get, "TV 18446744073709551617 t1 a0 n1 r00000000 e0\r\n"},
        {asked::tagged_get, "TV 1 t-2 a0 n1 r00000000 e0\r\nx\r\n"},
        {asked::tagged_get, "TV 1 t2147483648 a0 n1 r00000000 e0\r\nx\r\n"},
        {asked::tagged_get, "TV 1 t1 a-1 n1 r00000000 e0\r\nx\r\n"},
        {asked::tagged_get, "TV 1 t1 a2147483648 n1 r00000000 e0\r\nx\r\n"},
        {asked::tagged_get, "TV 1 t1 n1 r00000000 e0\r\nx\r\n"},
        {asked::tagged_get, "TV 1 t1 a0 n1 r00000000 e0\r\nxyz"},
        {asked::tagged_get, "TV 1 t1 a0 n1 r00000000 e0\r\nx\n\n"},
        {asked::tagged_get, "HD\r\n"},
        {asked::tagged_get, "EN\r\n"},
        {asked::tagged_get, "ERROR \r\n"},
        {asked::tagged_get, "CLIENT_ERROR bad key\r\n"},
        {asked::tagged_get, "tv 1 t1 a0 n1 r00000000 e0\r\nx\r\n"},
        {asked::tagged_set, "HD\r\n"},
        {asked::tagged_set, "ERROR\r\n"},
        {asked::tagged_set, "TN n1 r00000000 e0\r\n"},
        {asked::meta_get, "VA 1\r\nx\r\n"},
        {asked::meta_get, "VA 1 t60 f0\r\nx\r\n"},
        {asked::meta_get, "VA 1 t60 \r\nx\r\n"},
        {asked::meta_get, "EN x\r\n"},
        {asked::meta_get, "END\r\n"},
        {asked::meta_get, "ERROR\r\n"},
        {asked::meta_set, "STORED\r\n"},
        {asked::meta_set, "EX\r\n"},
        {asked::meta_delete, "NS\r\n"},
        {asked::meta_noop, "MNX\r\n"},
    };
    for (const example& one : examples) {
        CAPTURE(one.text);
        CHECK(parse(one.text, one.what).result == status::bad);
    }
}

TEST_CASE("a line without an end is given up at its limit, a value at the limit is taken") {
    reply_parser parser;
    const std::string endless(reply_line_bytes_max + 1, 'x');
    CHECK(parse(parser, endless.substr(0, reply_line_bytes_max), asked::meta_get).result ==
          status::needs_more);
    CHECK(parse(parser, endless, asked::meta_get).result == status::bad);

    for (const std::size_t size : {0u, 1u, 99u, 100u, 101u}) {
        CAPTURE(size);
        reply_parser small(100);
        const std::string text =
            "VA " + std::to_string(size) + " t1\r\n" + std::string(size, '\n') + "\r\n";
        const outcome got = parse(small, text, asked::meta_get);
        CHECK(got.result == (size <= 100 ? status::parsed : status::bad));
    }
}

TEST_CASE("a big value is asked for by its length, so a reader comes back once") {
    reply_parser parser;
    const std::string head = "VA 1000 t1\r\n";
    const outcome got = parse(parser, head, asked::meta_get);
    CHECK(got.result == status::needs_more);
    CHECK(got.needed == head.size() + 1000 + 2);
}

}  // namespace
}  // namespace tlscache::wire
