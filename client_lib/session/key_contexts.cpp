// Contexts are pooled per key and not per thread, since a thread that falls idle would otherwise
// keep the schedule of a key whose time is over. The lock is only ever tried: a thread that finds
// it taken makes a context of its own (250 ns), and a child that was forked while another thread
// held it does not hang.

#include "client_lib/session/key_contexts.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "client_lib/session/key_source.hpp"
#include "client_lib/session/limits.hpp"

namespace tlscache::session {

namespace {

// An HMAC context that knows its hash; its key is none of ours and is replaced in every copy. A
// copy takes none of OpenSSL's locks, which looking up a hash by name does.
EVP_MAC_CTX* make_hmac_pattern() {
    EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* const context = hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac);
    char sha256_name[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256_name, 0),
        OSSL_PARAM_construct_end(),
    };
    const std::uint8_t pattern_key[32] = {};
    if (context == nullptr ||
        EVP_MAC_init(context, pattern_key, sizeof(pattern_key), params) != 1) {
        EVP_MAC_CTX_free(context);
        return nullptr;
    }
    return context;
}

}  // namespace

bool key_context::mac(mac_context& context, byte_view key, byte_view data, digest& out) {
    static const EVP_MAC_CTX* const pattern = make_hmac_pattern();
    if (!context) {
        mac_context fresh(pattern == nullptr ? nullptr : EVP_MAC_CTX_dup(pattern));
        if (!fresh || EVP_MAC_init(fresh.get(), key.data(), key.size(), nullptr) != 1) {
            return false;
        }
        context = std::move(fresh);
    } else if (EVP_MAC_init(context.get(), nullptr, 0, nullptr) != 1) {
        context.reset();
        return false;
    }
    std::size_t size = 0;
    return EVP_MAC_update(context.get(), data.data(), data.size()) == 1 &&
           EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1 && size == out.size();
}

bool key_context::ready(cipher_context& context, byte_view key, const gcm_nonce& nonce,
                        bool sealing) {
    static EVP_CIPHER* const gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    if (context) {
        return EVP_CipherInit_ex2(context.get(), nullptr, nullptr, nonce.data(), sealing,
                                  nullptr) == 1;
    }
    cipher_context fresh(gcm == nullptr ? nullptr : EVP_CIPHER_CTX_new());
    if (!fresh ||
        EVP_CipherInit_ex2(fresh.get(), gcm, key.data(), nonce.data(), sealing, nullptr) != 1) {
        return false;
    }
    context = std::move(fresh);
    return true;
}

bool key_context::id_mac(const period_keys& keys, byte_view data, digest& out) {
    return mac(id_, keys.id, data, out);
}

bool key_context::lookup_mac(const period_keys& keys, byte_view data, digest& out) {
    return mac(lookup_, keys.lookup, data, out);
}

bool key_context::seal(const period_keys& keys, const gcm_nonce& nonce, byte_view associated,
                       byte_view plain, std::uint8_t* out) {
    if (plain.size() > record_bytes_max || !ready(seal_, keys.seal, nonce, true)) {
        return false;
    }
    EVP_CIPHER_CTX* const context = seal_.get();
    int done = 0;
    int rest = 0;
    return EVP_EncryptUpdate(context, nullptr, &done, associated.data(),
                             static_cast<int>(associated.size())) == 1 &&
           EVP_EncryptUpdate(context, out, &done, plain.data(), static_cast<int>(plain.size())) ==
               1 &&
           EVP_EncryptFinal_ex(context, out + done, &rest) == 1 &&
           static_cast<std::size_t>(done + rest) == plain.size() &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, gcm_tag_bytes, out + plain.size()) ==
               1;
}

bool key_context::open(const period_keys& keys, const gcm_nonce& nonce, byte_view associated,
                       byte_view sealed, std::uint8_t* out) {
    if (sealed.size() < gcm_tag_bytes || sealed.size() > record_bytes_max + gcm_tag_bytes ||
        !ready(open_, keys.seal, nonce, false)) {
        return false;
    }
    EVP_CIPHER_CTX* const context = open_.get();
    const byte_view cipher_text = sealed.first(sealed.size() - gcm_tag_bytes);
    std::array<std::uint8_t, gcm_tag_bytes> tag;
    std::copy(sealed.end() - gcm_tag_bytes, sealed.end(), tag.begin());
    int done = 0;
    int rest = 0;
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, gcm_tag_bytes, tag.data()) == 1 &&
           EVP_DecryptUpdate(context, nullptr, &done, associated.data(),
                             static_cast<int>(associated.size())) == 1 &&
           EVP_DecryptUpdate(context, out, &done, cipher_text.data(),
                             static_cast<int>(cipher_text.size())) == 1 &&
           EVP_DecryptFinal_ex(context, out + done, &rest) == 1;
}

std::unique_ptr<key_context> key_contexts::take() {
    const std::unique_lock<std::mutex> held(lock_, std::try_to_lock);
    if (held.owns_lock() && !idle_.empty()) {
        std::unique_ptr<key_context> context = std::move(idle_.back());
        idle_.pop_back();
        return context;
    }
    return std::make_unique<key_context>();
}

void key_contexts::give(std::unique_ptr<key_context> context) noexcept {
    const std::unique_lock<std::mutex> held(lock_, std::try_to_lock);
    if (!held.owns_lock() || idle_.size() >= idle_contexts_max) {
        return;
    }
    if (idle_.capacity() == 0) {
        idle_.reserve(idle_contexts_max);
    }
    idle_.push_back(std::move(context));
}

}  // namespace tlscache::session
