#pragma once

// libtlscache: TLS sessions made on one frontend resume on all that share a namespace.
//
//     tlscache::cache cache(tlscache::config::from_toml());
//     auto attached = cache.attach(ssl_ctx);     // the SSL_CTX that SSL_new() is called with
//
// Every failure of the cache is a miss: the handshake goes on as a full one. Errors throw
// tlscache::error at start-up only: from from_toml(), the constructor and attach().
//
// Threads: all of it may be called from any thread, but one SSL by one thread at a time (as with
// OpenSSL), and attach() and detaching only while no handshake on that SSL_CTX is running.
// After fork() the child goes on with connections and threads of its own.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// OpenSSL's own names, so that this header needs none of its headers.
typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace tlscache {

// A sentence for the operator; of a configuration file it begins with "file:line: key: ".
class error : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct node {
    std::string name;     // its name in the ring; all frontends use the same
    std::string address;  // host:port, [v6]:port, unix:/path
    double weight = 1;
};

// The names are those of the TOML file (there, namespace_name is `namespace`). All who share a
// namespace must agree on namespace_name, ring, key_file and sni_groups.
struct config {
    std::string namespace_name;     // mandatory: sessions of one namespace are shared
    std::string ring;               // file, `NAME ADDRESS [WEIGHT]` a line; re-read on change
    std::vector<node> nodes;        // instead of a ring file; in TOML [[nodes]]
    std::string key_file;           // cluster.key, mode 0600; without it nothing is shared
    std::string mode = "stateful";  // what is issued: sessions kept by the nodes
    unsigned deadline_ms = 0;       // per handshake, 1..1000; 0: 3 suspended, 1 blocking
    unsigned replicas = 1;          // nodes that keep each session, 1..3
    unsigned tickets = 1;           // per full TLS 1.3 handshake, 0..4
    bool single_use = true;         // a TLS 1.3 session is deleted once it has resumed
    bool allow_no_ems = false;      // keep 1.2 sessions without RFC 7627, which are weaker
    std::map<std::string, std::vector<std::string>> sni_groups;  // names that share sessions

    // Reads a TOML file: `path`, or if empty $TLSCACHE_CONFIG, or /etc/tlscache/client.toml.
    // Throws on a key, type or value that is not as above, naming file, line and key.
    static config from_toml(const std::string& path = {});
};

// One line without any secret. Called from any thread; must not block or throw.
using log_function = std::function<void(std::string_view line)>;

// How connections wait that are not marked by allow_suspend().
enum class waiting : std::uint8_t {
    block,  // inside the handshake call, until the answer or the deadline: a thread per connection
    miss,   // not at all: they never resume, and still fill the cache
};

struct attach_options {
    // As SSL_CTX_set_client_hello_cb's; called after the library's work, once per ClientHello,
    // with OpenSSL's meaning of the result. OpenSSL has room for one callback and no getter, so
    // the application's must be given here.
    int (*client_hello)(SSL*, int* alert, void* argument) = nullptr;
    void* client_hello_argument = nullptr;

    // Which SSL_CTX serves this name ("" for none) once the servername callback has chosen?
    // nullptr: the attached one. Without a resolver it is learnt from full handshakes, so that a
    // virtual host whose policy differs resumes from its second connection per process on.
    // Called from the threads that handshake. Must not throw.
    std::function<SSL_CTX*(std::string_view sni)> resolver;

    waiting unmarked = waiting::block;

    // Raise it, on all frontends, to make earlier sessions of this context void. Needed when a
    // client's certificate is revoked, or an authority goes from the trust store whose name clients
    // were never told: OpenSSL does not verify again at a resumption.
    std::uint32_t policy_epoch = 0;

    // FOR TESTS ONLY: sessions of one name resume on any other, past client authentication.
    bool unsafe_no_binding = false;
};

// What became of handshakes, sessions and lookups; all only grow.
enum class counter : std::uint8_t {
    hellos,                  // ClientHellos seen (a HelloRetryRequest makes two of a handshake)
    handshakes,              // completed
    resumed,                 // completed with a session of the cache
    identities_foreign,      // offered IDs that are not ours or outdated: never looked up
    lookups,                 // handshakes that asked a node
    hits,                    // a node had it and it could be opened
    misses,                  // no node had it
    unavailable,             // no answer in time; the transport's counters say why
    suspended,               // lookups that suspended their connection
    blocked,                 // lookups that were waited for
    not_waited,              // lookups left out: not marked and waiting::miss; renegotiations
    refused_unopened,        // wrong key, other name or policy, or changed bytes
    refused_undecodable,     // opened, but no session that this OpenSSL reads
    refused_version,         // hit, but of another protocol version
    refused_cipher,          // hit, but its cipher is not enabled here, or not in the hello
    refused_ems,             // hit, but RFC 7627 does not allow this hello to resume it
    refused_expired,         // less than a second left
    refused_other_id,        // another ID than asked for
    stored,                  // sessions queued for storing
    not_stored_no_key,       // no usable key
    not_stored_no_ems,       // TLS 1.2 without extended master secret
    not_stored_too_old,      // the first authentication is as old as sessions may get
    not_stored_forgotten,    // forget() came first
    not_stored_other,        // can't be resumed or coded, renegotiated, or its hello was not seen
    deleted_used,            // TLS 1.3 sessions deleted after use
    forgotten,               // sessions deleted by forget()
    early_data_refused,      // hellos with early data, which went on without it
    policy_differs,          // the final context's policy was not the expected one
    authentication_differs,  // of these, connections ended; must stay 0
    policies_dropped,        // learnt policies that had to go for others
    abandoned,               // connections freed or given up while suspended
    count_,
};

std::string_view name_of(counter which) noexcept;

class attachment;

// A handle; copies share one cache, which lives until the last handle, attachment and SSL is gone.
class cache {
  public:
    // Without a log function lines go to stderr.
    explicit cache(const config& settings, log_function log = {});

    // Starts the library's threads and connects to the nodes, in this process: so that the first
    // lookup finds a connection. Left out, the first ClientHello in each process does it; a server
    // that forks calls it in its children.
    void start();

    // Takes over the session handling of a server context; see attachment::report(). One
    // attachment per SSL_CTX; attach every one that SSL_new() is called with.
    [[nodiscard]] attachment attach(SSL_CTX* context, attach_options options = {});

    std::uint64_t count(counter which) const noexcept;

    // All of them by name, the transport's included (prefix "transport_").
    std::vector<std::pair<std::string, std::uint64_t>> counters() const;

    // Where lines go from now on; an empty function: to stderr.
    void set_log(log_function log);

    // Waits until queued stores and deletions have left, at most so long. For orderly ends.
    bool drain(std::chrono::milliseconds at_most) const;

    class core;

  private:
    std::shared_ptr<core> core_;
};

// Detaches when destroyed: puts back what the application had set, as far as OpenSSL tells it.
// Connections that exist by then end undisturbed. Keeps the SSL_CTX alive.
class attachment {
  public:
    attachment() noexcept;
    attachment(attachment&&) noexcept;
    attachment& operator=(attachment&&) noexcept;
    ~attachment();

    // A line per thing that the application had set and attach() changed, for the log.
    const std::string& report() const noexcept;

    class impl;

  private:
    friend class cache;
    explicit attachment(std::shared_ptr<impl> made) noexcept;
    std::shared_ptr<impl> impl_;
};

// ---- Suspending, for any event loop -----------------------------------------------------------
//
//     allow_suspend(ssl);                            // before the handshake
//     ... SSL_do_handshake() fails and SSL_get_error() is SSL_ERROR_WANT_CLIENT_HELLO_CB:
//     on_answer(ssl, wake_this_connection);          // wakes the loop from another thread
//     ... woken: SSL_do_handshake() again.
//
// Calling it again too early only returns the same error again. The library keeps the deadline.

// Marks a connection as able to wait. False: its SSL_CTX is not attached.
bool allow_suspend(SSL* ssl);

// Calls `wake` once: at the answer, from the library's thread, or at once, from here, if no
// answer is awaited. It must not block, nor take a lock that is held around abandon() or
// SSL_free(), which wait while it runs; after them it is not called any more. It must not give up
// the cache's last handle.
void on_answer(SSL* ssl, std::function<void()> wake);

// Stops waiting: the handshake, if it is called again, goes on with a miss.
void abandon(SSL* ssl);

// ---- Ending a session on purpose --------------------------------------------------------------

// Log-out: deletes, on all nodes, the session that this connection resumed and those issued on it,
// and stores none of it any more; queued, takes effect within a second. SSL_CTX_remove_session
// does not: strangers can trigger it. What it can't reach: in TLS 1.3, tickets that other
// connections of the same client got from an earlier session. False: no connection of the cache.
bool forget(SSL* ssl);

}  // namespace tlscache
