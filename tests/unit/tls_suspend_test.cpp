#include <doctest/doctest.h>
#include <openssl/err.h>

#include <atomic>
#include <thread>

#include "tests/unit/tls_support.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

// A node that answers lookups after a while.
stand_in::behaviour slow_node(int milliseconds) {
    stand_in::behaviour how;
    how.mangle = [milliseconds](const stand_in_request& request, stand_in_reply& reply) {
        if (request.verb == "tg") {
            reply.when = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
        }
    };
    return how;
}

}  // namespace

TEST_CASE("calling again too early only suspends again") {
    cluster all(slow_node(20));
    frontend& a = all.add();
    const session_pointer session = make_session(all, a, {});
    client_options options;
    options.session = session.get();
    conversation talk(a.context.get(), options);
    for (int i = 0; i < 5; ++i) {
        talk.go_on();
        CHECK(talk.waits_for_answer());
    }
    CHECK(a.count(counter::suspended) == 1);
    CHECK(talk.complete());
    CHECK(talk.resumed());
    CHECK(a.count(counter::lookups) == 1);
}

TEST_CASE("a wake that is asked for after the answer comes at once, and never twice") {
    cluster all(slow_node(5));
    frontend& a = all.add();
    const session_pointer session = make_session(all, a, {});
    client_options options;
    options.session = session.get();
    conversation talk(a.context.get(), options);
    talk.go_on();
    REQUIRE(talk.waits_for_answer());
    std::atomic<int> first{0};
    on_answer(talk.server(), [&first] { ++first; });
    REQUIRE(await([&first] { return first.load() == 1; }));
    int second = 0;
    on_answer(talk.server(), [&second] { ++second; });
    CHECK(second == 1);
    CHECK(talk.complete());
    CHECK(first == 1);
}

TEST_CASE("an SSL that is freed while suspended calls nobody back") {
    cluster all(slow_node(10));
    frontend& a = all.add();
    const session_pointer session = make_session(all, a, {});
    for (int i = 0; i < 100; ++i) {
        client_options options;
        const session_pointer copy(SSL_SESSION_dup(session.get()));
        options.session = copy.get();
        auto talk = std::make_unique<conversation>(a.context.get(), options);
        talk->go_on();
        if (!talk->waits_for_answer()) {
            continue;  // the breaker is open: no lookup
        }
        auto called = std::make_unique<std::atomic<bool>>(false);
        on_answer(talk->server(), [flag = called.get()] { *flag = true; });
        if (i % 2 == 0) {
            // Some are freed at the very moment of the answer.
            await([&called, i] { return called->load() || i % 4 == 0; });
        }
        talk->drop_server();
        called.reset();  // a later call would write to freed memory
    }
    CHECK(a.count(counter::abandoned) > 0);
}

TEST_CASE("an abandoned lookup is a miss, and the handshake can go on") {
    cluster all(slow_node(50));
    frontend& a = all.add();
    const session_pointer session = make_session(all, a, {});
    client_options options;
    options.session = session.get();
    conversation talk(a.context.get(), options);
    talk.go_on();
    REQUIRE(talk.waits_for_answer());
    std::atomic<bool> called{false};
    on_answer(talk.server(), [&called] { called = true; });
    abandon(talk.server());
    CHECK(talk.complete());
    CHECK_FALSE(talk.resumed());
    CHECK_FALSE(called.load());
    CHECK(a.count(counter::abandoned) == 1);
}

TEST_CASE("a suspended connection is finished by another thread than the one that began it") {
    cluster all(slow_node(5));
    frontend& a = all.add();
    const session_pointer session = make_session(all, a, {});
    client_options options;
    options.session = session.get();
    conversation talk(a.context.get(), options);
    talk.go_on();
    bool resumed = false;
    std::thread other([&talk, &resumed] { resumed = talk.complete() && talk.resumed(); });
    other.join();
    CHECK(resumed);
}

TEST_CASE("threads share a context, blocking and suspended") {
    cluster all;
    frontend& a = all.add();
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&a, &failed, number] {
            session_pointer session;
            for (int i = 0; i < 50; ++i) {
                client_options options;
                options.version = i % 3 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
                options.suspend = number % 2 == 0;
                const session_pointer offered = std::move(session);
                options.session =
                    offered && SSL_SESSION_get_protocol_version(offered.get()) == options.version
                        ? offered.get()
                        : nullptr;
                conversation talk(a.context.get(), options);
                failed += !talk.complete();
                session = talk.session();
            }
        });
    }
    for (std::thread& each : threads) {
        each.join();
    }
    CHECK(failed == 0);
    CHECK(a.count(counter::handshakes) == 200);
}

TEST_CASE("a renegotiation is neither suspended nor resumed, and what it makes is not stored") {
    cluster all(slow_node(20));
    frontend& a = all.add();
    make_session(all, a, {});  // connected now
    client_options options;
    options.version = TLS1_2_VERSION;
    conversation talk(a.context.get(), options);
    REQUIRE(talk.complete());
    all.settle();
    REQUIRE(SSL_renegotiate(talk.server()) == 1);
    REQUIRE(SSL_do_handshake(talk.server()) == 1);
    char byte = 0;
    int unexpected = 0;
    while (talk.carry()) {
        SSL_read(talk.client(), &byte, 1);
        talk.carry();
        ERR_clear_error();
        const int error = SSL_get_error(talk.server(), SSL_read(talk.server(), &byte, 1));
        unexpected += error != SSL_ERROR_WANT_READ;
    }
    CHECK(unexpected == 0);
    CHECK(SSL_total_renegotiations(talk.client()) == 1);
    CHECK(a.count(counter::handshakes) == 3);
    CHECK(SSL_session_reused(talk.server()) == 0);
    CHECK(a.count(counter::not_waited) == 1);
    CHECK(a.count(counter::lookups) == 0);
    CHECK(a.count(counter::stored) == 2);
    CHECK(talk.exchange());
}

TEST_CASE("a cache can end while lookups are under way") {
    cluster all(slow_node(200));
    config settings = all.settings();
    context_pointer context = make_server_context();
    auto library = std::make_unique<cache>(settings, [](std::string_view) {});
    library->start();
    attachment attached = library->attach(context.get());
    frontend& other = all.add();
    const session_pointer session = make_session(all, other, {});
    client_options options;
    options.session = session.get();
    auto talk = std::make_unique<conversation>(context.get(), options);
    talk->go_on();
    library.reset();
    attached = attachment();
    talk.reset();
    CHECK(other.count(counter::stored) == 1);
}
