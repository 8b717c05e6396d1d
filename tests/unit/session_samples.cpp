// The server keeps no tickets (SSL_OP_NO_TICKET), as the library demands, so a TLS 1.3 ticket is
// a session ID as well; its generator of IDs gives the one that the sample tells.

#include "tests/unit/session_samples.hpp"

#include <doctest/doctest.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "client_lib/session/ids.hpp"

namespace tlscache::tests {

namespace {

template <auto Free>
struct releaser {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using context = std::unique_ptr<SSL_CTX, releaser<SSL_CTX_free>>;
using connection = std::unique_ptr<SSL, releaser<SSL_free>>;
using private_key = std::unique_ptr<EVP_PKEY, releaser<EVP_PKEY_free>>;
using certificate = std::unique_ptr<X509, releaser<X509_free>>;

struct identity {
    private_key key;
    certificate cert;
};

const identity& shared_identity() {
    static const identity made = [] {
        identity result;
        result.key.reset(EVP_EC_gen("P-256"));
        result.cert.reset(X509_new());
        X509* const cert = result.cert.get();
        X509_set_version(cert, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), -60);
        X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
        X509_set_pubkey(cert, result.key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("sample"), -1, -1, 0);
        X509_set_issuer_name(cert, X509_get_subject_name(cert));
        X509_sign(cert, result.key.get(), EVP_sha256());
        return result;
    }();
    return made;
}

// What the callbacks of one handshake share.
struct capture {
    sample_options options;
    sample result;
};

capture& captured(const SSL* ssl) {
    return *static_cast<capture*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int give_id(SSL* ssl, unsigned char* id, unsigned* size) {
    const session::session_id& made = captured(ssl).result.id;
    *size = static_cast<unsigned>(made.bytes.size());
    std::copy(made.bytes.begin(), made.bytes.end(), id);
    return 1;
}

int keep(SSL* ssl, SSL_SESSION* session) {
    capture& to = captured(ssl);
    const std::string& data = to.options.ticket_data;
    if (!data.empty()) {
        SSL_SESSION_set1_ticket_appdata(session, data.data(), data.size());
    }
    const int size = i2d_SSL_SESSION(session, nullptr);
    to.result.der.resize(static_cast<std::size_t>(size));
    unsigned char* out = to.result.der.data();
    i2d_SSL_SESSION(session, &out);
    to.result.cipher = SSL_CIPHER_get_protocol_id(SSL_SESSION_get0_cipher(session));
    return 0;
}

int choose_alpn(SSL* ssl, const unsigned char** out, unsigned char* size, const unsigned char*,
                unsigned, void*) {
    const std::string& alpn = captured(ssl).options.alpn;
    *out = reinterpret_cast<const unsigned char*>(alpn.data());
    *size = static_cast<unsigned char>(alpn.size());
    return SSL_TLSEXT_ERR_OK;
}

int accept_any(int, X509_STORE_CTX*) {
    return 1;
}

context make_context(const sample_options& options, bool server) {
    context made(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
    SSL_CTX* const ctx = made.get();
    SSL_CTX_set_min_proto_version(ctx, options.version);
    SSL_CTX_set_max_proto_version(ctx, options.version);
    if (!options.cipher.empty() && options.version == TLS1_3_VERSION) {
        REQUIRE(SSL_CTX_set_ciphersuites(ctx, options.cipher.c_str()) == 1);
    } else if (!options.cipher.empty()) {
        REQUIRE(SSL_CTX_set_cipher_list(ctx, options.cipher.c_str()) == 1);
    }
    if (!options.extended_master_secret) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    }
    if (server || options.client_certificate) {
        SSL_CTX_use_certificate(ctx, shared_identity().cert.get());
        SSL_CTX_use_PrivateKey(ctx, shared_identity().key.get());
    }
    return made;
}

context make_server(capture& to) {
    const sample_options& options = to.options;
    context made = make_context(options, true);
    SSL_CTX* const ctx = made.get();
    SSL_CTX_set_app_data(ctx, &to);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_timeout(ctx, 7200);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_generate_session_id(ctx, give_id);
    SSL_CTX_sess_set_new_cb(ctx, keep);
    SSL_CTX_set_session_id_context(
        ctx, reinterpret_cast<const unsigned char*>(options.id_context.data()),
        static_cast<unsigned>(options.id_context.size()));
    SSL_CTX_set_max_early_data(ctx, options.max_early_data);
    if (options.client_certificate) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    }
    if (!options.alpn.empty()) {
        SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, nullptr);
    }
    SSL_CTX_set_tlsext_servername_callback(
        ctx, +[](SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; });
    return made;
}

void shake_hands(SSL* client, SSL* server) {
    BIO* left = nullptr;
    BIO* right = nullptr;
    REQUIRE(BIO_new_bio_pair(&left, 0, &right, 0) == 1);
    SSL_set_bio(client, left, left);
    SSL_set_bio(server, right, right);
    for (int round = 0; round < 20; ++round) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
    REQUIRE(SSL_is_init_finished(client) == 1);
    REQUIRE(SSL_is_init_finished(server) == 1);
}

std::string describe(const sample_options& options) {
    std::string name = options.version == TLS1_3_VERSION ? "1.3" : "1.2";
    name += options.cipher.empty() ? "" : " " + options.cipher;
    name += options.sni.empty() ? "" : " sni";
    name += options.alpn.empty() ? "" : " alpn";
    name += options.id_context.empty() ? "" : " context";
    name += options.ticket_data.empty() ? "" : " data";
    name += options.client_certificate ? " certificate" : "";
    name += options.extended_master_secret ? "" : " no-ems";
    name += options.max_early_data == 0 ? "" : " early";
    return name;
}

}  // namespace

