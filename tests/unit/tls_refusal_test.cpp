// What must not be resumed ends in a full handshake: never in a failed one.

#include <doctest/doctest.h>

#include <atomic>

#include "tests/unit/tls_support.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

struct attempt {
    bool completed = false;
    bool resumed = false;
};

attempt offer(cluster& all, frontend& at, client_options options, const session_pointer& session) {
    options.session = session.get();
    conversation talk(at.context.get(), options);
    attempt result;
    result.completed = talk.complete();
    result.resumed = result.completed && talk.resumed();
    all.settle();
    return result;
}

client_options tls12() {
    client_options options;
    options.version = TLS1_2_VERSION;
    return options;
}

}  // namespace

TEST_CASE("a session with extended master secret is left out where RFC 7627 forbids it") {
    cluster all;
    frontend& a = all.add();
    context_pointer without = make_server_context();
    SSL_CTX_set_options(without.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
    frontend& b = all.add({}, std::move(without));
    const session_pointer session = make_session(all, a, tls12());
    // Control: OpenSSL alone ends this connection with a fatal alert, "inconsistent extms".
    const attempt server_without = offer(all, b, tls12(), session);
    CHECK(server_without.completed);
    CHECK_FALSE(server_without.resumed);
    CHECK(b.count(counter::refused_ems) == 1);

    client_options plain = tls12();
    plain.extended_master_secret = false;
    const attempt client_without = offer(all, a, plain, session);
    CHECK_FALSE(client_without.resumed);
    CHECK(a.count(counter::refused_ems) == 1);
}

TEST_CASE("RFC 7627 is kept in versions before TLS 1.2 too, where a server still has them") {
    cluster all;
    context_pointer old = make_server_context();
    SSL_CTX_set_min_proto_version(old.get(), TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(old.get(), "ALL:@SECLEVEL=0");
    frontend& a = all.add({}, std::move(old));
    client_options options;
    options.version = TLS1_1_VERSION;
    options.cipher = "ALL:@SECLEVEL=0";
    const session_pointer session = make_session(all, a, options);
    options.extended_master_secret = false;
    const attempt without = offer(all, a, options, session);
    CHECK(without.completed);
    CHECK_FALSE(without.resumed);
    CHECK(a.count(counter::refused_ems) == 1);
    options.extended_master_secret = true;
    CHECK(offer(all, a, options, session).resumed);
}

TEST_CASE("TLS 1.2 sessions without extended master secret are kept only where that is allowed") {
    for (const bool allowed : {false, true}) {
        cluster all;
        const auto set = [allowed](config& settings) { settings.allow_no_ems = allowed; };
        frontend& a = all.add({}, make_server_context(), set);
        frontend& b = all.add({}, make_server_context(), set);
        client_options plain = tls12();
        plain.extended_master_secret = false;
        const session_pointer session = make_session(all, a, plain);
        CHECK(a.count(counter::not_stored_no_ems) == (allowed ? 0 : 1));
        const attempt got = offer(all, b, plain, session);
        CHECK(got.completed);
        CHECK(got.resumed == allowed);
    }
}

TEST_CASE("a cipher that is disabled here is not resumed with") {
    cluster all;
    frontend& a = all.add();
    context_pointer strict = make_server_context();
    SSL_CTX_set_cipher_list(strict.get(), "ECDHE-ECDSA-AES256-GCM-SHA384");
    frontend& b = all.add({}, std::move(strict));
    client_options options = tls12();
    options.cipher = "ECDHE-ECDSA-AES128-GCM-SHA256";
    const session_pointer session = make_session(all, a, options);
    options.cipher += ":ECDHE-ECDSA-AES256-GCM-SHA384";
    const attempt got = offer(all, b, options, session);
    CHECK(got.completed);
    CHECK_FALSE(got.resumed);
    CHECK(b.count(counter::refused_cipher) == 1);
}

TEST_CASE("a session whose cipher the client offers no more costs a full handshake") {
    // RFC 5246 7.4.1.2 forbids such a hello, and OpenSSL alone ends it with a fatal alert.
    cluster all;
    frontend& a = all.add();
    frontend& b = all.add();
    client_options options = tls12();
    options.cipher = "ECDHE-ECDSA-AES128-GCM-SHA256";
    const session_pointer session = make_session(all, a, options);
    options.cipher = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const attempt got = offer(all, b, options, session);
    CHECK(got.completed);
    CHECK_FALSE(got.resumed);
    CHECK(b.count(counter::refused_cipher) == 1);
}

TEST_CASE("a node that gives another session, or a changed one, costs a full handshake") {
    std::atomic<int> how{0};  // 0: honest, 1: the value of another key, 2: a bit flipped
    std::string other;
    stand_in::behaviour node;
    node.mangle = [&](const stand_in_request& request, stand_in_reply& reply) {
        if (request.verb == "ts" && other.empty()) {
            other = request.data;
        }
        if (request.verb != "tg" || !reply.bytes.starts_with("TV ") || how == 0) {
            return;
        }
        const std::size_t line_end = reply.bytes.find("\r\n");
        if (how == 1) {
            const std::size_t size_end = reply.bytes.find(' ', 3);
            reply.bytes = "TV " + std::to_string(other.size()) +
                          reply.bytes.substr(size_end, line_end + 2 - size_end) + other + "\r\n";
        } else {
            reply.bytes[line_end + 30] = static_cast<char>(reply.bytes[line_end + 30] ^ 1);
        }
    };
    cluster all(node);
    frontend& a = all.add();
    frontend& b = all.add();
    std::uint64_t refused = 0;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const int behaviour : {1, 2}) {
            client_options options;
            options.version = version;
            how = 0;
            make_session(all, a, options);
            const session_pointer session = make_session(all, a, options);
            how = behaviour;
            const attempt got = offer(all, b, options, session);
            CHECK(got.completed);
            CHECK_FALSE(got.resumed);
            CHECK(b.count(counter::refused_unopened) == ++refused);
        }
    }
}

