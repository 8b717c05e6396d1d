#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "client_lib/transport/limits.hpp"
#include "client_lib/wire/base64.hpp"
#include "tests/unit/transport_stand_in.hpp"
#include "tests/unit/transport_support.hpp"

// The transport against a node that the test makes: what goes right, and what a handshake sees of
// all that can go wrong.

namespace tlscache::testing {
namespace {

using transport::outcome;
using transport::unavailable_reason;
using nodes_t = transport::transport;

transport::lookup_result ask(nodes_t& nodes, std::uint64_t number) {
    const session::cache_key key = key_of(number);
    return nodes.lookup(std::span(&key, 1), soon());
}

TEST_CASE("what was stored is found, with time to live and age by the node's clock") {
    for (const bool threaded : {false, true}) {
        CAPTURE(threaded);
        stand_in server;
        nodes_t nodes(options_for({server.address()}));
        if (threaded) {
            nodes.start_thread();
        }
        REQUIRE(connected(nodes));
        CHECK(ask(nodes, 1).outcome == outcome::miss);
        nodes.store(key_of(1), bytes_of("sealed\r\nsession"), 7200, 0xabc);
        REQUIRE(nodes.drain(soon()));
        const auto got = ask(nodes, 1);
        CHECK(got.outcome == outcome::hit);
        CHECK(text_of(got.value) == "sealed\r\nsession");
        CHECK(got.ttl == 7197);
        CHECK(got.age == 3);
        CHECK(server.last_line("ts").ends_with(" 15 T7200 h0000000000000abc"));
        nodes.erase(key_of(1));
        REQUIRE(nodes.drain(soon()));
        CHECK(ask(nodes, 1).outcome == outcome::miss);
        const auto counted = nodes.statistics();
        CHECK(counted.stores_sent == 1);
        CHECK(counted.erases_sent == 1);
        CHECK(counted.lookups == counted.hits + counted.misses + counted.unavailable);
    }
}

TEST_CASE("a plain memcached serves as a node, without an age") {
    stand_in server(stand_in::behaviour{.plain = true, .mangle = nullptr});
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    nodes.store(key_of(1), bytes_of("flush_all"), 60, 1);
    REQUIRE(nodes.drain(soon()));
    const auto got = ask(nodes, 1);
    CHECK(got.outcome == outcome::hit);
    CHECK(got.ttl == 57);
    CHECK(got.age == -1);
    CHECK(server.requests("ts") == 0);
    CHECK(server.requests("tg") == 1);  // the greeting
}

TEST_CASE("of two keys the first hit wins, and a miss needs both") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    nodes.store(key_of(2), bytes_of("two"), 60, 0);
    REQUIRE(nodes.drain(soon()));
    const std::array keys = {key_of(1), key_of(2)};
    const auto got = nodes.lookup(keys, soon());
    CHECK(got.outcome == outcome::hit);
    CHECK(got.key_index == 1);
    const std::array others = {key_of(3), key_of(4)};
    CHECK(nodes.lookup(others, soon()).outcome == outcome::miss);
    CHECK(nodes.lookup({}, soon()).outcome == outcome::miss);
}

TEST_CASE("lookups of concurrent handshakes leave in one write") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));  // no thread: this test is the server's loop
    REQUIRE(connected(nodes));
    const int reads_before = server.reads();
    answers got;
    for (std::uint64_t i = 0; i < 50; ++i) {
        const session::cache_key key = key_of(i);
        nodes.begin(std::span(&key, 1), soon(), got.sink());
    }
    while (got.count() < 50) {
        pollfd waits{nodes.fd(), POLLIN, 0};
        REQUIRE(::poll(&waits, 1, 20'000) == 1);
        nodes.process();
    }
    CHECK(server.reads() - reads_before == 1);
    CHECK(server.requests("tg") >= 50);
}

TEST_CASE("threads that wait for answers do the work in turn, and none waits for another's") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));  // no thread of its own
    REQUIRE(connected(nodes));
    std::atomic<bool> ending{false};
    std::atomic<int> stuck{0};
    std::atomic<int> failed{0};
    std::thread loop([&] {  // a server's loop beside them
        while (!ending) {
            pollfd waits{nodes.fd(), POLLIN, 0};
            ::poll(&waits, 1, 10);
            nodes.process();
        }
    });
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 300; ++i) {
                const auto begun = std::chrono::steady_clock::now();
                const auto got = ask(nodes, t);
                // A wake-up that is lost costs a second.
                stuck += std::chrono::steady_clock::now() - begun > 900ms ? 1 : 0;
                failed += answered(got) ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    ending = true;
    loop.join();
    CHECK(failed == 0);
    MESSAGE(stuck.load() << " of 1200 lookups took a second");
    CHECK(stuck <= 1);  // of a machine that is very busy
}

