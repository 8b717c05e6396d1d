// The pure parts of the load generator: what it asks, how it checks, what it computes.

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "bench/load/reply_checker.hpp"
#include "bench/load/report.hpp"
#include "bench/load/server_spec.hpp"
#include "bench/load/statistics.hpp"
#include "bench/load/workload.hpp"

namespace {

using namespace tlscache::bench;
using verdict = reply_checker::verdict;

// A checker that waits for one exchange's replies.
reply_checker waiting_for(protocol spoken, operation asked, std::size_t keys) {
    reply_checker checker;
    std::string request;
    std::vector<std::uint64_t> items;
    for (std::size_t i = 0; i < keys; ++i) {
        items.push_back(7 + i);
    }
    append_exchange(spoken, asked, items, request, checker.expected());
    checker.restart();
    return checker;
}

std::string text_hit(std::uint64_t item) {
    return "VALUE " + key_of(item) + " 0 200\r\n" + value_of(item) + "\r\nEND\r\n";
}

}  // namespace

TEST_CASE("keys are 32 hex characters of splitmix64 and differ between items") {
    // First outputs of the generator seeded with 0 and with its own increment.
    CHECK(splitmix64(0) == 0xe220a8397b1dcdaf);
    CHECK(splitmix64(0x9e3779b97f4a7c15) == 0x6e789e6aa1b965f4);
    CHECK(key_of(0).substr(0, 16) == "e220a8397b1dcdaf");

    std::set<std::string> keys;
    for (std::uint64_t item = 0; item < 1000; ++item) {
        const std::string key = key_of(item);
        CHECK(key.size() == key_bytes);
        CHECK(key.find_first_not_of("0123456789abcdef") == std::string::npos);
        keys.insert(key);
    }
    CHECK(keys.size() == 1000);
}

TEST_CASE("a value follows from its item and is no other item's") {
    CHECK(value_of(5).size() == value_bytes);
    CHECK(value_of(5) == value_of(5));
    CHECK(value_of(5) != value_of(6));
}

TEST_CASE("requests are those of memcached's protocol, with a time to live in every set") {
    std::string request;
    expected_replies expected;
    append_exchange(protocol::text, operation::set, {1}, request, expected);
    CHECK(request == "set " + key_of(1) + " 0 7200 200\r\n" + value_of(1) + "\r\n");
    CHECK(expected.bytes == "STORED\r\n");

    request.clear();
    expected.clear();
    append_exchange(protocol::meta, operation::set, {1}, request, expected);
    CHECK(request == "ms " + key_of(1) + " 200 T7200\r\n" + value_of(1) + "\r\n");
    CHECK(expected.bytes == "HD\r\n");

    request.clear();
    expected.clear();
    append_exchange(protocol::meta, operation::get, {1}, request, expected);
    CHECK(request == "mg " + key_of(1) + " v\r\n");
    CHECK(expected.bytes == "VA 200\r\n" + value_of(1) + "\r\n");

    request.clear();
    expected.clear();
    append_exchange(protocol::text, operation::multiget, {1, 2}, request, expected);
    CHECK(request == "get " + key_of(1) + " " + key_of(2) + "\r\n");
    CHECK(expected.parts.size() == 3);
}

TEST_CASE("the floor's requests and replies have the lengths of the text protocol's") {
    for (const auto asked : {operation::get, operation::set, operation::multiget}) {
        std::vector<std::uint64_t> items(asked == operation::multiget ? multiget_keys : 1);
        std::string text;
        std::string raw;
        expected_replies text_replies;
        expected_replies raw_replies;
        append_exchange(protocol::text, asked, items, text, text_replies);
        append_exchange(protocol::raw, asked, items, raw, raw_replies);
        CHECK(raw.size() == text.size());
        CHECK(raw_replies.bytes.size() == text_replies.bytes.size());
    }
}

TEST_CASE("right replies are complete exactly at their last byte, at every split") {
    for (const auto spoken : {protocol::text, protocol::meta, protocol::raw}) {
        for (const auto asked : {operation::get, operation::set, operation::multiget}) {
            reply_checker checker =
                waiting_for(spoken, asked, asked == operation::multiget ? 3 : 1);
            const std::string replies = checker.expected().bytes;
            for (std::size_t split = 0; split < replies.size(); ++split) {
                checker.restart();
                CHECK(checker.feed(std::string_view(replies).substr(0, split)) ==
                      verdict::needs_more);
                CHECK(checker.feed(std::string_view(replies).substr(split)) == verdict::complete);
            }
        }
    }
}

