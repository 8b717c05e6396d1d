// The bytes go through memory BIOs by hand, in segments of the wanted size; so a test decides when
// what arrives, and nothing depends on time but the wait for an answer.

#include "tests/unit/tls_support.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tlscache::testing {

namespace {

void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(certificate, made, -1);
    X509_EXTENSION_free(made);
}

}  // namespace

identity make_identity(const std::string& name, const std::vector<std::string>& dns_names,
                       const identity* issuer) {
    identity made{certificate_pointer(X509_new()), key_pointer(EVP_EC_gen("P-256"))};
    X509* certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 365L * 24 * 3600);
    X509_set_pubkey(certificate, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate,
                         X509_get_subject_name(issuer ? issuer->certificate.get() : certificate));
    if (issuer == nullptr) {
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    }
    std::string names;
    for (const std::string& each : dns_names) {
        names += (names.empty() ? "DNS:" : ",DNS:") + each;
    }
    if (!names.empty()) {
        add_extension(certificate, NID_subject_alt_name, names);
    }
    X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
    return made;
}

const identity& server_identity() {
    static const identity made = make_identity("server", {"a.test", "b.test"});
    return made;
}

const identity& client_authority() {
    static const identity made = make_identity("client authority");
    return made;
}

const identity& client_identity() {
    static const identity made = make_identity("client", {}, &client_authority());
    return made;
}

context_pointer make_server_context(const identity& shown) {
    context_pointer made(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(made.get(), shown.certificate.get());
    SSL_CTX_use_PrivateKey(made.get(), shown.key.get());
    return made;
}

void demand_client_certificate(SSL_CTX* context) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), client_authority().certificate.get());
    SSL_CTX_add_client_CA(context, client_authority().certificate.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

bool await(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        poll(nullptr, 0, 1);
    }
    return true;
}

