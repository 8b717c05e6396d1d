// What prefetching needs of parser and executor: looking at a request must not change anything.

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "cache_server/command/executor.hpp"
#include "client_lib/wire/line_reader.hpp"
#include "tests/support/command_fixture.hpp"

using namespace tlscache;
using namespace tlscache::testing;

TEST_CASE(
    "a token ends at its first blank or line end, wherever it stands and whatever surrounds") {
    // Neighbours of the two in value, and bytes whose high bit is set, are part of the token.
    const std::string others = "\x01\x09\x0b\x0d\x1f\x21\x8a\xa0\xff";
    for (std::size_t length = 0; length <= 40; ++length) {
        for (std::size_t shift = 0; shift != others.size(); ++shift) {
            std::string token;
            for (std::size_t i = 0; i != length; ++i) {
                token += others[(i + shift) % others.size()];
            }
            CHECK(wire::token_end(token) == std::string_view::npos);
            for (const char* end : {" ", "\n", " \n", "\n \x0b\x21", "!\n"}) {
                const std::string text = token + end + token;
                CHECK(wire::token_end(text) == text.find_first_of(" \n"));
            }
        }
    }
}

TEST_CASE("looking ahead finds the hash of a whole request and leaves input and connection alone") {
    store::store entries(small_store(), beginning);
    plain_server_view view;
    command::statistics counted;
    command::executor executor(entries, view, counted, any_output);
    command::connection_state connection;
    wire::buffer output;

    const std::string set = "ms Zm9v 3 b\r\nbar\r\n";
    std::string input = set;
    CHECK(executor.look_ahead(connection, input) == entries.hash("foo", false));
    CHECK(input == set);
    executor.fetch(entries.hash("foo", false));  // not there: nothing to fetch
    CHECK(executor.run(connection, input, output, beginning).consumed == input.size());
    CHECK(output.view() == "HD\r\n");
    output.consume(output.size());

    const std::string get = "mg Zm9v b k v\r\n";
    for (std::size_t split = 0; split <= get.size(); ++split) {
        std::string part = get.substr(0, split);
        const auto hash = executor.look_ahead(connection, part);
        CHECK(hash.has_value() == (split == get.size()));
        CHECK(part == get.substr(0, split));
    }
    executor.fetch(entries.hash("foo", false));
    input = get;
    CHECK(executor.run(connection, input, output, beginning).consumed == input.size());
    CHECK(output.view() == "VA 3 kZm9v b\r\nbar\r\n");
}
