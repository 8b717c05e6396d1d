// A session resumes only where it was made for (RFC 6066 3). Each case has its control: with the
// binding off the same steps resume, so that it is the binding that refuses.

#include <doctest/doctest.h>

#include <map>
#include <utility>

#include "tests/unit/tls_support.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

attach_options binding(bool on) {
    attach_options options;
    options.unsafe_no_binding = !on;
    return options;
}

// A server with virtual hosts that its servername callback chooses.
struct virtual_hosts {
    context_pointer listening = make_server_context();
    std::map<std::string, context_pointer> hosts;

    virtual_hosts() {
        SSL_CTX_set_tlsext_servername_callback(listening.get(), choose);
        SSL_CTX_set_tlsext_servername_arg(listening.get(), this);
    }

    SSL_CTX* serving(std::string_view name) const {
        const auto found = hosts.find(std::string(name));
        return found == hosts.end() ? listening.get() : found->second.get();
    }

    static int choose(SSL* ssl, int*, void* self) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        SSL_CTX* chosen = static_cast<virtual_hosts*>(self)->serving(name ? name : "");
        SSL_set_SSL_CTX(ssl, chosen);
        SSL_set_verify(ssl, SSL_CTX_get_verify_mode(chosen), nullptr);
        return SSL_TLSEXT_ERR_OK;
    }
};

// a.test asks nothing, b.test demands a client certificate.
void set_up_hosts(virtual_hosts& server) {
    server.hosts["b.test"] = make_server_context();
    demand_client_certificate(server.hosts["b.test"].get());
}

context_pointer share(const context_pointer& context) {
    SSL_CTX_up_ref(context.get());
    return context_pointer(context.get());
}

// Makes a session for one name, offers it for another.
bool resumes(cluster& all, frontend& first, frontend& second, client_options options,
             const std::string& made_for, const std::string& offered_for) {
    options.sni = made_for;
    const session_pointer session = make_session(all, first, options);
    options.sni = offered_for;
    options.session = session.get();
    conversation talk(second.context.get(), options);
    const bool done = talk.complete();
    all.settle();
    return done && talk.resumed();
}

}  // namespace

TEST_CASE("a session of one name does not resume on another, nor without a name") {
    for (const bool bound : {true, false}) {
        CAPTURE(bound);
        cluster all;
        frontend& a = all.add(binding(bound));
        frontend& b = all.add(binding(bound));
        for (const int version : versions) {
            CAPTURE(version);
            client_options options;
            options.version = version;
            CHECK(resumes(all, a, b, options, "a.test", "a.test"));
            CHECK(resumes(all, a, b, options, "a.test", "A.TEST"));
            CHECK(resumes(all, a, b, options, "", ""));
            CHECK(resumes(all, a, b, options, "a.test", "b.test") == !bound);
            CHECK(resumes(all, a, b, options, "a.test", "") == !bound);
            CHECK(resumes(all, a, b, options, "", "a.test") == !bound);
        }
        CHECK(b.count(counter::refused_unopened) == (bound ? 6 : 0));
    }
}

TEST_CASE("a session does not resume on a name that only the second hello has") {
    for (const bool bound : {true, false}) {
        CAPTURE(bound);
        // In the HelloRetryRequest's place the client's name changes, which RFC 8446 4.1.2 forbids
        // and OpenSSL takes.
        struct change {
            SSL* client = nullptr;
            static int name(SSL*, int*, void* self) {
                if (SSL* client = std::exchange(static_cast<change*>(self)->client, nullptr)) {
                    SSL_set_tlsext_host_name(client, "b.test");
                }
                return SSL_CLIENT_HELLO_SUCCESS;
            }
        } changing;
        cluster all;
        frontend& a = all.add(binding(bound));
        attach_options options = binding(bound);
        options.client_hello = change::name;
        options.client_hello_argument = &changing;
        context_pointer only_p256 = make_server_context();
        SSL_CTX_set1_groups_list(only_p256.get(), "P-256");
        frontend& b = all.add(options, std::move(only_p256));
        client_options client;
        client.groups = "X25519:P-256";
        const session_pointer session = make_session(all, a, client);
        client.session = session.get();
        conversation talk(b.context.get(), client);
        changing.client = talk.client();
        CHECK(talk.complete());
        CHECK(std::string(SSL_get_servername(talk.server(), TLSEXT_NAMETYPE_host_name)) ==
              "b.test");
        CHECK(talk.resumed() == !bound);
        all.settle();
        // What was issued belongs to the name that was served.
        const session_pointer issued = talk.session();
        client.session = issued.get();
        client.sni = "b.test";
        conversation next(a.context.get(), client);
        CHECK(next.complete());
        CHECK(next.resumed());
    }
}