TEST_CASE("inside a server's loop a deadline makes the descriptor readable") {
    std::atomic<bool> silent{false};
    stand_in server({.plain = false,
                     .mangle = [&](const auto&, auto& reply) { reply.silent = silent.load(); }});
    nodes_t nodes(options_for({server.address()}));
    REQUIRE(connected(nodes));
    silent = true;
    const session::cache_key key = key_of(1);
    answers got;
    const auto deadline = in(20ms);
    nodes.begin(std::span(&key, 1), deadline, got.sink());
    CHECK(nodes.next_timeout() <= 20ms);
    while (got.count() == 0) {
        pollfd waits{nodes.fd(), POLLIN, 0};
        REQUIRE(::poll(&waits, 1, 20'000) == 1);
        nodes.process();
    }
    CHECK(std::chrono::steady_clock::now() >= deadline);
    CHECK(got[0].reason == unavailable_reason::deadline);
}

TEST_CASE("a node that is not there costs nothing") {
    stand_in server;
    const std::string gone = server.address();
    server.stop();
    nodes_t nodes(options_for({gone}));
    nodes.start_thread();
    const session::cache_key key = key_of(1);
    REQUIRE(until(nodes, key,
                  [](const auto& r) { return r.reason == unavailable_reason::breaker_open; }));
    const auto before = nodes.statistics();
    const int count = 20'000;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        bool called = false;
        nodes.begin(std::span(&key, 1), soon(),
                    [&](const auto& result) { called = result.outcome == outcome::unavailable; });
        REQUIRE(called);  // inside begin
    }
    const auto each = (std::chrono::steady_clock::now() - begin) / count;
    MESSAGE("a lookup at an open breaker: " << each.count() << " ns");
    CHECK(nodes.statistics().breaker_open - before.breaker_open == count);
}

TEST_CASE("a node that comes back is used again within five seconds") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    server.stop();
    const session::cache_key key = key_of(1);
    REQUIRE(until(nodes, key, [](const auto& r) { return !answered(r); }));
    // Long enough for the pauses to reach their cap.
    CHECK_FALSE(until(nodes, key, answered, in(2s)));
    CHECK(nodes.statistics().connects_failed >= 3);
    CHECK(nodes.statistics().connects_failed <= 12);
    server.start();
    CHECK(until(nodes, key, answered, in(5s)));
}

TEST_CASE("three deadlines in a row open the breaker; the late replies disturb nobody") {
    std::atomic<bool> slow{true};
    stand_in server({.plain = false, .mangle = [&](const auto& request, auto& reply) {
                         if (slow && request.verb == "tg" && request.key[0] != 'A') {
                             reply.when = in(50ms);
                         }
                     }});
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    const session::cache_key greeting_like{};
    REQUIRE(connected(nodes, greeting_like));
    nodes.store(key_of(1), bytes_of("one"), 60, 0);
    nodes.store(key_of(2), bytes_of("two"), 60, 0);
    REQUIRE(nodes.drain(soon()));
    const session::cache_key key = key_of(1);
    for (int i = 0; i < 3; ++i) {
        CHECK(nodes.lookup(std::span(&key, 1), in(2ms)).reason == unavailable_reason::deadline);
    }
    REQUIRE(until(nodes, key,
                  [](const auto& r) { return r.reason == unavailable_reason::breaker_open; }));
    slow = false;
    REQUIRE(until(nodes, key_of(2), [](const auto& r) { return r.outcome == outcome::hit; }));
    CHECK(text_of(ask(nodes, 2).value).substr(0, 3) != "one");
    const auto counted = nodes.statistics();
    CHECK(counted.breaker_opened == 1);
    CHECK(counted.late_replies >= 3);
    CHECK(counted.connects == 1);  // a late reply is no reason to reconnect
}

