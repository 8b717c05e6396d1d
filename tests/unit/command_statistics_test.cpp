#include <doctest/doctest.h>

#include <map>

#include "tests/support/command_fixture.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

std::map<std::string, std::string> stats(node& served, const std::string& kind = "") {
    std::map<std::string, std::string> found;
    std::string text = served.says("stats" + kind + "\r\n");
    REQUIRE(text.ends_with("END\r\n"));
    for (std::size_t at = 0; text.compare(at, 5, "STAT ") == 0;) {
        const std::size_t name = at + 5;
        const std::size_t value = text.find(' ', name) + 1;
        const std::size_t end = text.find("\r\n", value);
        const bool inserted =
            found.emplace(text.substr(name, value - 1 - name), text.substr(value, end - value))
                .second;
        CHECK_MESSAGE(inserted, text.substr(name, value - 1 - name));
        at = end + 2;
    }
    return found;
}

}  // namespace

TEST_CASE("stats counts what was asked, under memcached's names") {
    node served;
    served.says(
        "set a 0 0 1\r\n1\r\nset b 0 0 1\r\nx\r\nget a b c\r\ngat 9 a c\r\ntouch a 1\r\n"
        "incr a 1\r\nincr c 1\r\ndecr a 1\r\ndecr c 1\r\ndelete b\r\ndelete b\r\n"
        "cas a 0 0 1 1\r\nx\r\ncas c 0 0 1 1\r\nx\r\nmg a v\r\nmg c\r\nme a\r\nflush_all 9\r\n"
        "ms d 1\r\nx\r\nmd d\r\nma a\r\nmd d\r\n");
    const auto found = stats(served);
    const std::pair<std::string, std::string> expected[] = {
        {"cmd_get", "5"},       {"get_hits", "3"},   {"get_misses", "2"},   {"cmd_set", "5"},
        {"cmd_touch", "3"},     {"touch_hits", "2"}, {"touch_misses", "1"}, {"incr_hits", "2"},
        {"incr_misses", "1"},   {"decr_hits", "1"},  {"decr_misses", "1"},  {"delete_hits", "2"},
        {"delete_misses", "2"}, {"cas_badval", "1"}, {"cas_misses", "1"},   {"cas_hits", "0"},
        {"cmd_meta", "1"},      {"cmd_flush", "1"},  {"curr_items", "1"},   {"pid", "1"},
    };
    for (const auto& line : expected) {
        const std::string& name = line.first;
        const std::string& value = line.second;
        CAPTURE(name);
        REQUIRE(found.count(name) == 1);
        CHECK(found.at(name) == value);
    }
    for (const char* ours : {"tls_expired", "tls_evicted_live", "tls_wiped", "tls_refused_bad_line",
                             "tls_other_protocol_tls", "evictions", "bytes"}) {
        CHECK_MESSAGE(found.count(ours) == 1, ours);
    }
}

TEST_CASE("stats reset sets memcached's names back, never the totals") {
    node served;
    served.says("set a 0 0 1\r\nx\r\nget a b\r\n");
    const command::counter_values before = served.counted.totals();
    CHECK(served.says("stats reset\r\n") == "RESET\r\n");
    CHECK(served.view.resets == 1);
    auto found = stats(served);
    CHECK(found.at("cmd_get") == "0");
    CHECK(found.at("total_items") == "0");
    CHECK(found.at("curr_items") == "1");
    CHECK(served.counted.totals() == before);
    served.says("get a\r\n");
    found = stats(served);
    CHECK(found.at("cmd_get") == "1");
    CHECK(found.at("get_hits") == "1");
    CHECK(served.total(command::counter::cmd_get) == 3);
}

TEST_CASE("the other kinds of stats") {
    node served;
    CHECK(served.says("stats items\r\n") == "END\r\n");
    served.says("set a 0 0 1\r\nx\r\n");
    CHECK(stats(served, " items").at("items:1:number") == "1");
    CHECK(stats(served, " settings").at("maxbytes") == "67108864");
    CHECK(stats(served, " conns").at("3:state") == "conn_parse_cmd");
    CHECK(served.says("stats nosuch\r\n") == "ERROR\r\n");
}

TEST_CASE(
    "what was collected before a reset shows nothing since it, rather than less than nothing") {
    node served;
    served.says("set a 0 0 1\r\nx\r\n");
    const store::statistics earlier = served.entries.collect();
    served.says("set b 0 0 1\r\nx\r\nstats reset\r\n");
    CHECK(served.counted.since_reset(earlier).items_total == 0);
    CHECK(served.counted.since_reset(earlier).wiped_bytes == 0);
}
