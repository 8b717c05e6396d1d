#include <doctest/doctest.h>

#include <random>

#include "client_lib/wire/line_reader.hpp"
#include "tests/unit/wire_requests.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

// One of every kind, and of every kind of refusal that leaves the connection usable.
const std::string every_request =
    "get a\r\ngets a b  c \r\n get d\nget \r\nget\r\ngat 10 a b\r\ngat 10\r\ngats x a\r\ngat\r\n"
    "set a 1 2 3\r\nabc\r\nset a 1 2 3 noreply\r\n\r\n\r\r\nadd a 0 -1 0\r\n\r\n"
    "replace a 0 0 1 \r\nx\r\nappend a 0 0 1\r\nx\r\nprepend a 0 0 1\nx\r\ncas a 0 0 1 77\r\nx\r\n"
    "cas a 0 0 1 77 noreply\r\nx\r\nset a -1 0 5\r\nmn\r\nx\r\nset a 0 0 3 x y\r\n\r\n.\r\n"
    "cas a 0 0 4\r\n1234\r\ntouch a 5\r\ntouch a 5 noreply\r\ntouch a\r\nincr a 1\r\ndecr a 2 "
    "noreply\r\nincr a x\r\ndelete a\r\ndelete a 0\r\ndelete a 0 noreply\r\ndelete a 5\r\n"
    "flush_all\r\nflush_all 10 noreply\r\nflush_all x\r\nstats\r\nstats items\r\nversion\r\n"
    "verbosity 1\r\nverbosity x\r\nquit\r\nshutdown graceful\r\nnonsense of words\r\n\r\n\n"
    "mn\r\nmg a\r\nmg a v t k O1 q N3 R4 T5\r\nmg Zm9vYmFy b v\r\nmg Zm9 b\r\nmg\r\nmg a v v\r\n"
    "ms a 3 T9 F4 MA C5 E6 I\r\nabc\r\nms Zm9vYmFy 2 b\r\n\r\n\r\nms a 2 Z\r\nxx\r\n"
    "ms AAECAwQFBgcICQoLDA0ODxAR 1 b\r\nx\r\nmd a q I T5 x\r\nmd a !\r\nma a N1 J2 D3 MD\r\n"
    "ma a MX\r\nme a\r\nme Zg== b\r\nme\r\n"
    "tg AAECAwQFBgcICQoLDA0ODxAR h0123456789abcdef k\r\ntg short\r\n"
    "tg AAECAwQFBgcICQoLDA0ODxAR JAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\r\n"
    "ts AAECAwQFBgcICQoLDA0ODxAR 4 T60 h0123456789abcdef q\r\n\r\n\r\n\r\n"
    "ts AAECAwQFBgcICQoLDA0ODxAR 4 h1\r\nabcd\r\ntk\r\nget last\r\n";

std::string key_of(std::size_t size) {
    return std::string(size, 'k');
}

void check_every_split(const std::string& bytes, std::size_t value_bytes_max) {
    const parsed_requests whole = parse_whole(bytes, value_bytes_max);
    for (std::size_t i = 0; i <= bytes.size(); ++i) {
        const std::string_view all = bytes;
        const auto split = parse_pieces({all.substr(0, i), all.substr(i)}, value_bytes_max);
        REQUIRE(split.closed == whole.closed);
        REQUIRE(split.requests.size() == whole.requests.size());
        for (std::size_t n = 0; n != whole.requests.size(); ++n) {
            REQUIRE(split.requests[n] == whole.requests[n]);
        }
    }
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i != bytes.size(); ++i) {
        single.push_back(std::string_view(bytes).substr(i, 1));
    }
    CHECK(parse_pieces(single, value_bytes_max).requests == whole.requests);
}

}  // namespace

TEST_CASE(
    "a list of keys is one request per key, whose last one is told if the line's end is there") {
    // Where the end of a line comes late, an empty last key ends the list; else the same.
    const auto whole = parse_whole("get a b \r\n");
    REQUIRE(whole.requests.size() == 2);
    CHECK(whole.requests[0].find("key 'a' first true last false") != std::string::npos);
    CHECK(whole.requests[1].find("key 'b' first false last true") != std::string::npos);
    const auto late = parse_pieces({"get a b ", "\r\n"});
    REQUIRE(late.requests.size() == 3);
    CHECK(late.requests[1].find("key 'b' first false last false") != std::string::npos);
    CHECK(late.requests[2].find("key '' first false last true") != std::string::npos);
}

TEST_CASE(
    "every request is the same in one piece, in two pieces split anywhere, and byte by byte") {
    // Key lists are compared by the test above and below: a late line end may add an empty key.
    std::string others;
    std::string_view rest = every_request;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n') + 1;
        const std::string_view line = rest.substr(0, end);
        if (!line.starts_with("g") && !line.starts_with(" g")) {
            others += line;
        }
        rest.remove_prefix(end);
    }
    const parsed_requests whole = parse_whole(others);
    CHECK(whole.requests.size() > 55);
    CHECK_FALSE(whole.closed);
    CHECK(whole.rest == "");
    check_every_split(others, wire::value_bytes_default);
}

