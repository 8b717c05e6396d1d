#include <doctest/doctest.h>

#include <random>

#include "tests/support/command_fixture.hpp"

// Faults that others had, as conversations: refused stores whose bodies ran, numbers that were cut,
// lives that ended early, dates that moved with the clock.

using namespace tlscache;
using namespace tlscache::testing;

namespace {

constexpr std::int64_t ttl_max = store::time_to_live::seconds_max;

// The number behind " t" in "mg KEY t", or -2 if it is gone.
std::int64_t ttl_of(node& served, const std::string& key) {
    const std::string answer = served.says("mg " + key + " t\r\n");
    return answer.starts_with("HD t") ? std::stoll(answer.substr(4)) : -2;
}

}  // namespace

TEST_CASE("the body of a refused store never runs as a command") {
    const std::string long_key(251, 'k');
    for (const std::string& line :
         {"set " + long_key + " 0 0 11", std::string("set a -1 0 11"),
          std::string("set a 0 abc 11"), std::string("set a 4294967296 0 11"),
          std::string("cas keep2 0 0 11 x"), std::string("cas keep2 0 0 11"),
          std::string("set a 0 99999999999999999999 11"), std::string("set a 0 0 11 x y"),
          std::string("add a x 0 11"), std::string("append a 0 x 11"), "ms " + long_key + " 11",
          std::string("ms a 11 Z"), std::string("ms a 11 v v"), std::string("ms a 11 Tx"),
          std::string("ms a 11 MX"), std::string("ms !! 11 b"), std::string("ts short 11 T60"),
          std::string("ts AAECAwQFBgcICQoLDA0ODxAR 11"),
          std::string("ms a 11 O") + std::string(40, 'o')}) {
        CAPTURE(line);
        node served;
        CHECK(served.says("set keep 0 0 1\r\nx\r\n") == "STORED\r\n");
        const std::string answer = served.says(line + "\r\ndelete keep\r\nget keep\r\n");
        CHECK(answer.find("ERROR") != std::string::npos);
        // One line of error, then the value.
        CHECK(answer.substr(answer.find("\r\n") + 2) == "VALUE keep 0 1\r\nx\r\nEND\r\n");
    }
}

TEST_CASE("with noreply a refused store is silent, and its body is swallowed all the same") {
    node served;
    served.says("set keep 0 0 1\r\nx\r\n");
    const std::string long_key(251, 'k');
    CHECK(served.says("set " + long_key +
                      " 0 0 11 noreply\r\ndelete keep\r\nset a -1 0 11 noreply\r\ndelete keep\r\n"
                      "cas a 0 x 11 1 noreply\r\ndelete keep\r\nget keep\r\n") ==
          "VALUE keep 0 1\r\nx\r\nEND\r\n");
}

TEST_CASE("the body of a refused store is swallowed wherever it is cut") {
    const std::string sent = "set a -1 0 11\r\ndelete keep\r\nget keep\r\n";
    for (std::size_t at = 1; at < sent.size(); ++at) {
        node served;
        served.says("set keep 0 0 1\r\nx\r\n");
        const std::string first = served.says(std::string_view(sent).substr(0, at));
        CHECK(first + served.says(std::string_view(sent).substr(at)) ==
              "CLIENT_ERROR bad command line format\r\nVALUE keep 0 1\r\nx\r\nEND\r\n");
    }
}

TEST_CASE("where nobody knows how long a body is, one error is answered and the connection ends") {
    for (const std::string line :
         {"set a 0 0", "set a", "set", "set a 0 0 x", "set a 0 0 -1", "set a 0 0 1048577",
          "cas a 0 0", "ms a", "ms", "ms a x", "ms a 99999999999999999999", "ts x"}) {
        CAPTURE(line);
        node served;
        served.says("set keep 0 0 1\r\nx\r\n");
        const std::string answer = served.says(line + "\r\ndelete keep\r\n");
        CHECK(answer.find("ERROR") != std::string::npos);
        CHECK(answer.find("\r\n") == answer.size() - 2);
        CHECK(served.closed);
        served.reconnect();
        CHECK(served.says("get keep\r\n") == "VALUE keep 0 1\r\nx\r\nEND\r\n");
    }
}

TEST_CASE("a body that is longer than told ends the connection") {
    for (const std::string line : {"set a 0 0 2\r\n", "ms a 2\r\n", "set a -1 0 2\r\n"}) {
        node served;
        served.says("set keep 0 0 1\r\nx\r\n");
        served.says(line + "xx__delete keep\r\n");
        CHECK(served.closed);
        served.reconnect();
        CHECK(served.says("get keep a\r\n") == "VALUE keep 0 1\r\nx\r\nEND\r\n");
    }
}

