#include <doctest/doctest.h>
#include <openssl/err.h>

#include <sys/wait.h>

#include "tests/unit/tls_support.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

// ThreadSanitizer ends a child of a process with threads that starts threads itself.
#if defined(__SANITIZE_THREAD__)
constexpr bool children_may_start_threads = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool children_may_start_threads = false;
#else
constexpr bool children_may_start_threads = true;
#endif
#else
constexpr bool children_may_start_threads = true;
#endif

int count_hello(SSL*, int*, void* calls) {
    ++*static_cast<int*>(calls);
    return SSL_CLIENT_HELLO_SUCCESS;
}

int refuse_hello(SSL*, int* alert, void*) {
    *alert = SSL_AD_ACCESS_DENIED;
    return SSL_CLIENT_HELLO_ERROR;
}

int own_new(SSL*, SSL_SESSION*) {
    return 0;
}
SSL_SESSION* own_get(SSL*, const unsigned char*, int, int*) {
    return nullptr;
}
void own_remove(SSL_CTX*, SSL_SESSION*) {}

client_options version_of(int version) {
    client_options options;
    options.version = version;
    return options;
}

}  // namespace

TEST_CASE("the application's ClientHello callback runs after the library's, once per hello") {
    // The node's answer takes a while, so that the handshake is suspended.
    stand_in::behaviour slow;
    slow.mangle = [](const stand_in_request& request, stand_in_reply& reply) {
        if (request.verb == "tg") {
            reply.when = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        }
    };
    cluster all(slow);
    int calls = 0;
    attach_options options;
    options.client_hello = count_hello;
    options.client_hello_argument = &calls;
    frontend& a = all.add(options);
    client_options client;
    const session_pointer session = make_session(all, a, client);
    CHECK(calls == 1);
    client.session = session.get();
    conversation talk(a.context.get(), client);
    talk.go_on();
    CHECK(talk.waits_for_answer());
    CHECK(calls == 1);
    CHECK(talk.complete());
    CHECK(talk.resumed());
    CHECK(calls == 2);
}

TEST_CASE("the application's ClientHello callback may refuse the connection") {
    cluster all;
    attach_options options;
    options.client_hello = refuse_hello;
    frontend& a = all.add(options);
    conversation talk(a.context.get(), {});
    CHECK_FALSE(talk.complete());
    CHECK(talk.failed());
}

TEST_CASE("attaching says what the application had set, and detaching puts it back") {
    cluster all;
    int calls = 0;
    attach_options options;
    options.client_hello = count_hello;
    options.client_hello_argument = &calls;
    context_pointer context = make_server_context();
    SSL_CTX* const native = context.get();
    SSL_CTX_sess_set_new_cb(native, own_new);
    SSL_CTX_sess_set_get_cb(native, own_get);
    SSL_CTX_sess_set_remove_cb(native, own_remove);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(native, 4);
    SSL_CTX_set_max_early_data(native, 1000);
    const auto options_before = SSL_CTX_get_options(native);

    frontend& a = all.add(options, std::move(context));
    const std::string& report = a.attached.report();
    for (const char* said : {"new session callback", "get session callback",
                             "remove session callback", "cache mode 0x0 -> 0x302", "4 -> 1",
                             "max_early_data 1000 -> 0", "SSL_OP_NO_ANTI_REPLAY"}) {
        CHECK_MESSAGE(report.find(said) != std::string::npos, said, " in:\n", report);
    }
    CHECK(SSL_CTX_get_session_cache_mode(native) ==
          (SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL));

    a.attached = attachment();
    CHECK((SSL_CTX_sess_get_new_cb(native) == own_new));
    CHECK((SSL_CTX_sess_get_get_cb(native) == own_get));
    CHECK((SSL_CTX_sess_get_remove_cb(native) == own_remove));
    CHECK(SSL_CTX_get_session_cache_mode(native) == SSL_SESS_CACHE_OFF);
    CHECK(SSL_CTX_get_num_tickets(native) == 4);
    CHECK(SSL_CTX_get_max_early_data(native) == 1000);
    CHECK(SSL_CTX_get_options(native) == options_before);
    conversation talk(native, {});
    CHECK(talk.complete());
    CHECK(calls == 1);
    CHECK(a.count(counter::hellos) == 0);
    CHECK(a.attached.report().empty());
}

TEST_CASE("a context is attached once, and can be attached again after it was detached") {
    cluster all;
    frontend& a = all.add();
    CHECK_THROWS_AS(static_cast<void>(a.library.attach(a.context.get())), error);
    CHECK_THROWS_AS(static_cast<void>(a.library.attach(nullptr)), error);
    a.attached = attachment();
    a.attached = a.library.attach(a.context.get());
    conversation talk(a.context.get(), {});
    CHECK(talk.complete());
    CHECK(a.count(counter::handshakes) == 1);
}

TEST_CASE("a connection ends undisturbed after its context was detached and its cache is gone") {
    cluster all;
    config settings = all.settings();
    context_pointer context = make_server_context();
    std::optional<cache> library(std::in_place, settings, [](std::string_view) {});
    attachment attached = library->attach(context.get());
    conversation talk(context.get(), {});
    REQUIRE(talk.complete());
    attached = attachment();
    library.reset();
    context.reset();
    CHECK(talk.exchange());
    CHECK(forget(talk.server()));
}

TEST_CASE("several contexts of one process share one cache") {
    cluster all;
    frontend& a = all.add();
    const context_pointer second = make_server_context();
    const attachment also = a.library.attach(second.get());
    const session_pointer session = make_session(all, a, {});
    client_options options;
    options.session = session.get();
    conversation talk(second.get(), options);
    CHECK(talk.complete());
    CHECK(talk.resumed());
}