TEST_CASE("key lists name the same keys wherever they are split") {
    const std::string lists =
        "get a\r\ngets a b  c \r\n get d\nget \r\nget\r\ngat 10 a b\r\ngat 10\r\ngats x a\r\n"
        "gat\r\nget a " +
        key_of(250) + " " + key_of(251) + " b\r\ngat 5 " + key_of(300) + "\r\nget e\r\n";
    const auto keys = [](const parsed_requests& parsed) {
        std::string all;
        for (const std::string& request : parsed.requests) {
            const std::size_t key = request.find(" key '") + 6;
            all += request.substr(key, request.find('\'', key) - key) + ' ';
            const std::size_t error = request.find(" error '") + 8;
            all += request.substr(error, request.find('\'', error) - error);
            all += request.find("last true") == std::string::npos ? "" : "END\n";
        }
        // An empty last key is only the end of the list.
        for (std::size_t at; (at = all.find(" END\n END\n")) != std::string::npos;) {
            all.erase(at, 5);
        }
        return all;
    };
    std::string expected = keys(parse_whole(lists));
    const auto plain = [](std::string text) {
        std::erase(text, ' ');
        return text;
    };
    for (std::size_t i = 0; i <= lists.size(); ++i) {
        const std::string_view all = lists;
        REQUIRE(plain(keys(parse_pieces({all.substr(0, i), all.substr(i)}))) == plain(expected));
    }
}

TEST_CASE("a token ends at its first blank or line end, whatever bytes stand around it") {
    for (std::size_t size = 0; size < 40; ++size) {
        for (std::size_t end = 0; end <= size; ++end) {
            for (const char around : {'k', '\x0b', '\x21', '\x1f', '\xa0', '\x8a', '\0', '\xff'}) {
                std::string text(size, around);
                for (const char stop : {' ', '\n'}) {
                    if (end != size) {
                        text[end] = stop;
                        text.back() = end + 1 == size ? stop : ' ';
                    }
                    CHECK(wire::token_end(text) == (end == size ? std::string::npos : end));
                }
            }
        }
    }
}

TEST_CASE("keys are taken up to 250 bytes, in every command") {
    for (const std::string command :
         {"get KEY\r\n", "touch KEY 1\r\n", "incr KEY 1\r\n", "delete KEY\r\n", "mg KEY\r\n",
          "md KEY\r\n", "ma KEY\r\n", "me KEY\r\n", "set KEY 0 0 1\r\nx\r\n", "ms KEY 1\r\nx\r\n",
          "gat 1 KEY\r\n", "cas KEY 0 0 1 1\r\nx\r\n"}) {
        for (const std::size_t size : {1u, 249u, 250u, 251u, 252u, 253u, 500u}) {
            std::string bytes = command;
            bytes.replace(bytes.find("KEY"), 3, key_of(size));
            const auto parsed = parse_whole(bytes + "mn\r\n");
            CAPTURE(bytes);
            REQUIRE(parsed.requests.size() == 2);
            const bool refused = parsed.requests[0].find("CLIENT_ERROR bad command line format") !=
                                 std::string::npos;
            CHECK(refused == (size > 250));
            CHECK(parsed.requests[1] == parse_whole("mn\r\n").requests[0]);
        }
    }
}

TEST_CASE("values are taken up to the limit, and above it their block is swallowed") {
    constexpr std::size_t limit = 100;
    for (const std::string head : {"set a 0 0 ", "ms a ", "ts AAECAwQFBgcICQoLDA0ODxAR "}) {
        const std::string tail = head.starts_with("ts") ? " T60\r\n" : "\r\n";
        for (const std::size_t size : {0u, 1u, 99u, 100u, 101u, 102u, 5000u}) {
            const std::string bytes =
                head + std::to_string(size) + tail + std::string(size, '\n') + "\r\nmn\r\n";
            const auto parsed = parse_whole(bytes, limit);
            CAPTURE(bytes.substr(0, 60));
            REQUIRE(parsed.requests.size() == 2);
            const bool refused = parsed.requests[0].find("too large") != std::string::npos;
            CHECK(refused == (size > limit));
            CHECK(parsed.rest == "");
            check_every_split(bytes, limit);
        }
    }
}

TEST_CASE("a length beyond the hard limit is not swallowed: the connection ends") {
    const std::string most = std::to_string(wire::value_bytes_hard_max);
    CHECK_FALSE(parse_whole("set a 0 0 " + most + "\r\n").closed);
    CHECK(
        parse_whole("set a 0 0 " + std::to_string(wire::value_bytes_hard_max + 1) + "\r\n").closed);
    for (const char* length : {"4294967297", "18446744073709551615", "18446744073709551616", "-1",
                               "x", "1x", "", "99999999999999999999999"}) {
        CAPTURE(length);
        CHECK(parse_whole(std::string("set a 0 0 ") + length + "\r\n").closed);
        CHECK(parse_whole(std::string("ms a ") + length + "\r\n").closed);
    }
}