TEST_CASE("names of a group share their sessions, and no others") {
    cluster all;
    const auto grouped = [](config& settings) {
        settings.sni_groups["shop"] = {"a.test", "b.test"};
    };
    frontend& a = all.add({}, make_server_context(), grouped);
    frontend& b = all.add({}, make_server_context(), grouped);
    for (const int version : versions) {
        client_options options;
        options.version = version;
        CHECK(resumes(all, a, b, options, "a.test", "b.test"));
        CHECK_FALSE(resumes(all, a, b, options, "a.test", "c.test"));
        CHECK_FALSE(resumes(all, a, b, options, "a.test", "shop"));
        CHECK_FALSE(resumes(all, a, b, options, "a.test", "@shop"));
    }
}

TEST_CASE("a group whose names ask different things of clients is refused when attaching") {
    cluster all;
    virtual_hosts server;
    set_up_hosts(server);
    config settings = all.settings();
    settings.sni_groups["shop"] = {"a.test", "b.test"};
    cache library(settings, [](std::string_view) {});
    attach_options options;
    options.resolver = [&server](std::string_view name) { return server.serving(name); };
    CHECK_THROWS_WITH_AS(static_cast<void>(library.attach(server.listening.get(), options)),
                         doctest::Contains("sni_groups.shop"), error);
}

TEST_CASE("a session without a client certificate never passes into a host that demands one") {
    for (const bool bound : {true, false}) {
        for (const bool with_resolver : {true, false}) {
            CAPTURE(bound);
            CAPTURE(with_resolver);
            virtual_hosts server;
            set_up_hosts(server);
            cluster all;
            attach_options options = binding(bound);
            if (with_resolver) {
                options.resolver = [&server](std::string_view name) {
                    return server.serving(name);
                };
            }
            frontend& a = all.add(options, share(server.listening));
            client_options client;
            client.sni = "a.test";
            const session_pointer session = make_session(all, a, client);
            client.sni = "b.test";
            client.session = session.get();
            conversation talk(a.context.get(), client);
            // TLS 1.3 lets a resumption pass SSL_VERIFY_FAIL_IF_NO_PEER_CERT.
            CHECK(talk.complete() == !bound);
            CHECK(a.count(counter::authentication_differs) == 0);
        }
    }
}

TEST_CASE("a host with a policy of its own resumes from its second connection on") {
    for (const int version : versions) {
        CAPTURE(version);
        virtual_hosts servers[2];
        cluster all;
        frontend* frontends[2] = {};
        for (int i = 0; i < 2; ++i) {
            set_up_hosts(servers[i]);
            frontends[i] = &all.add({}, share(servers[i].listening));
        }
        client_options client;
        client.version = version;
        client.sni = "b.test";
        client.show_certificate = true;
        session_pointer session;
        int resumed = 0;
        for (int i = 0; i < 6; ++i) {
            client.session = session.get();
            conversation talk(frontends[i % 2]->context.get(), client);
            REQUIRE(talk.complete());
            resumed += talk.resumed();
            CHECK(SSL_get0_peer_certificate(talk.server()) != nullptr);
            session = talk.session();
            all.settle();
        }
        CHECK(resumed == 4);  // all but the first on each
    }
}

TEST_CASE("with a resolver a host with a policy of its own resumes at once") {
    virtual_hosts servers[2];
    cluster all;
    frontend* frontends[2] = {};
    for (int i = 0; i < 2; ++i) {
        set_up_hosts(servers[i]);
        attach_options options;
        options.resolver = [&server = servers[i]](std::string_view name) {
            return server.serving(name);
        };
        frontends[i] = &all.add(options, share(servers[i].listening));
    }
    client_options client;
    client.sni = "b.test";
    client.show_certificate = true;
    const session_pointer session = make_session(all, *frontends[0], client);
    client.session = session.get();
    conversation talk(frontends[1]->context.get(), client);
    CHECK(talk.complete());
    CHECK(talk.resumed());
}