TEST_CASE("every single wrong byte is found, at every split") {
    reply_checker checker = waiting_for(protocol::text, operation::get, 1);
    const std::string right = checker.expected().bytes;
    for (std::size_t wrong = 0; wrong < right.size(); ++wrong) {
        std::string reply = right;
        reply[wrong] = static_cast<char>(reply[wrong] ^ 1);
        for (const std::size_t split : {std::size_t{0}, wrong, wrong + 1, right.size()}) {
            checker.restart();
            const verdict first = checker.feed(std::string_view(reply).substr(0, split));
            CHECK(first == (split > wrong ? verdict::wrong : verdict::needs_more));
            if (first == verdict::needs_more) {
                CHECK(checker.feed(std::string_view(reply).substr(split)) == verdict::wrong);
            }
        }
    }
}

TEST_CASE("the kind of fault is told: another's value, a miss, a surplus reply, an error") {
    const std::string other_value =
        "VALUE " + key_of(7) + " 0 200\r\n" + value_of(8) + "\r\nEND\r\n";

    reply_checker checker = waiting_for(protocol::text, operation::get, 1);
    CHECK(checker.feed(other_value) == verdict::wrong);
    CHECK(checker.what().starts_with("wrong value in reply 1 of 1"));

    checker.restart();
    CHECK(checker.feed("END\r\n") == verdict::wrong);
    CHECK(checker.what().starts_with("miss in reply 1"));

    checker.restart();
    CHECK(checker.feed("E") == verdict::wrong);

    checker.restart();
    CHECK(checker.feed(text_hit(7) + text_hit(7)) == verdict::wrong);
    CHECK(checker.what().starts_with("more than was asked for"));

    checker.restart();
    CHECK(checker.feed("SERVER_ERROR out of memory\r\n") == verdict::wrong);
    CHECK(checker.what().starts_with("unexpected reply in reply 1"));
}

TEST_CASE("a key that a multiget lacks is told as such, in text and in meta") {
    reply_checker checker = waiting_for(protocol::meta, operation::multiget, 2);
    CHECK(checker.feed("VA 200\r\n" + value_of(7) + "\r\nMN\r\n") == verdict::wrong);
    CHECK(checker.what().starts_with("miss in reply 2 of 3"));

    reply_checker in_text = waiting_for(protocol::text, operation::multiget, 2);
    CHECK(in_text.feed("VALUE " + key_of(7) + " 0 200\r\n" + value_of(7) + "\r\nEND\r\n") ==
          verdict::wrong);
    CHECK(in_text.what().starts_with("miss in reply 2 of 3"));
}

TEST_CASE("filling sets every item once, in order, and then ends") {
    batch_maker maker = batch_maker::filling(protocol::text, 70);
    std::string all;
    std::string request;
    expected_replies expected;
    std::vector<std::size_t> batches;
    while (const std::size_t operations = maker.make(request, expected)) {
        batches.push_back(operations);
        all += request;
    }
    CHECK(batches == std::vector<std::size_t>{32, 32, 6});
    std::size_t position = 0;
    for (std::uint64_t item = 0; item < 70; ++item) {
        const std::size_t found = all.find("set " + key_of(item) + " ", position);
        REQUIRE(found != std::string::npos);
        position = found + 1;
    }
}

TEST_CASE("a mix has a tenth of sets, and one seed gives one sequence") {
    const auto mix = shape_named("mix-d32");
    REQUIRE(mix.has_value());
    batch_maker maker(*mix, protocol::text, 1000, 42);
    batch_maker same(*mix, protocol::text, 1000, 42);
    std::string request;
    std::string other;
    expected_replies expected;
    std::size_t sets = 0;
    for (int batch = 0; batch < 500; ++batch) {
        CHECK(maker.make(request, expected) == 32);
        same.make(other, expected);
        CHECK(request == other);
        for (std::size_t at = 0; (at = request.find("set ", at)) != std::string::npos; ++at) {
            ++sets;
        }
    }
    CHECK(sets > 1400);  // of 16,000; five standard deviations are 190
    CHECK(sets < 1800);
}

