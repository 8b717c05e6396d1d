#include <doctest/doctest.h>

#include "tests/support/command_fixture.hpp"
#include "tests/support/protocol_page.hpp"

using namespace tlscache;
using namespace tlscache::testing;

TEST_CASE("the node answers every conversation of PROTOCOL.md as it is written there") {
    const auto blocks = read_protocol_page("wire");
    REQUIRE(blocks.size() >= 6);
    for (const page_block& block : blocks) {
        node served;
        std::string heard;
        for (const page_line& line : block.lines) {
            CAPTURE(line.text);
            if (line.mark == '>') {
                REQUIRE(heard == "");
                heard = served.says(line.text);
            } else if (line.mark == '<') {
                REQUIRE(heard == line.text);
                heard.clear();
            } else if (line.mark == '+') {
                served.pass(std::stoll(line.text) * second);
            } else if (line.mark == '=') {
                REQUIRE(line.text == "closed");
                REQUIRE(served.closed);
            }
        }
        CHECK(heard == "");
    }
}

TEST_CASE("the node answers what PROTOCOL.md says of it where memcached differs") {
    const auto blocks = read_protocol_page("deviation");
    REQUIRE(blocks.size() >= 20);
    for (const page_block& block : blocks) {
        CAPTURE(block.name);
        node served;
        std::string heard;
        std::string expected;
        bool ends = false;
        for (const page_line& line : block.lines) {
            if (line.mark == '>') {
                heard += served.says(line.text);
            } else if (line.mark == 't') {
                expected += line.text;
            } else if (line.mark == 'T') {
                ends = true;
            }
        }
        CHECK(heard == expected);
        CHECK(served.closed == ends);
    }
}