TEST_CASE("an expiry is never cut: far dates are far, and nothing but 0 means none") {
    for (const std::string expiry :
         {"2147483648", "4294967296", "4294967297", "99999999999", "9223372036854775807"}) {
        CAPTURE(expiry);
        node served;
        const std::int64_t asked = std::stoll(expiry) - 1'700'000'000;
        const std::int64_t expected = std::min(asked, ttl_max);
        served.says("set set 0 " + expiry + " 1\r\nx\r\n");
        served.says("ms ms 1 T" + expiry + "\r\nx\r\n");
        served.says("set touch 0 5 1\r\nx\r\ntouch touch " + expiry + "\r\n");
        served.says("set gat 0 5 1\r\nx\r\ngat " + expiry + " gat\r\n");
        served.says("set mg 0 5 1\r\nx\r\nmg mg T" + expiry + "\r\n");
        served.says("mg vivified N" + expiry + "\r\nma number N" + expiry + "\r\n");
        served.says("ms ma 1\r\n1\r\nma ma T" + expiry + "\r\n");
        served.says("ms stale 1\r\n1\r\nmd stale I T" + expiry + "\r\n");
        for (const std::string key :
             {"set", "ms", "touch", "gat", "mg", "vivified", "number", "ma", "stale"}) {
            CAPTURE(key);
            CHECK(ttl_of(served, key) == expected);
        }
        served.pass(100'000 * second);
        CHECK(served.says("get set\r\n") == "VALUE set 0 1\r\nx\r\nEND\r\n");
    }
}

TEST_CASE("a number of 20 digits is refused") {
    const std::string digits = "10000000000000000000";
    node served;
    CHECK(served.says("set a 0 " + digits + " 1\r\nx\r\n").starts_with("CLIENT_ERROR"));
    CHECK(served.says("touch a " + digits + "\r\n").starts_with("CLIENT_ERROR"));
    CHECK(served.says("gat " + digits + " a\r\n").starts_with("CLIENT_ERROR"));
    CHECK(served.says("ms a 1 T" + digits + "\r\nx\r\n").starts_with("CLIENT_ERROR"));
    CHECK(served.says("mg a N" + digits + "\r\n").starts_with("CLIENT_ERROR"));
    CHECK(served.says("flush_all " + digits + "\r\n").starts_with("CLIENT_ERROR"));
    CHECK(served.says("incr a 18446744073709551616\r\n").starts_with("CLIENT_ERROR"));
    CHECK(served.says("ms a 1 C18446744073709551616\r\nx\r\n").starts_with("CLIENT_ERROR"));
}

TEST_CASE("negative expiries are gone at once, 0 stays") {
    node served;
    for (const std::string expiry : {"-1", "-9223372036854775808"}) {
        CHECK(served.says("set a 0 " + expiry + " 1\r\nx\r\nget a\r\n") == "STORED\r\nEND\r\n");
        CHECK(served.says("ms a 1 T" + expiry + "\r\nx\r\nmg a\r\n") == "HD\r\nEN\r\n");
    }
    served.says("set a 0 0 1\r\nx\r\n");
    served.pass(1'000'000'000 * second);
    CHECK(ttl_of(served, "a") == -1);
}

TEST_CASE("30 days are a life, a second more is a date") {
    node served;
    served.says("set a 0 2592000 1\r\nx\r\nset b 0 2592001 1\r\nx\r\n");
    CHECK(ttl_of(served, "a") == 2592000);
    CHECK(ttl_of(served, "b") == -2);
}

TEST_CASE("a life of n seconds is never shorter, and a second longer at most") {
    const auto seed = std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    for (int phase = 0; phase < 100; ++phase) {
        node served;
        served.pass(static_cast<std::int64_t>(random() % second));
        const std::int64_t life = 1 + phase % 3;
        const std::string n = std::to_string(life);
        CAPTURE(served.now.boot_ns);
        served.says("set a 0 " + n + " 1\r\nx\r\nset b 0 0 1\r\nx\r\ntouch b " + n +
                    "\r\nms c 1 T" + n + "\r\nx\r\nset d 0 0 1\r\nx\r\ngat " + n +
                    " d\r\nts AAECAwQFBgcICQoLDA0ODxAR 1 T" + n + "\r\nx\r\n");
        for (const std::string key : {"a", "b", "c", "d", "AAECAwQFBgcICQoLDA0ODxAR b"}) {
            CHECK(ttl_of(served, key) == life);
        }
        served.pass(life * second - 1);
        for (const std::string key : {"a", "b", "c", "d", "AAECAwQFBgcICQoLDA0ODxAR b"}) {
            CHECK(served.says("mg " + key + " u\r\n") == "HD\r\n");
        }
        served.pass(second + 1);
        for (const std::string key : {"a", "b", "c", "d", "AAECAwQFBgcICQoLDA0ODxAR b"}) {
            CHECK(served.says("mg " + key + "\r\n") == "EN\r\n");
        }
    }
}

TEST_CASE(
    "a date is converted with the wall clock of its moment, and lives go on when that steps") {
    for (const std::int64_t step : {3600, -3600}) {
        CAPTURE(step);
        node served;
        served.pass(1000 * second);
        served.says("set before 0 600 1\r\nx\r\n");
        served.now.wall_ns += step * second;
        const std::int64_t date = served.now.wall_seconds() + 600;
        served.says("set k 0 " + std::to_string(date) + " 1\r\nx\r\n");
        served.says("ms m 1 T" + std::to_string(date) + "\r\nx\r\n");
        CHECK(ttl_of(served, "k") == 600);
        CHECK(ttl_of(served, "m") == 600);
        CHECK(ttl_of(served, "before") == 600);
        served.now.wall_ns -= step * second;
        CHECK(ttl_of(served, "k") == 600);
        // A suspended machine: both clocks went on, no request came.
        served.pass(599 * second);
        CHECK(served.says("get k before\r\n").find("VALUE k") == 0);
        served.pass(2 * second);
        CHECK(served.says("get k before m\r\n") == "END\r\n");
    }
}

TEST_CASE("a date does not end early at any phase of the wall clock") {
    for (std::int64_t phase = 0; phase < 1000; phase += 37) {
        node served;
        served.now.wall_ns += phase * 1'000'000;
        const std::int64_t date = served.now.wall_seconds() + 10;
        served.says("set k 0 " + std::to_string(date) + " 1\r\nx\r\n");
        served.pass(date * second - served.now.wall_ns - 1);
        CHECK(served.says("get k\r\n") == "VALUE k 0 1\r\nx\r\nEND\r\n");
        served.pass(2 * second);
        CHECK(served.says("get k\r\n") == "END\r\n");
    }
}

TEST_CASE("flush_all N takes effect N seconds later, not before") {
    node served;
    served.pass(700'000'000);
    served.says("set a 0 0 1\r\nx\r\n");
    CHECK(served.says("flush_all 2\r\n") == "OK\r\n");
    served.pass(2 * second - 1);
    CHECK(served.says("get a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n");
    served.pass(second + 1);
    CHECK(served.says("get a\r\n") == "END\r\n");
    CHECK(served.says("set a 0 0 1\r\nx\r\nget a\r\n") == "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    const std::string date = std::to_string(served.now.wall_seconds() + 5);
    CHECK(served.says("flush_all " + date + "\r\n") == "OK\r\n");
    CHECK(served.says("get a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n");
    served.pass(6 * second);
    CHECK(served.says("get a\r\n") == "END\r\n");
}

TEST_CASE("another protocol gets no answer, a counter and the end") {
    const std::pair<std::string, command::counter> peers[] = {
        {"\x16", command::counter::other_protocol_tls},
        {"\x80", command::counter::other_protocol_binary},
        {"*", command::counter::other_protocol_resp},
    };
    for (const auto& [first, which] : peers) {
        node served;
        for (int i = 1; i <= 3; ++i) {
            served.reconnect();
            CHECK(served.says(first) == "");
            CHECK(served.closed);
            CHECK(served.total(which) == static_cast<std::uint64_t>(i));
        }
    }
}

TEST_CASE("Apache httpd's conversation is answered as it expects") {
    node served;
    const std::string key = "mod_ssl-sess:" + std::string(64, 'd');
    const std::string session(158, '\x30');
    CHECK(served.says("set " + key + " 0 299 158 \r\n" + session + "\r\n") == "STORED\r\n");
    CHECK(served.says("get " + key + "\r\n") ==
          "VALUE " + key + " 0 158\r\n" + session + "\r\nEND\r\n");
    CHECK(ttl_of(served, key) == 299);
    CHECK(served.says("delete " + key + " 0\r\n") == "DELETED\r\n");
    CHECK(served.says("delete " + key + " 0\r\n") == "NOT_FOUND\r\n");
    CHECK(served.says("get " + key + "\r\n") == "END\r\n");
    CHECK(served.says("version\r\n").starts_with("VERSION 1.6.18-tlscached-"));
}

TEST_CASE("H2O's conversation is answered as it expects") {
    node served;
    const std::string key = "h2o:ssl-session-cache:" + std::string(43, '_');
    const std::string date = std::to_string(served.now.wall_seconds() + 3600);
    CHECK(served.says("set " + key + " 0 " + date + " 3\r\nabc\r\n") == "STORED\r\n");
    const std::string answer = served.says("gets " + key + "\r\n");
    CHECK(answer.starts_with("VALUE " + key + " 0 3 "));
    CHECK(answer.ends_with("\r\nabc\r\nEND\r\n"));
    CHECK(ttl_of(served, key) == 3600);
    CHECK(served.says("add h2o:ssl-session-key 0 600 3\r\nabc\r\n") == "STORED\r\n");
    CHECK(served.says("add h2o:ssl-session-key 0 600 3\r\nabc\r\n") == "NOT_STORED\r\n");
}
