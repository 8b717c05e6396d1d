// Algorithms are fetched once per process and never freed: a fetch costs more than a use, and
// threads may still seal while the process ends.
//
// Random bytes are the kernel's: OpenSSL's generator takes locks, and a child that was forked
// while another thread held one waits for ever. The kernel's has no state that a fork or a copied
// virtual machine could repeat.

#include "client_lib/session/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/random.h>

#include <cerrno>
#include <memory>

namespace tlscache::session {

namespace {

struct free_kdf {
    void operator()(EVP_KDF_CTX* context) const noexcept { EVP_KDF_CTX_free(context); }
};

// OpenSSL refuses a null pointer, even of no bytes: an empty salt has an address.
OSSL_PARAM octets(const char* name, byte_view data) {
    static std::uint8_t nothing = 0;
    std::uint8_t* const bytes = data.empty() ? &nothing : const_cast<std::uint8_t*>(data.data());
    return OSSL_PARAM_construct_octet_string(name, bytes, data.size());
}

}  // namespace

bool hkdf_sha256(byte_view secret, byte_view salt, byte_view info, std::span<std::uint8_t> out) {
    static EVP_KDF* const hkdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
    if (hkdf == nullptr) {
        return false;
    }
    const std::unique_ptr<EVP_KDF_CTX, free_kdf> context(EVP_KDF_CTX_new(hkdf));
    if (!context) {
        return false;
    }
    char sha256_name[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256_name, 0),
        octets(OSSL_KDF_PARAM_KEY, secret),
        octets(OSSL_KDF_PARAM_INFO, info),
        // Last, because OpenSSL takes no empty salt: none is the same (RFC 5869 2.2).
        salt.empty() ? OSSL_PARAM_construct_end() : octets(OSSL_KDF_PARAM_SALT, salt),
        OSSL_PARAM_construct_end(),
    };
    return EVP_KDF_derive(context.get(), out.data(), out.size(), params) == 1;
}

bool sha256(byte_view data, digest& out) {
    static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    unsigned size = 0;
    return md != nullptr &&
           EVP_Digest(data.data(), data.size(), out.data(), &size, md, nullptr) == 1 &&
           size == out.size();
}

bool random_bytes(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        out = out.subspan(got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    return true;
}

bool equal_secret(byte_view a, byte_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool all_zero(byte_view data) noexcept {
    std::uint8_t seen = 0;
    for (const std::uint8_t byte : data) {
        seen = static_cast<std::uint8_t>(seen | byte);
    }
    return seen == 0;
}

}  // namespace tlscache::session
