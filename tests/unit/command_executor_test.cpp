#include <doctest/doctest.h>

#include <random>
#include <thread>

#include "tests/support/command_fixture.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

// Every kind of reply, with keys that are decoded in place, and an end.
std::string long_conversation() {
    std::string sent;
    for (int i = 0; i < 60; ++i) {
        const std::string n = std::to_string(i);
        sent += "set k" + n + " " + n + " 0 " + std::to_string(n.size()) + "\r\n" + n + "\r\n";
        sent += "ms Zm9vYmFy 3 b k\r\nabc\r\nmg Zm9vYmFy b k v O" + n + "\r\n";
        sent += "ts AAECAwQFBgcICQoLDA0ODxAR 3 T60\r\nxyz\r\ntg AAECAwQFBgcICQoLDA0ODxAR k\r\n";
        sent += "get k" + n + " k1 nothing k2\r\nincr k" + n + " 1\r\nma Zm9vYmFy b\r\n";
        sent += "set big 0 0 20000\r\n" + std::string(20000, 'b') + "\r\nmd Zm9vYmFy b\r\n";
        sent += "ms Zm9vYmFy 20000 b\r\n" + std::string(20000, 'b') + "\r\nnonsense\r\n";
    }
    return sent + "mn\r\nquit\r\nget behind\r\n";
}

}  // namespace

TEST_CASE("a conversation is answered the same whatever the output's limit") {
    const std::string sent = long_conversation();
    node unbounded;
    const std::string expected = unbounded.says(sent);
    CHECK(expected.size() > 10000);
    CHECK(unbounded.closed);
    CHECK(unbounded.pauses == 0);
    for (const std::size_t output_bytes_max : {1u, 7u, 64u, 500u, 4096u}) {
        CAPTURE(output_bytes_max);
        node bounded(output_bytes_max);
        CHECK(bounded.says(sent) == expected);
        CHECK(bounded.closed);
        CHECK(bounded.pauses > 3);
        CHECK(bounded.total(command::counter::cmd_get) ==
              unbounded.total(command::counter::cmd_get));
        CHECK(bounded.total(command::counter::cmd_set) ==
              unbounded.total(command::counter::cmd_set));
    }
}

TEST_CASE("where the output is full, what was not executed is left as it came") {
    node served;
    wire::buffer output;
    command::executor narrow(served.entries, served.view, served.counted, 1);
    command::connection_state connection;
    std::string input = "mn\r\nmg Zm9vYmFy b k\r\nmg Zm8= b k\r\nget a b\r\n";
    const std::string sent = input;
    command::progress done = narrow.run(connection, input, output, served.now);
    CHECK(output.view() == "MN\r\n");
    CHECK(done.output_full);
    CHECK(done.consumed == 4);
    CHECK(input == sent);
    // The caller may move it in the meantime.
    std::string moved = input.substr(done.consumed);
    output.consume(output.size());
    done = narrow.run(connection, moved, output, served.now);
    CHECK(output.view() == "EN kZm9vYmFy b\r\n");
    CHECK(moved.substr(done.consumed) == "mg Zm8= b k\r\nget a b\r\n");
}

TEST_CASE("output ends at its limit plus one reply at most") {
    node served;
    served.says("set a 0 0 10000\r\n" + std::string(10000, 'a') + "\r\n");
    wire::buffer output;
    command::executor narrow(served.entries, served.view, served.counted, 1000);
    command::connection_state connection;
    std::string input = "get a a a a a a a a a a\r\n";
    const command::progress done = narrow.run(connection, input, output, served.now);
    CHECK(done.output_full);
    CHECK(output.size() > 10000);
    CHECK(output.size() < 10100);
}

TEST_CASE("a conversation is answered the same in pieces of any size") {
    const std::string sent = long_conversation();
    node whole;
    const std::string expected = whole.says(sent);
    const auto seed = std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    for (const std::size_t most : {3u, 50u, 5000u}) {
        node served(300);
        std::string answer;
        for (std::size_t at = 0; at < sent.size() && !served.closed;) {
            const std::size_t size = std::min<std::size_t>(1 + random() % most, sent.size() - at);
            answer += served.says(std::string_view(sent).substr(at, size));
            at += size;
        }
        CHECK(answer == expected);
    }
}

TEST_CASE("what the next request needs is told for the whole input") {
    node served;
    served.says("mn\r\nset a 0 0 100\r\nabc");
    CHECK(served.last.needed == 15 + 102);
    CHECK(served.unread() == 15 + 3);
}