temporary_folder::temporary_folder() {
    path_ = (std::filesystem::temp_directory_path() / "tlscache.XXXXXX").string();
    REQUIRE(mkdtemp(path_.data()) != nullptr);
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string temporary_folder::write(const std::string& name, const std::string& content,
                                    int mode) const {
    const std::string path = file(name);
    std::ofstream(path) << content;
    ::chmod(path.c_str(), static_cast<mode_t>(mode));
    return path;
}

conversation::conversation(SSL_CTX* server, const client_options& options)
    : client_context_(SSL_CTX_new(TLS_client_method())), options_(options) {
    SSL_CTX* context = client_context_.get();
    SSL_CTX_set_min_proto_version(context, options.version);
    SSL_CTX_set_max_proto_version(context, options.version);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (!options.extended_master_secret) {
        SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    }
    if (!options.groups.empty()) {
        REQUIRE(SSL_CTX_set1_groups_list(context, options.groups.c_str()) == 1);
    }
    if (!options.cipher.empty()) {
        REQUIRE(SSL_CTX_set_cipher_list(context, options.cipher.c_str()) == 1);
    }
    if (options.show_certificate) {
        SSL_CTX_use_certificate(context, client_identity().certificate.get());
        SSL_CTX_use_PrivateKey(context, client_identity().key.get());
    }
    client_.reset(SSL_new(context));
    server_.reset(SSL_new(server));
    SSL_set_bio(client(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_bio(this->server(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client());
    SSL_set_accept_state(this->server());
    if (!options.sni.empty()) {
        SSL_set_tlsext_host_name(client(), options.sni.c_str());
    }
    if (options.session != nullptr) {
        REQUIRE(SSL_set_session(client(), options.session) == 1);
    }
    if (options.suspend) {
        allow_suspend(this->server());
    }
    if (!options.early_data.empty()) {
        std::size_t written = 0;
        SSL_write_early_data(client(), options.early_data.data(), options.early_data.size(),
                             &written);
    }
}

bool conversation::carry() {
    bool moved = false;
    const auto pump = [&](SSL* from, SSL* to) {
        std::vector<char> bytes(options_.segment);
        const int got = BIO_read(SSL_get_wbio(from), bytes.data(), static_cast<int>(bytes.size()));
        if (got > 0) {
            BIO_write(SSL_get_rbio(to), bytes.data(), got);
            moved = true;
        }
    };
    pump(client(), server());
    pump(server(), client());
    return moved;
}

void conversation::step(SSL* ssl, bool& done, int& error) {
    if (done) {
        return;
    }
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl);
    error = SSL_get_error(ssl, result);
    done = result == 1;
    failed_ |= error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
}

void conversation::go_on() {
    do {
        step(client(), client_done_, client_error_);
        step(server(), server_done_, server_error_);
        if (waits_for_answer()) {
            ++suspensions_;
            return;
        }
    } while (carry() || (client_done_ != server_done_ && !failed_ && ++stuck_ < 3));
}

void conversation::inject(const std::string& bytes) {
    BIO_write(SSL_get_rbio(server()), bytes.data(), static_cast<int>(bytes.size()));
}

void conversation::wait_for_answer() {
    std::atomic<bool> answered{false};
    on_answer(server(), [&answered] { answered = true; });
    REQUIRE(await([&answered] { return answered.load(); }));
}

bool conversation::complete() {
    go_on();
    while (waits_for_answer()) {
        wait_for_answer();
        go_on();
    }
    return client_done_ && server_done_ && !failed_ && exchange();
}

bool conversation::exchange() {
    const auto pass = [this](SSL* from, SSL* to) {
        char byte = 'x';
        int got = 0;
        if (SSL_write(from, "x", 1) != 1) {
            return false;
        }
        do {
            got = SSL_read(to, &byte, 1);
        } while (got != 1 && carry());
        return got == 1;
    };
    return pass(server(), client()) && pass(client(), server());
}

frontend::frontend(const config& settings, context_pointer server, attach_options options)
    : context(std::move(server)),
      library(settings, [this](std::string_view line) { log.emplace_back(line); }),
      attached(library.attach(context.get(), std::move(options))) {}

std::uint64_t frontend::transport_count(const std::string& name) const {
    for (const auto& [each, value] : library.counters()) {
        if (each == "transport_" + name) {
            return value;
        }
    }
    FAIL("no such counter: ", name);
    return 0;
}

cluster::cluster(stand_in::behaviour how) {
    node.emplace(std::move(how));
    folder.write("cluster.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
}

config cluster::settings() const {
    config made;
    made.namespace_name = "test";
    made.nodes.push_back({"n", node->address(), 1});
    made.key_file = folder.file("cluster.key");
    made.deadline_ms = 1000;
    return made;
}

frontend& cluster::add(attach_options options, context_pointer context,
                       const std::function<void(config&)>& change) {
    config made = settings();
    if (change) {
        change(made);
    }
    frontend& added = *frontends_.emplace_back(
        std::make_unique<frontend>(made, std::move(context), std::move(options)));
    added.library.start();
    CHECK(await([&added] { return added.transport_count("connects") != 0; }));
    return added;
}

void cluster::settle() {
    const auto all_arrived = [this] {
        std::uint64_t queued = 0;  // deletions too
        for (const auto& each : frontends_) {
            queued += each->transport_count("stores_queued");
        }
        const int seen = node->requests("ts") + node->requests("ms") + node->requests("md");
        return static_cast<std::uint64_t>(seen) >= queued;
    };
    for (const auto& each : frontends_) {
        CHECK(each->library.drain(std::chrono::seconds(10)));
    }
    CHECK(await(all_arrived));
}

std::uint64_t cluster::lookups() const {
    std::uint64_t sum = 0;
    for (const auto& each : frontends_) {
        sum += each->count(counter::lookups);
    }
    return sum;
}

session_pointer make_session(cluster& all, frontend& at, client_options options) {
    conversation talk(at.context.get(), options);
    REQUIRE(talk.complete());
    all.settle();
    return talk.session();
}

}  // namespace tlscache::testing