TEST_CASE("a session with less than a second left is not handed over") {
    std::atomic<int> left{60};
    stand_in::behaviour node;
    node.mangle = [&left](const stand_in_request& request, stand_in_reply& reply) {
        if (const std::size_t at = reply.bytes.find(" t"); request.verb == "tg" && at < 30) {
            const std::size_t size = reply.bytes.find(' ', at + 1) - at;
            reply.bytes.replace(at, size, " t" + std::to_string(left));
        }
    };
    cluster all(node);
    frontend& a = all.add();
    frontend& b = all.add();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        client_options options;
        options.version = version;
        session_pointer session = make_session(all, a, options);
        left = 0;
        attempt got = offer(all, b, options, session);
        CHECK(got.completed);
        CHECK_FALSE(got.resumed);
        left = 1;
        session = make_session(all, a, options);
        got = offer(all, b, options, session);
        CHECK(got.completed);
        CHECK(got.resumed);
    }
    CHECK(b.count(counter::refused_expired) == 2);
}

TEST_CASE("IDs of others are never looked up") {
    cluster all;
    frontend& a = all.add();
    // A server of the same kind without the library, whose IDs are random.
    context_pointer stranger = make_server_context();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        client_options options;
        options.version = version;
        options.suspend = false;
        SSL_CTX_set_options(stranger.get(), SSL_OP_NO_TICKET);
        conversation elsewhere(stranger.get(), options);
        REQUIRE(elsewhere.complete());
        const attempt got = offer(all, a, options, elsewhere.session());
        CHECK(got.completed);
        CHECK_FALSE(got.resumed);
    }
    CHECK(a.count(counter::lookups) == 0);
    CHECK(a.count(counter::identities_foreign) == 2);
}

TEST_CASE("sessions of another namespace or another key are never looked up") {
    cluster all;
    frontend& a = all.add();
    frontend& other_name = all.add({}, make_server_context(),
                                   [](config& settings) { settings.namespace_name = "other"; });
    frontend& other_key = all.add({}, make_server_context(), [&all](config& settings) {
        settings.key_file =
            all.folder.write("other.key", "//////////////////////////////////////////8=\n");
    });
    for (frontend* at : {&other_name, &other_key}) {
        const session_pointer session = make_session(all, a, {});
        const attempt got = offer(all, *at, {}, session);
        CHECK(got.completed);
        CHECK_FALSE(got.resumed);
        CHECK(at->count(counter::lookups) == 0);
    }
}
