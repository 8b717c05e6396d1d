#include <doctest/doctest.h>

#include "tests/unit/tls_support.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

client_options offering(int version, const session_pointer& session) {
    client_options options;
    options.version = version;
    options.session = session.get();
    return options;
}

}  // namespace

TEST_CASE("a session made on one frontend resumes on another, suspended or blocking") {
    cluster all;
    frontend& a = all.add();
    frontend& b = all.add();
    for (const int version : versions) {
        for (const bool suspend : {true, false}) {
            CAPTURE(version);
            CAPTURE(suspend);
            client_options options;
            options.version = version;
            session_pointer session = make_session(all, a, options);
            for (frontend* at : {&b, &a, &b}) {
                options.session = session.get();
                options.suspend = suspend;
                conversation talk(at->context.get(), options);
                CHECK(talk.complete());
                CHECK(talk.resumed());
                CHECK(talk.suspensions() <= (suspend ? 1 : 0));
                all.settle();
                session = talk.session();
            }
        }
    }
    CHECK(a.count(counter::resumed) == 4);
    CHECK(b.count(counter::resumed) == 8);
    CHECK(b.count(counter::lookups) == 8);
    CHECK(b.count(counter::blocked) == 4);
    CHECK(b.count(counter::misses) + b.count(counter::unavailable) == 0);
}

TEST_CASE("a HelloRetryRequest keeps the one lookup") {
    cluster all;
    frontend& a = all.add();
    context_pointer only_p256 = make_server_context();
    SSL_CTX_set1_groups_list(only_p256.get(), "P-256");
    frontend& b = all.add({}, std::move(only_p256));
    client_options options;
    options.groups = "X25519:P-256";
    const session_pointer session = make_session(all, a, options);
    options.session = session.get();
    conversation talk(b.context.get(), options);
    CHECK(talk.complete());
    CHECK(talk.resumed());
    CHECK(b.count(counter::hellos) == 2);
    CHECK(b.count(counter::lookups) == 1);
    CHECK(b.count(counter::handshakes) == 1);
}

TEST_CASE("a hello that arrives byte by byte is looked up once") {
    cluster all;
    frontend& a = all.add();
    frontend& b = all.add();
    for (const int version : versions) {
        client_options options;
        options.version = version;
        const session_pointer session = make_session(all, a, options);
        options.session = session.get();
        options.segment = 1;
        conversation talk(b.context.get(), options);
        CHECK(talk.complete());
        CHECK(talk.resumed());
    }
    CHECK(b.count(counter::lookups) == 2);
    CHECK(b.count(counter::hellos) == 2);
}

TEST_CASE("a client's certificate comes back with its session") {
    cluster all;
    context_pointer contexts[] = {make_server_context(), make_server_context()};
    for (auto& each : contexts) {
        demand_client_certificate(each.get());
    }
    frontend& a = all.add({}, std::move(contexts[0]));
    frontend& b = all.add({}, std::move(contexts[1]));
    for (const int version : versions) {
        client_options options;
        options.version = version;
        options.show_certificate = true;
        const session_pointer session = make_session(all, a, options);
        options.session = session.get();
        conversation talk(b.context.get(), options);
        CHECK(talk.complete());
        CHECK(talk.resumed());
        X509* peer = SSL_get0_peer_certificate(talk.server());
        REQUIRE(peer != nullptr);
        CHECK(X509_cmp(peer, client_identity().certificate.get()) == 0);
        CHECK(SSL_get_verify_result(talk.server()) == X509_V_OK);
    }
    CHECK(b.count(counter::authentication_differs) == 0);
}

TEST_CASE("a TLS 1.3 session resumes once, or as often as it is offered where that is set") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        cluster all;
        const auto set = [single](config& settings) { settings.single_use = single; };
        frontend& a = all.add({}, make_server_context(), set);
        frontend& b = all.add({}, make_server_context(), set);
        const session_pointer session = make_session(all, a, {});
        // The client may not offer one object twice, other clients may.
        const session_pointer copy(SSL_SESSION_dup(session.get()));
        conversation first(b.context.get(), offering(TLS1_3_VERSION, session));
        CHECK(first.complete());
        CHECK(first.resumed());
        all.settle();
        conversation second(a.context.get(), offering(TLS1_3_VERSION, copy));
        CHECK(second.complete());
        CHECK(second.resumed() == !single);
    }
}