TEST_CASE("a command line is taken up to 2,048 bytes") {
    for (const std::size_t size : {2047u, 2048u}) {
        const auto parsed = parse_whole(std::string(size, 'x') + "\n");
        REQUIRE(parsed.requests.size() == 1);
        CHECK_FALSE(parsed.closed);
    }
    const auto parsed = parse_whole(std::string(2049, 'x') + "\n");
    CHECK(parsed.closed);
    CHECK(parsed.requests[0].find("line too long") != std::string::npos);
    CHECK(parse_whole(std::string(2048, 'x')).requests.empty());
    CHECK(parse_whole(std::string(2049, 'x')).closed);
    check_every_split(std::string(2049, 'x') + "\nmn\r\n", 100);
}

TEST_CASE("a key list has no limit and is not kept") {
    wire::request_parser parser;
    std::string input = "get";
    std::size_t keys = 0;
    std::size_t longest = 0;
    for (int i = 0; i < 20000; ++i) {
        input += " key" + std::to_string(i);
        longest = std::max(longest, input.size());
        for (;;) {
            wire::request request;
            std::size_t consumed = 0;
            std::size_t needed = 0;
            if (parser.parse(input, request, consumed, needed) ==
                wire::request_parser::status::needs_more) {
                input.erase(0, consumed);
                break;
            }
            ++keys;
            input.erase(0, consumed);
        }
    }
    CHECK(keys == 19999);  // the last one may go on
    CHECK(longest < 32);
}

TEST_CASE("what a block needs is told, and is enough") {
    std::string line = "set a 0 0 1000\r\n";
    wire::request_parser parser;
    wire::request request;
    std::size_t consumed = 0;
    std::size_t needed = 0;
    CHECK(parser.parse(line, request, consumed, needed) ==
          wire::request_parser::status::needs_more);
    CHECK(consumed == 0);
    CHECK(needed == line.size() + 1002);
    std::string whole = line + std::string(1000, 'v') + "\r\n";
    CHECK(parser.parse(whole, request, consumed, needed) == wire::request_parser::status::parsed);
    CHECK(consumed == whole.size());
    CHECK(request.value.size() == 1000);
}

TEST_CASE(
    "another protocol's first byte ends the connection without a word; later it is an error") {
    for (const std::string first : {"\x16\x03\x01", "\x80\x0b", "*1\r\n"}) {
        const auto parsed = parse_whole(first);
        REQUIRE(parsed.requests.size() == 1);
        CHECK(parsed.closed);
        CHECK(parsed.requests[0].find("error ''") != std::string::npos);
        const auto later = parse_whole("mn\r\n" + first + "\r\n");
        CHECK_FALSE(later.closed);
        CHECK(later.requests[1].find("error 'ERROR'") != std::string::npos);
    }
    CHECK(parse_whole("GET /index.html HTTP/1.1\r\n").closed);
    CHECK(parse_whole("mn\r\nPOST / HTTP/1.0\r\n").closed);
}

TEST_CASE("a parser can be copied and goes on from where it stood") {
    const std::string text = every_request;
    const auto seed = std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    wire::request_parser parser;
    std::string input = text;
    std::vector<std::string> found;
    while (!input.empty()) {
        wire::request request;
        std::size_t consumed = 0;
        std::size_t needed = 0;
        if (random() % 2 == 0) {
            // A copy looks first, at bytes of its own.
            wire::request_parser copy = parser;
            std::string copied = input;
            copy.parse(copied, request, consumed, needed);
        }
        REQUIRE(parser.parse(input, request, consumed, needed) ==
                wire::request_parser::status::parsed);
        found.push_back(describe(request));
        input.erase(0, consumed);
    }
    CHECK(found == parse_whole(text).requests);
}

TEST_CASE(
    "any bytes in any pieces make the same requests as in one piece, or end the connection alike") {
    const auto seed = std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const std::string_view alphabet = "getsmgv a0 1 \r\n\r\nTqbkset m x";
    for (int round = 0; round < 3000; ++round) {
        std::string bytes;
        const std::size_t size = random() % 120;
        while (bytes.size() < size) {
            if (random() % 6 == 0) {
                const std::size_t at = random() % every_request.size();
                bytes += every_request.substr(at, random() % 30);
            }
            bytes += alphabet[random() % alphabet.size()];
        }
        const auto whole = parse_whole(bytes);
        const std::size_t at = random() % (bytes.size() + 1);
        const std::string_view all = bytes;
        const auto split = parse_pieces({all.substr(0, at), all.substr(at)});
        CAPTURE(bytes);
        CHECK(split.closed == whole.closed);
        // A list's end may come as a request of its own.
        CHECK(split.requests.size() >= whole.requests.size());
        CHECK(split.requests.size() <= whole.requests.size() + 1);
    }
}
