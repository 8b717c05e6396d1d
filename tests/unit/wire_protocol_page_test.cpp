#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

#include "client_lib/wire/reply_parser.hpp"
#include "tests/support/protocol_page.hpp"

namespace tlscache::wire {
namespace {

using testing::page_block;
using testing::page_line;
using status = reply_parser::status;

// What the library asks with a sent piece; nullopt: it never sends that.
std::optional<asked> asked_by(std::string_view sent) {
    if (sent.starts_with("ts ")) {
        return asked::tagged_set;
    }
    // A piece of several requests has quiet ones before its last, which is of the same verb.
    if (sent.starts_with("tg ")) {
        return asked::tagged_get;
    }
    return sent.starts_with("md ") ? std::optional(asked::meta_delete) : std::nullopt;
}

reply_kind kind_of(std::string_view text) {
    if (text.starts_with("TV ")) {
        return reply_kind::hit;
    }
    return text.starts_with("TN ") ? reply_kind::miss : reply_kind::done;
}

// The number behind the first " LETTER" of the reply's line.
long long number_behind(std::string_view text, char letter) {
    const std::size_t at = text.find(std::string{' ', letter});
    REQUIRE(at != std::string_view::npos);
    return std::stoll(std::string(text.substr(at + 2)));
}

void check_reply(const std::string& text, asked what, std::int64_t now) {
    reply_parser parser;
    reply got;
    std::size_t consumed = 0;
    std::size_t needed = 0;
    if (text.starts_with("CLIENT_ERROR ")) {  // of a request that the library never sends
        CHECK(parser.parse(text, what, got, consumed, needed) == status::bad);
        return;
    }
    for (std::size_t split = 0; split < text.size(); ++split) {
        REQUIRE(parser.parse(std::string_view(text).substr(0, split), what, got, consumed,
                             needed) == status::needs_more);
    }
    REQUIRE(parser.parse(text, what, got, consumed, needed) == status::parsed);
    CHECK(consumed == text.size());
    CHECK(got.kind == kind_of(text));
    CHECK(got.extended == (what != asked::meta_delete));
    if (got.extended) {
        CHECK(got.node_time == now);
        CHECK(got.ring_version == 0x1a2b3c4d);
        CHECK(got.epoch == 7);
    }
    if (got.kind == reply_kind::hit) {
        CHECK(got.ttl == number_behind(text, 't'));
        CHECK(got.age == number_behind(text, 'a'));
        const std::size_t data = text.find("\r\n") + 2;
        CHECK(got.value == text.substr(data, text.size() - data - 2));
    }
}

TEST_CASE("the client reads every reply to the library's requests as PROTOCOL.md writes it") {
    std::size_t replies = 0;
    for (const page_block& block : testing::read_protocol_page("wire")) {
        std::int64_t now = 1'700'000'000;
        std::optional<asked> what;
        for (const page_line& line : block.lines) {
            CAPTURE(line.text);
            if (line.mark == '+') {
                now += std::stoll(line.text);
            } else if (line.mark == '>') {
                what = asked_by(line.text);
            } else if (line.mark == '<' && what) {
                check_reply(line.text, *what, now);
                ++replies;
            }
        }
    }
    CHECK(replies >= 20);
}

}  // namespace
}  // namespace tlscache::wire