TEST_CASE("a renewed session keeps the time of the first authentication") {
    // The node says that each session is 3 seconds old; see transport_stand_in.
    cluster all;
    frontend& a = all.add();
    frontend& b = all.add();
    session_pointer session = make_session(all, a, {});
    const long whole = 7200;  // of OpenSSL's default and of the key file's
    CHECK(SSL_SESSION_get_ticket_lifetime_hint(session.get()) == whole);
    for (long renewals = 1; renewals <= 4; ++renewals) {
        conversation talk(b.context.get(), offering(TLS1_3_VERSION, session));
        REQUIRE(talk.complete());
        CHECK(talk.resumed());
        session = talk.session();
        // RFC 8446 4.6.1: the lifetime that the client is told.
        CHECK(SSL_SESSION_get_ticket_lifetime_hint(session.get()) == whole - 3 * renewals);
        all.settle();
    }
}

TEST_CASE("one TLS 1.3 ticket is issued per full handshake unless told otherwise") {
    for (const unsigned tickets : {0u, 1u, 3u}) {
        cluster all;
        frontend& a = all.add({}, make_server_context(),
                              [tickets](config& settings) { settings.tickets = tickets; });
        conversation talk(a.context.get(), {});
        CHECK(talk.complete());
        CHECK(a.count(counter::stored) == tickets);
    }
}

TEST_CASE("SSL_OP_NO_TICKET stays off the context, for servers copy its options to others") {
    cluster all;
    frontend& a = all.add();
    conversation talk(a.context.get(), {});
    CHECK(talk.complete());
    CHECK((SSL_CTX_get_options(a.context.get()) & SSL_OP_NO_TICKET) == 0);
    CHECK((SSL_get_options(talk.server()) & SSL_OP_NO_TICKET) != 0);
}

TEST_CASE("a servername callback that clears the connection's options loses no session") {
    cluster all;
    const auto clear = [](SSL* ssl, int*, void*) {
        SSL_clear_options(ssl, SSL_OP_NO_TICKET);
        return SSL_TLSEXT_ERR_OK;
    };
    context_pointer context = make_server_context();
    SSL_CTX_set_tlsext_servername_callback(context.get(),
                                           static_cast<int (*)(SSL*, int*, void*)>(clear));
    frontend& a = all.add({}, std::move(context));
    frontend& b = all.add();
    const session_pointer session = make_session(all, a, {});
    conversation talk(b.context.get(), offering(TLS1_3_VERSION, session));
    CHECK(talk.complete());
    CHECK(talk.resumed());
}

TEST_CASE("a client that could do TLS 1.3 resumes by ID on servers that can't") {
    const auto restrict_by_version = [](SSL_CTX* context) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    };
    const auto restrict_by_option = [](SSL_CTX* context) {
        SSL_CTX_set_options(context, SSL_OP_NO_TLSv1_3);
    };
    const auto restrict_by_method = [](SSL_CTX* context) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        SSL_CTX_set_ssl_version(context, TLSv1_2_server_method());
#pragma GCC diagnostic pop
    };
    const std::function<void(SSL_CTX*)> ways[] = {restrict_by_version, restrict_by_option,
                                                  restrict_by_method};
    for (const auto& restrict : ways) {
        cluster all;
        frontend* frontends[2] = {};
        for (frontend*& each : frontends) {
            context_pointer context = make_server_context();
            restrict(context.get());
            each = &all.add({}, std::move(context));
        }
        client_options options;
        options.version = 0;  // whatever the client can
        const session_pointer session = make_session(all, *frontends[0], options);
        // The random session ID of a fresh hello (RFC 8446 D.4) was not looked up.
        CHECK(frontends[0]->count(counter::lookups) == 0);
        CHECK(SSL_SESSION_get_protocol_version(session.get()) == TLS1_2_VERSION);
        options.session = session.get();
        conversation talk(frontends[1]->context.get(), options);
        CHECK(talk.complete());
        CHECK(talk.resumed());
    }
}
