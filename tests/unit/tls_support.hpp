#pragma once

// A cluster in one process: frontends of the library around one node made for tests, and TLS
// clients on memory BIOs. Everything of one test lives in its `cluster`.

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/transport_stand_in.hpp"
#include "tlscache/cache.hpp"

namespace tlscache::testing {

template <auto Free>
struct freeing {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using context_pointer = std::unique_ptr<SSL_CTX, freeing<SSL_CTX_free>>;
using ssl_pointer = std::unique_ptr<SSL, freeing<SSL_free>>;
using session_pointer = std::unique_ptr<SSL_SESSION, freeing<SSL_SESSION_free>>;
using certificate_pointer = std::unique_ptr<X509, freeing<X509_free>>;
using key_pointer = std::unique_ptr<EVP_PKEY, freeing<EVP_PKEY_free>>;

struct identity {
    certificate_pointer certificate;
    key_pointer key;
};

// Signed by `issuer`, or by itself.
identity make_identity(const std::string& name, const std::vector<std::string>& dns_names = {},
                       const identity* issuer = nullptr);

// Made once per process: generating keys is slow under sanitizers.
const identity& server_identity();  // a.test, b.test
const identity& client_authority();
const identity& client_identity();  // "client", signed by client_authority()

context_pointer make_server_context(const identity& shown = server_identity());
void demand_client_certificate(SSL_CTX* context);

// Waits, without sleeping, until the condition holds; false after ten seconds.
bool await(const std::function<bool()>& condition);

// A folder that goes with the test.
class temporary_folder {
  public:
    temporary_folder();
    ~temporary_folder();
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    std::string write(const std::string& name, const std::string& content, int mode = 0600) const;

  private:
    std::string path_;
};

struct client_options {
    int version = TLS1_3_VERSION;
    SSL_SESSION* session = nullptr;
    std::string sni = "a.test";
    bool suspend = true;           // the server's connection may be suspended
    std::string groups;            // "P-384:P-256" makes a HelloRetryRequest
    std::size_t segment = 100000;  // bytes that arrive at once
    bool show_certificate = false;
    bool extended_master_secret = true;
    std::string early_data;
    std::string cipher;  // of TLS 1.2
};

// A client and a server connection, and the bytes between them.
class conversation {
  public:
    conversation(SSL_CTX* server, const client_options& options);

    // The client leaves in good order, for otherwise OpenSSL would not offer its session again; the
    // server's connection is simply freed, as most servers do.
    ~conversation() { SSL_set_shutdown(client(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;

    // Both sides go on until neither can, or the server is suspended.
    void go_on();

    // Handshake, waiting for answers; then a byte each way, so that tickets have arrived.
    bool complete();
    bool exchange();

    bool waits_for_answer() const { return server_error_ == SSL_ERROR_WANT_CLIENT_HELLO_CB; }
    void wait_for_answer();

    SSL* client() const { return client_.get(); }
    SSL* server() const { return server_.get(); }
    void drop_server() { server_.reset(); }
    int suspensions() const { return suspensions_; }
    bool resumed() const {
        return SSL_session_reused(server_.get()) == 1 && SSL_session_reused(client_.get()) == 1;
    }
    bool failed() const { return failed_; }
    session_pointer session() const { return session_pointer(SSL_get1_session(client_.get())); }

    // Bytes as if from the client.
    void inject(const std::string& bytes);

    // At most a segment each way; true if anything moved.
    bool carry();

  private:
    void step(SSL* ssl, bool& done, int& error);

    context_pointer client_context_;
    ssl_pointer client_;
    ssl_pointer server_;
    client_options options_;
    bool client_done_ = false;
    bool server_done_ = false;
    int client_error_ = SSL_ERROR_NONE;
    int server_error_ = SSL_ERROR_NONE;
    bool failed_ = false;
    int suspensions_ = 0;
    int stuck_ = 0;
};

struct frontend {
    frontend(const config& settings, context_pointer server, attach_options options = {});

    std::uint64_t count(counter which) const { return library.count(which); }
    std::uint64_t transport_count(const std::string& name) const;

    std::vector<std::string> log;
    context_pointer context;
    cache library;
    attachment attached;
};

class cluster {
  public:
    explicit cluster(stand_in::behaviour how = {});

    // Connected to the node when it returns.
    frontend& add(attach_options options = {}, context_pointer context = make_server_context(),
                  const std::function<void(config&)>& change = {});

    config settings() const;

    // Until the node has had every store and deletion.
    void settle();

    // Lookups that reached the node, apart from the transport's own probes.
    std::uint64_t lookups() const;

    temporary_folder folder;
    std::optional<stand_in> node;

  private:
    std::vector<std::unique_ptr<frontend>> frontends_;
};

// A full handshake; its session is stored at the node when this returns.
session_pointer make_session(cluster& all, frontend& at, client_options options);

}  // namespace tlscache::testing
