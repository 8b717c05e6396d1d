#include "client_lib/transport/ring.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "client_lib/wire/base64.hpp"
#include "tests/support/protocol_page.hpp"

namespace tlscache::transport {
namespace {

struct member {
    std::string name;
    double weight = 1;
};
using members = std::vector<member>;

ring make(const members& nodes) {
    std::string text;
    for (const member& one : nodes) {
        text += one.name + " 127.0.0.1:1 " + std::to_string(one.weight) + "\n";
    }
    return ring::parse(text, "test");
}

members equal_nodes(std::size_t count) {
    members nodes;
    for (std::size_t i = 0; i < count; ++i) {
        nodes.push_back({"node" + std::to_string(i)});
    }
    return nodes;
}

session::cache_key random_key(std::mt19937_64& random) {
    session::cache_key key;
    for (auto& byte : key.bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    return key;
}

const std::string& owner(const ring& nodes, const session::cache_key& key) {
    return nodes.nodes()[nodes.place(key, 1).nodes[0]].name;
}

// Largest share over ideal share, over keys_count keys.
double imbalance(const members& nodes, int keys_count) {
    const ring placed = make(nodes);
    std::mt19937_64 random(1);
    std::map<std::string, int> got;
    for (int i = 0; i < keys_count; ++i) {
        ++got[owner(placed, random_key(random))];
    }
    double sum = 0;
    for (const member& one : nodes) {
        sum += one.weight;
    }
    double worst = 0;
    for (const member& one : nodes) {
        worst = std::max(worst, got[one.name] / (keys_count * one.weight / sum));
    }
    return worst;
}

// Share of keys that have another owner, and whether all of those came from or went to `who`.
struct moves {
    double share = 0;
    int needless = 0;
};
moves moved(const members& before, const members& after, const std::string& who) {
    constexpr int keys_count = 100'000;
    const ring old_ring = make(before);
    const ring new_ring = make(after);
    std::mt19937_64 random(2);
    moves out;
    int count = 0;
    for (int i = 0; i < keys_count; ++i) {
        const session::cache_key key = random_key(random);
        const std::string& was = owner(old_ring, key);
        const std::string& is = owner(new_ring, key);
        count += was != is ? 1 : 0;
        out.needless += was != is && was != who && is != who ? 1 : 0;
    }
    out.share = static_cast<double>(count) / keys_count;
    return out;
}

TEST_CASE("equal nodes get equal shares") {
    // Four standard deviations of a binomial share.
    CHECK(imbalance(equal_nodes(3), 100'000) < 1.02);
    CHECK(imbalance(equal_nodes(10), 100'000) < 1.04);
    CHECK(imbalance(equal_nodes(100), 200'000) < 1.10);
}

TEST_CASE("shares follow weights") {
    members nodes = equal_nodes(6);
    nodes[1].weight = 2;
    nodes[2].weight = 2;
    nodes[3].weight = 0.5;
    nodes[4].weight = 3.25;
    CHECK(imbalance(nodes, 200'000) < 1.04);
}

TEST_CASE("only the share that must move moves, to or from the node that changed") {
    for (const std::size_t count : {3u, 10u, 100u}) {
        CAPTURE(count);
        const members before = equal_nodes(count);
        const double n = static_cast<double>(count);

        members after = before;
        after.push_back({"new", 2});
        moves got = moved(before, after, "new");
        CHECK(got.needless == 0);
        CHECK(got.share == doctest::Approx(2 / (n + 2)).epsilon(0.08));

        after = before;
        after.erase(after.begin() + 1);
        got = moved(before, after, "node1");
        CHECK(got.needless == 0);
        CHECK(got.share == doctest::Approx(1 / n).epsilon(0.12));

        after = before;
        after[0].weight = 2;
        got = moved(before, after, "node0");
        CHECK(got.needless == 0);
        CHECK(got.share == doctest::Approx(2 / (n + 1) - 1 / n).epsilon(0.12));
    }
}

TEST_CASE("the order of lines and the addresses do not matter") {
    members nodes = equal_nodes(7);
    nodes[2].weight = 4;
    members turned = nodes;
    std::reverse(turned.begin(), turned.end());
    const ring a = make(nodes);
    const ring b = make(turned);
    std::mt19937_64 random(3);
    for (int i = 0; i < 1000; ++i) {
        const session::cache_key key = random_key(random);
        CHECK(owner(a, key) == owner(b, key));
    }
}

TEST_CASE("replicas are the nodes that would own the key if those before were gone") {
    members nodes = equal_nodes(6);
    nodes[0].weight = 2;
    nodes[5].weight = 0.5;
    const ring whole = make(nodes);
    std::mt19937_64 random(4);
    for (int i = 0; i < 2000; ++i) {
        const session::cache_key key = random_key(random);
        const placement places = whole.place(key, 3);
        REQUIRE(places.size == 3);
        members left = nodes;
        for (const std::uint16_t place : places.view()) {
            const std::string name = whole.nodes()[place].name;
            CHECK(owner(make(left), key) == name);
            std::erase_if(left, [&](const member& one) { return one.name == name; });
        }
    }
    CHECK(make(equal_nodes(2)).place({}, 3).size == 2);
    CHECK(make(equal_nodes(9)).place({}, 99).size == replicas_max);
}

ring ring_of(std::istringstream& words) {
    std::string text;
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        text += word.substr(0, equals) + " h:1 " + word.substr(equals + 1) + "\n";
    }
    return ring::parse(text, "vectors");
}

void check_vector(const ring& nodes, std::istringstream& words) {
    std::string base64;
    words >> base64;
    session::cache_key key;
    REQUIRE(wire::base64_check(base64) == key.bytes.size());
    wire::base64_decode(base64, reinterpret_cast<char*>(key.bytes.data()));
    std::vector<std::string> expected;
    for (std::string word; words >> word;) {
        expected.push_back(word);
    }
    std::vector<std::string> got;
    const placement places = nodes.place(key, replicas_max);
    for (const std::uint16_t place : places.view()) {
        got.push_back(nodes.nodes()[place].name);
    }
    CAPTURE(base64);
    CHECK(got == expected);
}

TEST_CASE("the placement vectors of PROTOCOL.md hold") {
    ring nodes;
    int checked = 0;
    for (const testing::page_block& block : testing::read_protocol_page("placement")) {
        for (const testing::page_line& line : block.lines) {
            std::istringstream words(line.text);
            std::string word;
            words >> word;
            if (word == "ring") {
                nodes = ring_of(words);
            } else if (word == "key") {
                check_vector(nodes, words);
                ++checked;
            }
        }
    }
    CHECK(checked >= 10);
}

TEST_CASE("a ring text may have comments, blank lines, tabs, CRLF and no end of line") {
    const ring nodes = ring::parse(
        "# the cluster\n\n a\t10.0.0.1:11211\r\nb [::1]:11211 2.5 # bigger\nc unix:/run/t.sock",
        "file");
    REQUIRE(nodes.nodes().size() == 3);
    CHECK(nodes.nodes()[0].name == "a");
    CHECK(nodes.nodes()[0].where.host == "10.0.0.1");
    CHECK(nodes.nodes()[1].where.host == "::1");
    CHECK(nodes.nodes()[1].where.port == "11211");
    CHECK(nodes.nodes()[1].weight == 2.5);
    CHECK(nodes.nodes()[2].where.path == "/run/t.sock");
}

std::string problem_of(const std::string& text) {
    try {
        ring::parse(text, "/etc/ring");
    } catch (const std::invalid_argument& problem) {
        return problem.what();
    }
    return "none";
}

TEST_CASE("a wrong ring is refused with file, line and reason") {
    CHECK(problem_of("").starts_with("/etc/ring:1: no node"));
    CHECK(problem_of("# only\n").starts_with("/etc/ring:1: no node"));
    CHECK(problem_of("a h:1\n\na h:2\n").starts_with("/etc/ring:3: a second node"));
    CHECK(problem_of("a h:1\nb\n").starts_with("/etc/ring:2: \"\" is no address"));
    CHECK(problem_of("a/b h:1\n").starts_with("/etc/ring:1: \"a/b\" is no name"));
    CHECK(problem_of("a h:1 2 3\n").starts_with("/etc/ring:1: more than"));
    for (const char* weight : {"0", "-1", "x", "1x", "nan", "inf", "1e3", "1000001", "0x1"}) {
        CAPTURE(weight);
        CHECK(problem_of(std::string("a h:1 ") + weight).starts_with("/etc/ring:1: "));
    }
    for (const char* where : {"h", "h:", ":1", "h:0", "h:65536", "h:x", "::1:1", "[::1]", "[::1:1",
                              "unix:", "unix:relative", "h:1:2", "h:+1"}) {
        CAPTURE(where);
        CHECK(problem_of(std::string("a ") + where).starts_with("/etc/ring:1: "));
    }
    std::string long_path = "a unix:/";
    long_path.append(120, 'x');
    CHECK(problem_of(long_path).starts_with("/etc/ring:1: "));
    std::string long_name(node_name_bytes_max + 1, 'n');
    long_name += " h:1";
    CHECK(problem_of(long_name).starts_with("/etc/ring:1: "));
    std::string many;
    for (std::size_t i = 0; i <= ring_nodes_max; ++i) {
        many += "n" + std::to_string(i) + " h:1\n";
    }
    CHECK(problem_of(many).starts_with("/etc/ring:257: more than 256 nodes"));
}

}  // namespace
}  // namespace tlscache::transport
