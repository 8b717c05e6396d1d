// The certificate's names come out of a DER extension: some microseconds. So their digest is kept
// as ex_data of the X509 itself, where it ends with it, whoever replaces certificates when.

#include "client_lib/tls/vhost_policy.hpp"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "client_lib/tls/limits.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::tls {

namespace {

using digest = std::array<std::uint8_t, 32>;

// SHA-256 over parts, each with its length before it, so that no two lists of parts are alike.
class hasher {
  public:
    hasher() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

    void add(byte_view part) {
        const std::array<std::uint8_t, 4> length = {static_cast<std::uint8_t>(part.size() >> 24),
                                                    static_cast<std::uint8_t>(part.size() >> 16),
                                                    static_cast<std::uint8_t>(part.size() >> 8),
                                                    static_cast<std::uint8_t>(part.size())};
        EVP_DigestUpdate(context_.get(), length.data(), length.size());
        EVP_DigestUpdate(context_.get(), part.data(), part.size());
    }

    void add_number(std::uint32_t number) {
        const std::array<std::uint8_t, 4> bytes = {
            static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
        add(bytes);
    }

    digest finish() {
        digest out{};
        EVP_DigestFinal_ex(context_.get(), out.data(), nullptr);
        return out;
    }

  private:
    struct free_context {
        void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
    };
    std::unique_ptr<EVP_MD_CTX, free_context> context_{EVP_MD_CTX_new()};
};

digest hash_names(X509* certificate) {
    std::vector<std::string> names;
    if (certificate != nullptr) {
        auto* found = static_cast<GENERAL_NAMES*>(
            X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
        for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
            const GENERAL_NAME* each = sk_GENERAL_NAME_value(found, i);
            if (each->type == GEN_DNS) {
                names.emplace_back(
                    reinterpret_cast<const char*>(ASN1_STRING_get0_data(each->d.dNSName)),
                    static_cast<std::size_t>(ASN1_STRING_length(each->d.dNSName)));
            }
        }
        GENERAL_NAMES_free(found);
    }
    std::ranges::sort(names);
    hasher hash;
    for (const std::string& each : names) {
        hash.add(as_bytes(each));
    }
    return hash.finish();
}

void free_digest(void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<digest*>(kept);
}

// A duplicate computes its own.
int drop_duplicate(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** kept, int, long, void*) {
    *kept = nullptr;
    return 1;
}

digest names_of(X509* certificate) {
    static const int index =
        X509_get_ex_new_index(0, nullptr, nullptr, drop_duplicate, free_digest);
    static std::mutex mutex;  // ex_data of a certificate that threads share
    if (certificate == nullptr || index < 0) {
        return hash_names(certificate);
    }
    // Only tried, so that nobody waits, not even a child that was forked while it was held.
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock.owns_lock()) {
        return hash_names(certificate);
    }
    if (const auto* kept = static_cast<const digest*>(X509_get_ex_data(certificate, index))) {
        return *kept;
    }
    auto made = std::make_unique<digest>(hash_names(certificate));
    const digest value = *made;
    if (X509_set_ex_data(certificate, index, made.get()) == 1) {
        made.release();
    }
    return value;
}

policy make_policy(int verify_mode, const STACK_OF(X509_NAME) * ca_names, X509* certificate,
                   std::uint32_t epoch) {
    hasher authentication;
    authentication.add_number(static_cast<std::uint32_t>(verify_mode));
    // Without SSL_VERIFY_PEER no client is asked, so the names change nothing.
    if ((verify_mode & SSL_VERIFY_PEER) != 0) {
        for (int i = 0; i < sk_X509_NAME_num(ca_names); ++i) {
            const unsigned char* der = nullptr;
            std::size_t size = 0;
            if (X509_NAME_get0_der(sk_X509_NAME_value(ca_names, i), &der, &size) == 1) {
                authentication.add({der, size});
            }
        }
    }
    policy made;
    made.authentication.bytes = authentication.finish();
    hasher all;
    all.add(made.authentication.bytes);
    all.add(names_of(certificate));
    all.add_number(epoch);
    made.all.bytes = all.finish();
    return made;
}

}  // namespace

// OpenSSL has two lists of CA names; a server tells those of the second if the first has none.
policy policy_of(SSL_CTX* context, std::uint32_t epoch) {
    const STACK_OF(X509_NAME)* names = SSL_CTX_get_client_CA_list(context);
    return make_policy(SSL_CTX_get_verify_mode(context),
                       sk_X509_NAME_num(names) > 0 ? names : SSL_CTX_get0_CA_list(context),
                       SSL_CTX_get0_certificate(context), epoch);
}

policy policy_of(SSL* ssl, std::uint32_t epoch) {
    const STACK_OF(X509_NAME)* names = SSL_get_client_CA_list(ssl);
    return make_policy(SSL_get_verify_mode(ssl),
                       sk_X509_NAME_num(names) > 0 ? names : SSL_get0_CA_list(ssl),
                       SSL_CTX_get0_certificate(SSL_get_SSL_CTX(ssl)), epoch);
}

std::optional<policy> policy_table::find(const std::string& sni) const {
    const std::lock_guard lock(mutex_);
    const auto found = policies_.find(sni);
    return found == policies_.end() ? std::nullopt : std::optional(found->second);
}

bool policy_table::learn(const std::string& sni, const policy& seen) {
    const std::lock_guard lock(mutex_);
    bool room = true;
    if (policies_.size() >= learnt_policies_max && !policies_.contains(sni)) {
        policies_.erase(policies_.begin());
        room = false;
    }
    policies_.insert_or_assign(sni, seen);
    return room;
}

void policy_table::drop(const std::string& sni) {
    const std::lock_guard lock(mutex_);
    policies_.erase(sni);
}

}  // namespace tlscache::tls
