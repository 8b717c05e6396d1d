// A ClientHello that OpenSSL's own client would not send: hundreds of identities, all with a valid
// MAC. Without the limit OpenSSL asks the cache for each of them.

#include <doctest/doctest.h>

#include "client_lib/session/file_key_source.hpp"
#include "client_lib/session/sealer.hpp"
#include "client_lib/tls/limits.hpp"
#include "tests/unit/tls_support.hpp"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

// A run of bytes in the presentation language of RFC 8446 3.
struct writer {
    std::string bytes;

    void number(std::size_t value, int size) {
        for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<char>(value >> shift & 0xff));
        }
    }
    void vector(const std::string& content, int length_size) {
        number(content.size(), length_size);
        bytes += content;
    }
    void extension(std::size_t type, const std::string& content) {
        number(type, 2);
        vector(content, 2);
    }
};

std::string vector_of(const std::string& content, int length_size) {
    writer out;
    out.vector(content, length_size);
    return out.bytes;
}

std::string server_name(const std::string& name) {
    return vector_of(std::string(1, '\0') + vector_of(name, 2), 2);
}

std::string pre_shared_keys(const std::vector<session::session_id>& ids) {
    writer identities;
    writer binders;
    for (const session::session_id& id : ids) {
        identities.vector(std::string(id.bytes.begin(), id.bytes.end()), 2);
        identities.number(0, 4);
        binders.vector(std::string(32, 'b'), 1);
    }
    return vector_of(identities.bytes, 2) + vector_of(binders.bytes, 2);
}

// RFC 8446 4.1.2, in records of at most 2^14 bytes.
std::string client_hello(const std::vector<session::session_id>& ids) {
    writer extensions;
    extensions.extension(0, server_name("a.test"));
    extensions.extension(10, vector_of(std::string("\x00\x1d", 2), 2));  // x25519
    extensions.extension(13, vector_of(std::string("\x04\x03", 2), 2));  // ecdsa_secp256r1_sha256
    extensions.extension(43, vector_of(std::string("\x03\x04", 2), 1));
    extensions.extension(45, vector_of(std::string("\x01", 1), 1));
    extensions.extension(
        51, vector_of(std::string("\x00\x1d", 2) + vector_of(std::string(32, '\x09'), 2), 2));
    extensions.extension(41, pre_shared_keys(ids));
    writer body;
    body.number(0x0303, 2);
    body.bytes += std::string(32, 'r');
    body.vector("", 1);
    body.vector(std::string("\x13\x01", 2), 2);
    body.vector(std::string(1, '\0'), 1);
    body.vector(extensions.bytes, 2);
    const std::string message = '\x01' + vector_of(body.bytes, 3);
    writer records;
    for (std::size_t at = 0; at < message.size(); at += 16384) {
        records.number(0x160301, 3);
        records.vector(message.substr(at, 16384), 2);
    }
    return records.bytes;
}

}  // namespace

TEST_CASE(
    "however many identities a hello has, two are looked up, by one request of one deadline") {
    cluster all;
    frontend& a = all.add();
    session::file_key_source keys(all.folder.file("cluster.key"), "test");
    session::sealer sealer("test", keys);
    for (const std::size_t count : {1u, 2u, 3u, 900u}) {
        for (const bool suspend : {true, false}) {
            CAPTURE(count);
            CAPTURE(suspend);
            std::vector<session::session_id> ids(count);
            for (session::session_id& id : ids) {
                REQUIRE(sealer.make_id(std::time(nullptr), id));
            }
            const int asked = all.node->requests("tg");
            const std::uint64_t lookups = a.count(counter::lookups);
            client_options options;
            options.suspend = suspend;
            conversation talk(a.context.get(), options);
            talk.inject(client_hello(ids));
            int error = SSL_ERROR_NONE;
            while ((error = SSL_get_error(talk.server(), SSL_do_handshake(talk.server()))) ==
                   SSL_ERROR_WANT_CLIENT_HELLO_CB) {
                talk.wait_for_answer();
            }
            // A full handshake has begun: the server waits for the client's Finished.
            CHECK(error == SSL_ERROR_WANT_READ);
            CHECK(BIO_ctrl_pending(SSL_get_wbio(talk.server())) > 500);
            CHECK(a.count(counter::lookups) == lookups + 1);
            CHECK(all.node->requests("tg") - asked ==
                  static_cast<int>(std::min(count, tls::identities_looked_up_max)));
        }
    }
}

TEST_CASE("identities without a valid MAC are not looked up, nor those behind the first few") {
    cluster all;
    frontend& a = all.add();
    session::file_key_source keys(all.folder.file("cluster.key"), "test");
    session::sealer sealer("test", keys);
    std::vector<session::session_id> ids(900);
    REQUIRE(sealer.make_id(std::time(nullptr), ids[tls::identities_examined_max]));
    conversation talk(a.context.get(), {});
    talk.inject(client_hello(ids));
    CHECK(SSL_get_error(talk.server(), SSL_do_handshake(talk.server())) == SSL_ERROR_WANT_READ);
    CHECK(a.count(counter::lookups) == 0);
    CHECK(a.count(counter::identities_foreign) == 1);
}