TEST_CASE("a slow node opens the breaker though it meets every deadline") {
    std::atomic<bool> slow{false};
    stand_in server({.plain = false, .mangle = [&](const auto&, auto& reply) {
                         if (slow) {
                             reply.when = in(8ms);
                         }
                     }});
    auto options = options_for({server.address()});
    options.slow = 5ms;
    nodes_t nodes(options);
    nodes.start_thread();
    REQUIRE(connected(nodes));
    slow = true;
    const session::cache_key key = key_of(1);
    CHECK(until(nodes, key,
                [](const auto& r) { return r.reason == unavailable_reason::breaker_open; }));
    CHECK(nodes.statistics().deadline == 0);
}

TEST_CASE("a node that stops in the middle is given up after a second and asked anew") {
    std::atomic<bool> stalled{false};
    stand_in server({.plain = false, .mangle = [&](const auto&, auto& reply) {
                         if (stalled) {
                             reply.bytes.resize(reply.bytes.size() / 2);
                         }
                     }});
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    stalled = true;
    const session::cache_key key = key_of(1);
    const auto begun = std::chrono::steady_clock::now();
    CHECK(nodes.lookup(std::span(&key, 1), in(5ms)).reason == unavailable_reason::deadline);
    CHECK(until(nodes, key, [&](const auto&) { return server.connections() > 1; }));
    CHECK(std::chrono::steady_clock::now() - begun >= transport::reply_overdue);
    CHECK(nodes.statistics().bad_reply == 0);
    stalled = false;
    CHECK(until(nodes, key, answered));
}

// A hit of four bytes, whole and cut: the reply ends after n bytes, then the connection.
TEST_CASE("a connection closed after any byte of a reply is unavailable, then usable again") {
    constexpr std::size_t whole = sizeof("TV 4 t57 a3 n1700000000 r1a2b3c4d e7\r\ndata\r\n") - 1;
    for (std::size_t n = 0; n < whole; n += 5) {
        CAPTURE(n);
        std::atomic<bool> cut{false};
        stand_in server({.plain = false, .mangle = [&](const auto& request, auto& reply) {
                             if (cut && request.verb == "tg") {
                                 reply.bytes.resize(std::min(n, reply.bytes.size()));
                                 reply.close = true;
                                 cut = false;
                             }
                         }});
        nodes_t nodes(options_for({server.address()}));
        nodes.start_thread();
        REQUIRE(connected(nodes, session::cache_key{}));
        nodes.store(key_of(1), bytes_of("data"), 60, 0);
        REQUIRE(nodes.drain(soon()));
        cut = true;
        const auto got = ask(nodes, 1);
        CHECK(got.outcome == outcome::unavailable);
        CHECK(got.reason == unavailable_reason::connection_lost);
        CHECK(until(nodes, key_of(1), [](const auto& r) { return text_of(r.value) == "data"; }));
    }
}

TEST_CASE("garbage from a node is unavailable and costs the connection") {
    for (const std::string garbage :
         {"\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "VALUE x 0 1\r\nx\r\nEND\r\n",
          "TV 99999999 t1 a0 n1 r00000000 e0\r\n", "TV 1 t1 a0 n1 r00000000 e0\r\nabc"}) {
        CAPTURE(garbage);
        std::atomic<bool> wrong{false};
        stand_in server({.plain = false, .mangle = [&](const auto& request, auto& reply) {
                             if (request.verb == "tg" && wrong.exchange(false)) {
                                 reply.bytes = garbage;
                             }
                         }});
        nodes_t nodes(options_for({server.address()}));
        nodes.start_thread();
        REQUIRE(connected(nodes));
        wrong = true;
        const auto got = ask(nodes, 1);
        CHECK(got.outcome == outcome::unavailable);
        CHECK(got.reason == unavailable_reason::bad_reply);
        CHECK(until(nodes, key_of(1), answered));
        CHECK(server.connections() == 2);
    }
}