sample make_sample(const sample_options& options) {
    capture to{options, {}};
    to.result.name = describe(options);
    to.result.id_context = options.id_context;
    RAND_bytes(to.result.id.bytes.data(), static_cast<int>(to.result.id.bytes.size()));
    session::set_id_time(to.result.id, std::time(nullptr));

    const context server_context = make_server(to);
    const context client_context = make_context(options, false);
    const connection server(SSL_new(server_context.get()));
    const connection client(SSL_new(client_context.get()));
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    if (!options.sni.empty()) {
        SSL_set_tlsext_host_name(client.get(), options.sni.c_str());
    }
    if (!options.alpn.empty()) {
        const std::string offer = static_cast<char>(options.alpn.size()) + options.alpn;
        SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                            static_cast<unsigned>(offer.size()));
    }
    shake_hands(client.get(), server.get());
    REQUIRE(!to.result.der.empty());
    return std::move(to.result);
}

std::vector<sample> all_samples() {
    std::vector<sample> samples;
    const std::string ciphers[2][3] = {
        {"", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
        {"", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"}};
    for (unsigned bits = 0; bits < 256; ++bits) {
        sample_options options;
        const bool newest = (bits & 1) != 0;
        options.version = newest ? TLS1_3_VERSION : TLS1_2_VERSION;
        options.cipher = ciphers[newest ? 1 : 0][bits % 3];
        options.sni = (bits & 2) != 0 ? "www.example.com" : "";
        options.alpn = (bits & 4) != 0 ? "h2" : (bits & 128) != 0 ? "http/1.1" : "";
        options.id_context = (bits & 8) != 0 ? std::string(32, 'c') : "";
        // A server that demands certificates needs a session id context.
        options.client_certificate = (bits & 16) != 0 && !options.id_context.empty();
        options.extended_master_secret = (bits & 32) == 0 || newest;
        options.max_early_data = (bits & 32) != 0 && newest ? 16384 : 0;
        options.ticket_data = (bits & 64) != 0 ? "application data" : "";
        samples.push_back(make_sample(options));
    }
    return samples;
}

}  // namespace tlscache::tests
