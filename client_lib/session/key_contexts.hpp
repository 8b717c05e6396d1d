#pragma once

// OpenSSL contexts with a period's keys already set: setting a key costs as much as sealing.
// They belong to the keys and are erased with them. Thread safe; a thread never waits.

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "client_lib/session/crypto.hpp"
#include "client_lib/session/nonce.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

struct period_keys;

inline constexpr std::size_t gcm_tag_bytes = 16;

// One thread's contexts; each is made at its first use.
class key_context {
  public:
    // HMAC-SHA256 under the key for IDs and the key for lookups.
    [[nodiscard]] bool id_mac(const period_keys& keys, byte_view data, digest& out);
    [[nodiscard]] bool lookup_mac(const period_keys& keys, byte_view data, digest& out);

    // AES-256-GCM. `out` has room for plain.size() + gcm_tag_bytes.
    [[nodiscard]] bool seal(const period_keys& keys, const gcm_nonce& nonce, byte_view associated,
                            byte_view plain, std::uint8_t* out);
    // `out` has room for sealed.size() - gcm_tag_bytes; what is in it after `false` is not erased.
    [[nodiscard]] bool open(const period_keys& keys, const gcm_nonce& nonce, byte_view associated,
                            byte_view sealed, std::uint8_t* out);

  private:
    struct free_cipher {
        void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
    };
    struct free_mac {
        void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
    };
    using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, free_cipher>;
    using mac_context = std::unique_ptr<EVP_MAC_CTX, free_mac>;

    static bool mac(mac_context& context, byte_view key, byte_view data, digest& out);
    static bool ready(cipher_context& context, byte_view key, const gcm_nonce& nonce, bool sealing);

    cipher_context seal_;
    cipher_context open_;
    mac_context id_;
    mac_context lookup_;
};

class key_contexts {
  public:
    // Gives the context back when it goes. Does not outlive the pool.
    class lease {
      public:
        explicit lease(key_contexts& pool) : pool_(pool), context_(pool.take()) {}
        ~lease() { pool_.give(std::move(context_)); }
        lease(const lease&) = delete;
        lease& operator=(const lease&) = delete;
        key_context* operator->() const noexcept { return context_.get(); }
        key_context& operator*() const noexcept { return *context_; }

      private:
        key_contexts& pool_;
        std::unique_ptr<key_context> context_;
    };

  private:
    std::unique_ptr<key_context> take();
    void give(std::unique_ptr<key_context> context) noexcept;

    std::mutex lock_;
    std::vector<std::unique_ptr<key_context>> idle_;  // guarded by lock_
};

}  // namespace tlscache::session