TEST_CASE(
    "a set that is too large answers once, swallows its block, and drops what it was to replace") {
    const std::string big(16385, 'v');
    for (const std::string refused :
         {"set a 0 0 16385\r\n", "set a 0 0 16385 noreply\r\n", "ms a 16385 q\r\n"}) {
        CAPTURE(refused);
        node served;
        served.says("set a 0 0 1\r\nx\r\n");
        const std::string answer = served.says(refused + big + "\r\n");
        CHECK(answer == (refused.find("noreply") != std::string::npos
                             ? ""
                             : "SERVER_ERROR object too large for cache\r\n"));
        CHECK(served.says("get a\r\n") == "END\r\n");
        CHECK(served.total(command::counter::store_too_large) == 1);
    }
    for (const std::string kept :
         {"add a 0 0 16385\r\n", "append a 0 0 16385\r\n", "cas a 0 0 16385 1\r\n"}) {
        node served;
        served.says("set a 0 0 1\r\nx\r\n");
        served.says(kept + big + "\r\n");
        CHECK(served.says("get a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n");
    }
    node served;
    served.says(
        "ts AAECAwQFBgcICQoLDA0ODxAR 1 T9\r\nx\r\nts AAECAwQFBgcICQoLDA0ODxAR 16385 T9\r\n" + big +
        "\r\n");
    CHECK(served.says("tg AAECAwQFBgcICQoLDA0ODxAR\r\n").starts_with("TN "));
}

TEST_CASE("an append that grows beyond the limit is not stored, and what was there stays") {
    node served;
    served.says("set a 0 0 16000\r\n" + std::string(16000, 'v') + "\r\n");
    CHECK(served.says("append a 0 0 500\r\n" + std::string(500, 'w') + "\r\n") == "NOT_STORED\r\n");
    CHECK(served.says("ms a 500 MP\r\n" + std::string(500, 'w') + "\r\n") == "NS\r\n");
    CHECK(served.says("mg a s\r\n") == "HD s16000\r\n");
}

TEST_CASE("quit ends the connection without a word, and nothing behind it runs") {
    node served;
    CHECK(served.says("set a 0 0 1\r\nx\r\nquit\r\ndelete a\r\n") == "STORED\r\n");
    CHECK(served.closed);
    served.reconnect();
    CHECK(served.says("get a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n");
}

TEST_CASE("shutdown needs to be allowed, and tells the server how") {
    node served;
    CHECK(served.says("shutdown\r\n") == "ERROR: shutdown not enabled\r\n");
    served.view.may_shut_down = true;
    CHECK(served.says("shutdown now\r\n") == "CLIENT_ERROR invalid shutdown mode\r\n");
    CHECK_FALSE(served.closed);
    CHECK(served.says("shutdown\r\n") == "");
    CHECK(served.closed);
    served.reconnect();
    CHECK(served.says("shutdown graceful\r\n") == "");
    CHECK(served.view.shutdowns == 1);
    CHECK(served.view.graceful_shutdowns == 1);
}

TEST_CASE("verbosity reaches the server, no higher than memcached's highest level") {
    node served;
    CHECK(served.says("verbosity 2\r\n") == "OK\r\n");
    CHECK(served.view.verbosity == 2);
    CHECK(served.says("verbosity 99 noreply\r\n") == "");
    CHECK(served.view.verbosity == 3);
}

TEST_CASE("each refusal has its counter") {
    using command::counter;
    const std::pair<std::string, counter> refusals[] = {
        {"nonsense\r\n", counter::refused_unknown_command},
        {"touch a x\r\n", counter::refused_bad_line},
        {"get " + std::string(251, 'k') + "\r\n", counter::refused_key_too_long},
        {"set a 0 0 1\r\nxyz\r\n", counter::refused_bad_data},
        {std::string(3000, 'x'), counter::refused_line_too_long},
        {"\x16\x03\x01", counter::other_protocol_tls},
        {"\x80", counter::other_protocol_binary},
        {"*1\r\n", counter::other_protocol_resp},
        {"GET / HTTP/1.1\r\n", counter::other_protocol_http},
    };
    for (const auto& refused : refusals) {
        const std::string& sent = refused.first;
        const counter which = refused.second;
        CAPTURE(sent.substr(0, 40));
        node served;
        served.says(sent);
        command::counter_values expected{};
        expected[static_cast<std::size_t>(which)] = 1;
        CHECK(served.counted.totals() == expected);
    }
}

TEST_CASE("counters of several threads are summed") {
    command::statistics counted;
    constexpr int each = 10000;
    const auto work = [&counted] {
        command::counter_block& mine = counted.new_block();
        for (int i = 0; i < each; ++i) {
            mine.add(command::counter::cmd_get);
        }
    };
    std::thread first(work);
    std::thread other(work);
    std::uint64_t seen = 0;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t now = counted.totals()[0];
        CHECK(now >= seen);
        seen = now;
    }
    first.join();
    other.join();
    CHECK(counted.totals()[0] == 2 * each);
}