TEST_CASE("servers are told as NAME=ADDRESS with options, and what is wrong is refused") {
    const auto spec = parse_server_spec("m-meta=unix:/tmp/a=b.sock,pid=12,proto=meta,depth=32");
    REQUIRE(spec.has_value());
    CHECK(spec->name == "m-meta");
    CHECK(spec->address == "unix:/tmp/a=b.sock");
    CHECK(spec->carried == transport::unix_socket);
    CHECK(spec->spoken == protocol::meta);
    CHECK(spec->pid == 12);
    CHECK(spec->takes_part(*shape_named("get-d32")));
    CHECK_FALSE(spec->takes_part(*shape_named("get-d1")));

    CHECK(parse_server_spec("a=[::1]:11211,pid=1").has_value());
    for (const char* wrong :
         {"", "a", "=127.0.0.1:1,pid=1", "a=127.0.0.1,pid=1", "a=127.0.0.1:1",
          "a=127.0.0.1:1,pid=0", "a=127.0.0.1:1,pid=1x", "a=127.0.0.1:1,pid=1,proto=binary",
          "a=127.0.0.1:1,pid=1,colour=red", "a=127.0.0.1:1,pid=1,"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_server_spec(wrong).has_value());
    }
}

TEST_CASE("median, extremes and standard deviation of odd, even, single and no samples") {
    const spread odd = spread_of({3, 1, 2});
    CHECK(odd.median == 2);
    CHECK(odd.min == 1);
    CHECK(odd.max == 3);
    CHECK(odd.sd == doctest::Approx(1));
    CHECK(spread_of({4, 1, 2, 3}).median == 2.5);
    CHECK(spread_of({5}).median == 5);
    CHECK(spread_of({5}).sd == 0);
    CHECK(spread_of({}).median == 0);
}

TEST_CASE("ratios are taken inside each cycle") {
    CHECK(ratios({2, 6, 10}, {1, 2, 5}) == std::vector<double>{2, 3, 2});
    CHECK(ratios({2, 6}, {1, 0}) == std::vector<double>{2});
}

TEST_CASE("a difference may be claimed from 5 %, or from what the control scatters") {
    CHECK(claim_limit({1, 1, 1, 1}) == doctest::Approx(0.05));
    CHECK(claim_limit({1.2, 1.2, 1.2, 1.2}) == doctest::Approx(0.2));  // biased
    // One spoilt cycle moves neither the median nor the limit.
    CHECK(claim_limit({1, 1, 1, 1, 1, 2}) == doctest::Approx(0.05));
    // Distances to the median 1 are 0.2, 0.2, 0, 0.2, 0.2.
    CHECK(claim_limit({0.8, 1.2, 1, 0.8, 1.2}) ==
          doctest::Approx(2 * 1.2533 * 1.4826 * 0.2 / std::sqrt(5)));
    CHECK(claim_limit({1}) == 1);  // one cycle proves nothing
}

TEST_CASE("cycles with a busy neighbour do not count while enough quiet ones remain") {
    CHECK(quiet_cycles({0.1, 0.9, 0.2, 0.3}) == std::vector<bool>{true, false, true, true});
    CHECK(quiet_cycles({0.1, 0.9, 0.9, 0.3}) == std::vector<bool>{true, true, true, true});
}

TEST_CASE("the report compares with the floor and the baseline of the same shape and transport") {
    const auto measured = [](const char* name, transport carried, double cpu) {
        measurement made;
        made.server.name = name;
        made.server.carried = carried;
        made.asked = *shape_named("get-d1");
        made.cpu_ns_per_operation = {cpu, cpu, cpu};
        made.kops_per_second = {1, 1, 1};
        made.cores_used = {1, 1, 1};
        made.foreign_cores = {0, 0, 0};
        return made;
    };
    const std::vector<measurement> results = {
        measured("floor", transport::tcp, 1000),
        measured("ours", transport::tcp, 1500),
        measured("memcached", transport::tcp, 2000),
        measured("memcached-aa", transport::tcp, 2000),
        measured("floor", transport::unix_socket, 100),
        measured("ours", transport::unix_socket, 300),
    };
    const std::string csv = csv_report(results, {});
    CHECK(csv.find("get-d1,tcp,ours,3,0,1500.0,1500.0,1500.0,1.5000,1.5000,1.5000,0.0000,0.7500") !=
          std::string::npos);
    CHECK(csv.find("get-d1,unix,ours,3,0,300.0,300.0,300.0,3.0000,3.0000,3.0000,0.0000,,,,,,") !=
          std::string::npos);
    const std::string text = text_report(results, {});
    CHECK(text.find("A/A: claims from 5 %") != std::string::npos);
}
