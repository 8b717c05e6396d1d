#pragma once

// An SSL_CTX whose sessions are shared: what was set before, and what its handshakes need.

#include <openssl/ssl.h>

#include "client_lib/tls/core.hpp"
#include "client_lib/tls/vhost_policy.hpp"
#include "tlscache/cache.hpp"

namespace tlscache {

class attachment::impl {
  public:
    // Throws tlscache::error.
    static std::shared_ptr<impl> attach(std::shared_ptr<cache::core> core, SSL_CTX* context,
                                        attach_options options);

    // Of the context, or nullptr.
    static std::shared_ptr<impl> of(SSL_CTX* context);

    void detach();

    // The policy that a session for this name must have been made under.
    tls::policy expected_policy(const std::string& sni) const;

    // The same without what was learnt.
    tls::policy configured_policy(const std::string& sni) const;

    // A handshake for this name ended under this policy.
    void learn_policy(const std::string& sni, const tls::policy& seen);

    cache::core& core() const noexcept { return *core_; }
    SSL_CTX* context() const noexcept { return context_; }  // lives as long as its SSLs
    const attach_options& options() const noexcept { return options_; }
    const std::string& report() const noexcept { return report_; }

    // The application's, for connections where this context acts as a client.
    int (*application_new_callback() const)(SSL*, SSL_SESSION*) { return before_.new_session; }

  private:
    // What OpenSSL tells of the time before.
    struct before {
        int (*new_session)(SSL*, SSL_SESSION*) = nullptr;
        SSL_SESSION* (*get_session)(SSL*, const unsigned char*, int, int*) = nullptr;
        void (*remove_session)(SSL_CTX*, SSL_SESSION*) = nullptr;
        long cache_mode = 0;
        std::uint64_t options = 0;
        std::size_t tickets = 0;
        std::uint32_t early_data = 0;
    };

    impl(std::shared_ptr<cache::core> core, SSL_CTX* context, attach_options options);
    void check_groups() const;
    void remember();
    void take_over();
    void describe();

    const std::shared_ptr<cache::core> core_;
    SSL_CTX* const context_;
    const attach_options options_;
    before before_;
    std::string report_;
    tls::policy_table learnt_;
    bool attached_ = false;
};

}  // namespace tlscache
