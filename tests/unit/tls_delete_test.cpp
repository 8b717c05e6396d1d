#include <doctest/doctest.h>

#include "tests/unit/tls_support.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

client_options version_of(int version) {
    client_options options;
    options.version = version;
    return options;
}

bool resumes(frontend& at, client_options options, SSL_SESSION* session) {
    const session_pointer copy(SSL_SESSION_dup(session));
    options.session = copy.get();
    conversation talk(at.context.get(), options);
    CHECK(talk.complete());
    return talk.resumed();
}

// Plaintext fatal alert "unexpected_message" (RFC 5246 7.2).
const std::string fatal_alert("\x15\x03\x03\x00\x02\x02\x0a", 7);

}  // namespace

TEST_CASE("an onlooker who repeats a hello and then fails does not delete the session") {
    cluster all;
    frontend& a = all.add();
    frontend& b = all.add();
    for (const int version : versions) {
        CAPTURE(version);
        const session_pointer session = make_session(all, a, version_of(version));
        const int deleted = all.node->requests("md");
        {
            // The victim's hello, and rubbish instead of the rest.
            client_options options = version_of(version);
            const session_pointer copy(SSL_SESSION_dup(session.get()));
            options.session = copy.get();
            conversation attack(b.context.get(), options);
            SSL_do_handshake(attack.client());
            std::string hello(2000, '\0');
            const int size = BIO_read(SSL_get_wbio(attack.client()), hello.data(), 2000);
            attack.inject(hello.substr(0, static_cast<std::size_t>(size)));
            while (SSL_get_error(attack.server(), SSL_do_handshake(attack.server())) ==
                   SSL_ERROR_WANT_CLIENT_HELLO_CB) {
                attack.wait_for_answer();
            }
            CHECK(SSL_session_reused(attack.server()) == 1);
            attack.inject(fatal_alert);
            CHECK(SSL_get_error(attack.server(), SSL_do_handshake(attack.server())) ==
                  SSL_ERROR_SSL);
        }
        all.settle();
        CHECK(all.node->requests("md") == deleted);
        CHECK(resumes(b, version_of(version), session.get()));
    }
}

TEST_CASE("a fatal alert and an unclean close leave the session") {
    cluster all;
    frontend& a = all.add();
    for (const int version : versions) {
        conversation talk(a.context.get(), version_of(version));
        REQUIRE(talk.complete());
        talk.inject(fatal_alert);
        char byte = 0;
        CHECK(SSL_read(talk.server(), &byte, 1) <= 0);
        const session_pointer session = talk.session();
        talk.drop_server();
        all.settle();
        CHECK(resumes(a, version_of(version), session.get()));
    }
}

TEST_CASE("forget ends a session, and those issued on its connection, on all frontends") {
    cluster all;
    frontend& a = all.add();
    frontend& b = all.add();
    for (const int version : versions) {
        CAPTURE(version);
        const session_pointer session = make_session(all, a, version_of(version));
        client_options options = version_of(version);
        const session_pointer copy(SSL_SESSION_dup(session.get()));
        options.session = copy.get();
        conversation live(b.context.get(), options);
        REQUIRE(live.complete());
        CHECK(live.resumed());
        all.settle();
        const session_pointer renewed = live.session();
        CHECK(forget(live.server()));
        all.settle();
        for (frontend* at : {&a, &b}) {
            CHECK_FALSE(resumes(*at, version_of(version), session.get()));
            CHECK_FALSE(resumes(*at, version_of(version), renewed.get()));
        }
    }
    CHECK(b.count(counter::forgotten) == 2);
}

TEST_CASE("what is issued after forget is not stored") {
    cluster all;
    frontend& a = all.add();
    conversation talk(a.context.get(), {});
    REQUIRE(talk.complete());
    CHECK(a.count(counter::stored) == 1);
    CHECK(forget(talk.server()));
    CHECK(SSL_new_session_ticket(talk.server()) == 1);
    CHECK(talk.exchange());
    CHECK(a.count(counter::stored) == 1);
    CHECK(a.count(counter::not_stored_forgotten) == 1);
}

TEST_CASE("forget says no to a connection that is not of the cache") {
    const context_pointer plain = make_server_context();
    client_options options;
    options.suspend = false;
    conversation talk(plain.get(), options);
    REQUIRE(talk.complete());
    CHECK_FALSE(forget(talk.server()));
    CHECK_FALSE(allow_suspend(talk.server()));
}

TEST_CASE("one of two resumptions in flight that fails does not harm the other, nor later ones") {
    cluster all;
    frontend& a =
        all.add({}, make_server_context(), [](config& settings) { settings.single_use = false; });
    for (const int version : versions) {
        CAPTURE(version);
        const session_pointer session = make_session(all, a, version_of(version));
        for (int round = 0; round < 100; ++round) {
            client_options options = version_of(version);
            const session_pointer copies[] = {session_pointer(SSL_SESSION_dup(session.get())),
                                              session_pointer(SSL_SESSION_dup(session.get()))};
            options.session = copies[0].get();
            conversation killed(a.context.get(), options);
            options.session = copies[1].get();
            conversation other(a.context.get(), options);
            // The killed one gets to its ServerHello, then the alert.
            killed.go_on();
            if (killed.waits_for_answer()) {
                killed.wait_for_answer();
            }
            SSL_do_handshake(killed.server());
            killed.inject(fatal_alert);
            SSL_do_handshake(killed.server());
            killed.drop_server();
            REQUIRE(other.complete());
        }
        CHECK(resumes(a, version_of(version), session.get()));
    }
    CHECK(a.count(counter::refused_undecodable) == 0);
}
