#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/unit/transport_stand_in.hpp"
#include "tests/unit/transport_support.hpp"

// ThreadSanitizer ends a child that starts threads after a fork of a process that had some.
#if defined(__SANITIZE_THREAD__)
#define TLSCACHE_NO_FORK_TEST 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TLSCACHE_NO_FORK_TEST 1
#endif
#endif

#ifndef TLSCACHE_NO_FORK_TEST

namespace tlscache::testing {
namespace {

using transport::outcome;
using nodes_t = transport::transport;

// Runs `body` in a child; true if it returned true there.
template <class F>
bool in_child(F body) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(body() ? 0 : 1);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool finds(nodes_t& nodes, std::uint64_t number) {
    return until(nodes, key_of(number), [](const auto& r) { return r.outcome == outcome::hit; });
}

TEST_CASE("a forked child has connections of its own, and the parent keeps its own") {
    for (const bool threaded : {false, true}) {
        CAPTURE(threaded);
        stand_in server;
        nodes_t nodes(options_for({server.address()}));
        if (threaded) {
            nodes.start_thread();
        }
        REQUIRE(connected(nodes));
        nodes.store(key_of(1), bytes_of("one"), 60, 0);
        REQUIRE(nodes.drain(soon()));
        REQUIRE(server.connections() == 1);
        CHECK(in_child([&] {
            // What the parent has in its buffers must not be sent twice, nor its replies be read.
            nodes.store(key_of(2), bytes_of("two"), 60, 0);
            return finds(nodes, 1) && nodes.drain(soon()) && finds(nodes, 2);
        }));
        CHECK(server.connections() == 2);
        const session::cache_key key = key_of(2);
        CHECK(nodes.lookup(std::span(&key, 1), soon()).outcome == outcome::hit);
        CHECK(nodes.statistics().connects == 1);
        CHECK(nodes.statistics().bad_reply == 0);
    }
}

TEST_CASE("a child that never uses the transport ends without disturbing the parent's") {
    stand_in server;
    auto nodes = std::make_unique<nodes_t>(options_for({server.address()}));
    nodes->start_thread();
    REQUIRE(connected(*nodes));
    CHECK(in_child([&] {
        nodes.reset();
        return true;
    }));
    CHECK(connected(*nodes));
    CHECK(server.connections() == 1);
}

// Not under AddressSanitizer: gcc 12's does not take the locks of its own allocator over a fork, so
// that a child forked while another thread allocates waits for them for ever.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE(
    "a fork in the middle of lookups blocks nobody and answers the parent's in the parent only") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    nodes.store(key_of(1), bytes_of("one"), 60, 0);
    REQUIRE(nodes.drain(soon()));
    std::atomic<bool> ending{false};
    std::thread load([&] {
        const session::cache_key key = key_of(1);
        while (!ending) {
            nodes.lookup(std::span(&key, 1), in(100ms));
        }
    });
    bool all = true;
    for (int i = 0; i < 20; ++i) {
        answers got;
        const session::cache_key key = key_of(1);
        auto handle = nodes.begin(std::span(&key, 1), soon(), got.sink());
        all = all && in_child([&] {
                  handle.cancel();  // of the parent: nothing happens, and nobody waits
                  return finds(nodes, 1);
              });
        REQUIRE(got.wait_for(1));
        CHECK(got[0].outcome == outcome::hit);
    }
    ending = true;
    load.join();
    CHECK(all);
}
#endif

}  // namespace
}  // namespace tlscache::testing

#endif