TEST_CASE("a connection that resumed past another client authentication is ended") {
    // The resolver says what is not true, as after a change of the configuration.
    virtual_hosts server;
    set_up_hosts(server);
    cluster all;
    attach_options options;
    options.resolver = [&server](std::string_view) { return server.listening.get(); };
    frontend& a = all.add(options, share(server.listening));
    client_options client;
    client.sni = "b.test";
    SSL_CTX* const demanding = server.hosts["b.test"].get();
    SSL_CTX_set_verify(demanding, SSL_VERIFY_NONE, nullptr);
    const session_pointer session = make_session(all, a, client);
    SSL_CTX_set_verify(demanding, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    client.session = session.get();
    conversation talk(a.context.get(), client);
    CHECK_FALSE(talk.complete());
    char byte = 0;
    CHECK(SSL_write(talk.server(), "x", 1) <= 0);
    CHECK(SSL_read(talk.server(), &byte, 1) <= 0);
    CHECK(a.count(counter::authentication_differs) == 1);
    CHECK(a.count(counter::policy_differs) == 1);
}

TEST_CASE("a host that asks for certificates after the handshake resumes without one") {
    cluster all;
    frontend* frontends[2] = {};
    for (frontend*& each : frontends) {
        context_pointer context = make_server_context();
        demand_client_certificate(context.get());
        SSL_CTX_set_verify(context.get(),
                           SSL_CTX_get_verify_mode(context.get()) | SSL_VERIFY_POST_HANDSHAKE,
                           nullptr);
        each = &all.add({}, std::move(context));
    }
    client_options client;
    const session_pointer session = make_session(all, *frontends[0], client);
    client.session = session.get();
    conversation talk(frontends[1]->context.get(), client);
    CHECK(talk.complete());
    CHECK(talk.resumed());
    CHECK(frontends[1]->count(counter::authentication_differs) == 0);
}

TEST_CASE("other names of client authorities make sessions void, in either list of OpenSSL's") {
    static const identity other = make_identity("other authority");
    const auto asking = [](const identity& authority, bool second_list) {
        context_pointer context = make_server_context();
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
        if (second_list) {
            STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
            const X509* certificate = authority.certificate.get();
            sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(certificate)));
            SSL_CTX_set0_CA_list(context.get(), names);
        } else {
            SSL_CTX_add_client_CA(context.get(), authority.certificate.get());
        }
        return context;
    };
    for (const bool second_list : {false, true}) {
        CAPTURE(second_list);
        cluster all;
        frontend& a = all.add({}, asking(client_authority(), second_list));
        frontend& same = all.add({}, asking(client_authority(), !second_list));
        frontend& different = all.add({}, asking(other, second_list));
        for (const int version : versions) {
            client_options options;
            options.version = version;
            CHECK(resumes(all, a, same, options, "a.test", "a.test"));
            CHECK_FALSE(resumes(all, a, different, options, "a.test", "a.test"));
        }
    }
}

TEST_CASE("another certificate or epoch makes earlier sessions void") {
    cluster all;
    frontend& a = all.add();
    frontend& same = all.add();
    const identity other = make_identity("server", {"a.test", "c.test"});
    frontend& other_names = all.add({}, make_server_context(other));
    attach_options raised;
    raised.policy_epoch = 1;
    frontend& other_epoch = all.add(raised);
    const identity renewed = make_identity("renewed", {"b.test", "a.test"});
    frontend& same_names = all.add({}, make_server_context(renewed));
    for (const int version : versions) {
        client_options options;
        options.version = version;
        CHECK(resumes(all, a, same, options, "a.test", "a.test"));
        CHECK(resumes(all, a, same_names, options, "a.test", "a.test"));
        CHECK_FALSE(resumes(all, a, other_names, options, "a.test", "a.test"));
        CHECK_FALSE(resumes(all, a, other_epoch, options, "a.test", "a.test"));
    }
}