TEST_CASE("a connection that was not marked is never suspended") {
    for (const waiting how : {waiting::block, waiting::miss}) {
        cluster all;
        attach_options options;
        options.unmarked = how;
        frontend& a = all.add(options);
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            client_options client = version_of(version);
            client.suspend = false;
            const session_pointer session = make_session(all, a, client);
            client.session = session.get();
            conversation talk(a.context.get(), client);
            CHECK(talk.complete());
            CHECK(talk.suspensions() == 0);
            CHECK(talk.resumed() == (how == waiting::block));
        }
        CHECK(a.count(counter::not_waited) == (how == waiting::miss ? 2 : 0));
    }
}

TEST_CASE("without the node every handshake is a full one") {
    cluster all;
    frontend& a = all.add();
    const session_pointer session = make_session(all, a, {});
    all.node->stop();
    for (int i = 0; i < 20; ++i) {
        for (const bool suspend : {true, false}) {
            client_options options = version_of(i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
            const session_pointer copy(SSL_SESSION_dup(session.get()));
            options.session = options.version == TLS1_3_VERSION ? copy.get() : nullptr;
            options.suspend = suspend;
            conversation talk(a.context.get(), options);
            CHECK(talk.complete());
            CHECK_FALSE(talk.resumed());
        }
    }
    CHECK(a.count(counter::unavailable) == 20);
}

TEST_CASE("a node that never answers is given up at the deadline") {
    stand_in::behaviour mute;
    mute.mangle = [](const stand_in_request& request, stand_in_reply& reply) {
        reply.silent = request.verb == "tg" && request.key != std::string(24, 'A');
    };
    cluster all(mute);
    frontend& a =
        all.add({}, make_server_context(), [](config& settings) { settings.deadline_ms = 5; });
    for (const bool suspend : {true, false}) {
        const session_pointer session = make_session(all, a, {});
        client_options options;
        options.session = session.get();
        options.suspend = suspend;
        conversation talk(a.context.get(), options);
        CHECK(talk.complete());
        CHECK_FALSE(talk.resumed());
    }
    CHECK(a.count(counter::unavailable) == 2);
}

TEST_CASE("without a usable key nothing is shared, and the log says so once") {
    cluster all;
    const std::string readable = all.folder.write("readable.key", "x\n", 0644);
    for (const std::string& file : {std::string(), all.folder.file("absent.key"), readable}) {
        CAPTURE(file);
        frontend& a = all.add({}, make_server_context(),
                              [&file](config& settings) { settings.key_file = file; });
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            conversation talk(a.context.get(), version_of(version));
            CHECK(talk.complete());
            const session_pointer session = talk.session();
            // No ticket that nobody could find.
            CHECK((version == TLS1_2_VERSION || SSL_SESSION_is_resumable(session.get()) == 0));
        }
        CHECK(a.count(counter::handshakes) == 2);
        CHECK(a.count(counter::stored) == 0);
        CHECK(a.log.size() == 1);
    }
}

TEST_CASE("early data is refused and the handshake goes on") {
    cluster all;
    frontend& a = all.add();
    frontend& b = all.add();
    client_options options;
    const session_pointer session = make_session(all, a, options);
    // The ticket allows none; this client was made to believe that it does.
    SSL_SESSION_set_max_early_data(session.get(), 1000);
    options.session = session.get();
    options.early_data = "early";
    conversation talk(b.context.get(), options);
    CHECK(talk.complete());
    CHECK(talk.resumed());
    CHECK(SSL_get_early_data_status(talk.client()) == SSL_EARLY_DATA_REJECTED);
    CHECK(b.count(counter::early_data_refused) == 1);
}

TEST_CASE("a client on the same context keeps the application's new session callback") {
    static int seen = 0;
    cluster all;
    context_pointer context(SSL_CTX_new(TLS_method()));
    SSL_CTX_use_certificate(context.get(), server_identity().certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), server_identity().key.get());
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_BOTH);
    SSL_CTX_sess_set_new_cb(context.get(), [](SSL*, SSL_SESSION*) { return ++seen, 0; });
    frontend& a = all.add({}, std::move(context));
    const ssl_pointer client(SSL_new(a.context.get()));
    const ssl_pointer server(SSL_new(a.context.get()));
    BIO* client_end = nullptr;
    BIO* server_end = nullptr;
    REQUIRE(BIO_new_bio_pair(&client_end, 0, &server_end, 0) == 1);
    SSL_set_bio(client.get(), client_end, client_end);
    SSL_set_bio(server.get(), server_end, server_end);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    int done = 0;
    for (int i = 0; i < 20 && done != 2; ++i) {
        done = (SSL_do_handshake(client.get()) == 1) + (SSL_do_handshake(server.get()) == 1);
    }
    REQUIRE(done == 2);
    char byte = 0;
    CHECK(SSL_write(server.get(), "x", 1) == 1);
    CHECK(SSL_read(client.get(), &byte, 1) == 1);
    CHECK(seen == 1);
    CHECK(a.count(counter::stored) == 1);
}

TEST_CASE("a process that forks after attaching goes on in its child" *
          doctest::skip(!children_may_start_threads)) {
    cluster all;
    frontend& a = all.add();
    session_pointer session = make_session(all, a, {});
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // The first lookup finds no connection yet; later ones do.
        int resumed = 0;
        for (int i = 0; i < 200 && resumed < 2; ++i) {
            client_options options;
            options.session = session.get();
            conversation talk(a.context.get(), options);
            if (!talk.complete()) {
                _exit(2);
            }
            resumed += talk.resumed();
            session = talk.session();
            a.library.drain(std::chrono::milliseconds(100));
        }
        _exit(resumed == 2 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