TEST_CASE("stores beyond the queue are dropped, the newest first, and counted") {
    stand_in server;
    const std::string gone = server.address();
    server.stop();
    auto options = options_for({gone});
    options.queued_stores_max = 10;
    nodes_t nodes(options);
    for (std::uint64_t i = 0; i < 15; ++i) {
        nodes.store(key_of(i), bytes_of("value" + std::to_string(i)), 60, 0);
    }
    nodes.store(key_of(99), std::vector<std::uint8_t>(transport::value_bytes_max + 1), 60, 0);
    CHECK(nodes.statistics().stores_queued == 10);
    CHECK(nodes.statistics().stores_dropped == 5);
    CHECK(nodes.statistics().stores_refused == 1);
    // Erasures have room of their own: a session that was ended must not outlive an outage.
    for (std::uint64_t i = 0; i < 12; ++i) {
        nodes.erase(key_of(i % 9));
    }
    CHECK(nodes.statistics().erases_dropped == 2);
    CHECK(nodes.statistics().stores_dropped == 5);
    server.start();
    nodes.start_thread();
    REQUIRE(nodes.drain(soon()));
    CHECK(ask(nodes, 8).outcome == outcome::miss);
    CHECK(ask(nodes, 9).outcome == outcome::hit);
    CHECK(ask(nodes, 10).outcome == outcome::miss);
}

TEST_CASE("an erasure whose reply is lost with its connection is counted") {
    stand_in server({.plain = false, .mangle = [](const auto& request, auto& reply) {
                         reply.close = reply.silent = request.verb == "md";
                     }});
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    nodes.erase(key_of(1));
    REQUIRE(nodes.drain(soon()));
    CHECK(nodes.statistics().erases_sent == 1);
    CHECK(nodes.statistics().erases_dropped == 1);
}

TEST_CASE("a queued store that has outlived itself is not sent") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));
    nodes.store(key_of(1), bytes_of("dead"), 0, 0);
    nodes.store(key_of(2), bytes_of("live"), 60, 0);
    nodes.start_thread();
    REQUIRE(nodes.drain(soon()));
    CHECK(server.requests("ts") == 1);
    CHECK(nodes.statistics().stores_dropped == 1);
}

TEST_CASE("more lookups than may be in flight are refused at once") {
    std::atomic<bool> silent{false};
    stand_in server({.plain = false,
                     .mangle = [&](const auto&, auto& reply) { reply.silent = silent.load(); }});
    auto options = options_for({server.address()});
    options.lookups_in_flight_max = 8;
    nodes_t nodes(options);
    nodes.start_thread();
    REQUIRE(connected(nodes));
    silent = true;
    answers got;
    for (std::uint64_t i = 0; i < 10; ++i) {
        const session::cache_key key = key_of(i);
        nodes.begin(std::span(&key, 1), in(200ms), got.sink());
    }
    REQUIRE(got.wait_for(10));
    CHECK(nodes.statistics().queue_full == 2);
}

TEST_CASE("with replicas a store goes to both nodes, and a lookup to one that is there") {
    stand_in first;
    stand_in second;
    auto options = options_for({first.address(), second.address()});
    options.replicas = 2;
    nodes_t nodes(options);
    nodes.start_thread();
    nodes.store(key_of(1), bytes_of("both"), 60, 0);
    REQUIRE(nodes.drain(soon()));
    CHECK(first.requests("ts") == 1);
    CHECK(second.requests("ts") == 1);
    for (stand_in* gone : {&first, &second}) {
        gone->stop();
        CHECK(until(nodes, key_of(1), [](const auto& r) { return r.outcome == outcome::hit; }));
        gone->start();
    }
}

TEST_CASE("a name is resolved in the background, and an unknown one is unavailable") {
    stand_in server;
    const std::string port = server.address().substr(server.address().find(':'));
    nodes_t named(options_for({"localhost" + port}));
    named.start_thread();
    CHECK(connected(named));
    nodes_t unknown(options_for({"no-such-host.invalid:11211"}));
    unknown.start_thread();
    CHECK(until(unknown, key_of(1),
                [](const auto& r) { return r.reason == unavailable_reason::breaker_open; }));
}

}  // namespace
}  // namespace tlscache::testing
