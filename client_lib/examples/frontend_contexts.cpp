// SSL_set_SSL_CTX changes the certificate but not what is demanded of clients, so the servername
// callback sets the verify mode as well.

#include "client_lib/examples/frontend_contexts.hpp"

#include <stdexcept>

namespace frontend {

namespace {

std::unique_ptr<boost::asio::ssl::context> make_context(const host& from) {
    namespace ssl = boost::asio::ssl;
    auto made = std::make_unique<ssl::context>(ssl::context::tls_server);
    made->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                      ssl::context::no_tlsv1_1);
    SSL_CTX* native = made->native_handle();
    if (SSL_CTX_use_certificate_chain_file(native, from.certificate.c_str()) != 1) {
        throw std::runtime_error("cannot use the certificate " + from.certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(native, from.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        throw std::runtime_error("cannot use the key " + from.key);
    }
    if (!from.client_ca.empty()) {
        STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(from.client_ca.c_str());
        if (names == nullptr ||
            SSL_CTX_load_verify_locations(native, from.client_ca.c_str(), nullptr) != 1) {
            throw std::runtime_error("cannot use the CA file " + from.client_ca);
        }
        SSL_CTX_set_client_CA_list(native, names);
        SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return made;
}

int choose_host(SSL* ssl, int*, void* owner) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX* chosen = static_cast<contexts*>(owner)->serving(name == nullptr ? "" : name);
    if (chosen != SSL_get_SSL_CTX(ssl)) {
        SSL_set_SSL_CTX(ssl, chosen);
        SSL_set_verify(ssl, SSL_CTX_get_verify_mode(chosen), nullptr);
    }
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

contexts::contexts(const host& standard, const std::map<std::string, host>& vhosts)
    : standard_(make_context(standard)) {
    for (const auto& [name, from] : vhosts) {
        vhosts_.emplace(name, make_context(from));
    }
    SSL_CTX_set_tlsext_servername_callback(standard_->native_handle(), choose_host);
    SSL_CTX_set_tlsext_servername_arg(standard_->native_handle(), this);
}

SSL_CTX* contexts::serving(const std::string& name) {
    const auto found = vhosts_.find(name);
    return found == vhosts_.end() ? standard_->native_handle() : found->second->native_handle();
}

}  // namespace frontend
