// The version is not chosen yet when the ClientHello callback runs, but it decides which ID will
// be asked for: in TLS 1.3 a PSK identity, before that the legacy session ID. So it is worked out
// from extension 43 and what is enabled here, as OpenSSL will do it.

#include "client_lib/tls/client_hello.hpp"

#include <algorithm>

#include "client_lib/tls/limits.hpp"

namespace tlscache::tls {

namespace {

constexpr unsigned extension_server_name = 0;
constexpr unsigned extension_extended_master_secret = 23;
constexpr unsigned extension_pre_shared_key = 41;
constexpr unsigned extension_early_data = 42;
constexpr unsigned extension_supported_versions = 43;

// Takes bytes from the front; false and nothing taken if there are fewer.
class reader {
  public:
    explicit reader(byte_view rest) : rest_(rest) {}

    bool number(std::size_t bytes, std::size_t& out) {
        if (rest_.size() < bytes) {
            return false;
        }
        out = 0;
        for (std::size_t i = 0; i < bytes; ++i) {
            out = out << 8 | rest_[i];
        }
        rest_ = rest_.subspan(bytes);
        return true;
    }

    bool bytes(std::size_t count, byte_view& out) {
        if (rest_.size() < count) {
            return false;
        }
        out = rest_.first(count);
        rest_ = rest_.subspan(count);
        return true;
    }

    // A vector with its length before it.
    bool vector(std::size_t length_bytes, byte_view& out) {
        std::size_t length = 0;
        return number(length_bytes, length) && bytes(length, out);
    }

    bool empty() const { return rest_.empty(); }

  private:
    byte_view rest_;
};

std::optional<byte_view> extension(SSL* ssl, unsigned type) {
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, type, &data, &size) != 1) {
        return std::nullopt;
    }
    return byte_view(data, size);
}

bool tls13_enabled(SSL* ssl) {
    // The methods of one version, TLSv1_2_server_method and its like, have no bounds to ask for.
    const SSL_METHOD* method = SSL_CTX_get_ssl_method(SSL_get_SSL_CTX(ssl));
    const long newest = SSL_get_max_proto_version(ssl);
    return (method == TLS_server_method() || method == TLS_method()) &&
           (newest == 0 || newest >= TLS1_3_VERSION) &&
           (SSL_get_options(ssl) & SSL_OP_NO_TLSv1_3) == 0;
}

}  // namespace

std::optional<std::string> parse_server_name(byte_view extension) {
    reader in(extension);
    byte_view list;
    if (!in.vector(2, list) || !in.empty()) {
        return std::nullopt;
    }
    reader names(list);
    std::size_t type = 0;
    byte_view name;
    if (!names.number(1, type) || type != 0 || !names.vector(2, name) || name.empty() ||
        name.size() > sni_bytes_max) {
        return std::nullopt;
    }
    std::string lowered(as_text(name));
    std::ranges::transform(lowered, lowered.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lowered;
}

bool offers_version(byte_view extension, std::uint16_t version) {
    reader in(extension);
    byte_view list;
    if (!in.vector(1, list)) {
        return false;
    }
    reader versions(list);
    for (std::size_t each = 0; versions.number(2, each);) {
        if (each == version) {
            return true;
        }
    }
    return false;
}

void parse_psk_identities(byte_view extension, std::vector<session::session_id>& out) {
    reader in(extension);
    byte_view list;
    if (!in.vector(2, list)) {
        return;
    }
    reader identities(list);
    byte_view identity;
    std::size_t obfuscated_age = 0;
    for (std::size_t i = 0; i < identities_examined_max && identities.vector(2, identity) &&
                            identities.number(4, obfuscated_age);
         ++i) {
        session::session_id id;
        if (identity.size() == id.bytes.size()) {
            std::ranges::copy(identity, id.bytes.begin());
            out.push_back(id);
        }
    }
}

client_hello read_client_hello(SSL* ssl) {
    client_hello hello;
    const unsigned char* data = nullptr;
    if (SSL_client_hello_get0_random(ssl, &data) == hello.random.size()) {
        std::copy_n(data, hello.random.size(), hello.random.begin());
    }
    if (const auto names = extension(ssl, extension_server_name)) {
        const auto name = parse_server_name(*names);
        hello.sni_usable = name.has_value();
        hello.sni = name.value_or("");
    }
    const auto versions = extension(ssl, extension_supported_versions);
    hello.tls13 = versions && offers_version(*versions, TLS1_3_VERSION) && tls13_enabled(ssl);
    hello.early_data = extension(ssl, extension_early_data).has_value();
    hello.extended_master_secret = extension(ssl, extension_extended_master_secret).has_value();
    if (hello.tls13) {
        if (const auto psk = extension(ssl, extension_pre_shared_key)) {
            hello.offers_session = true;
            parse_psk_identities(*psk, hello.offered);
        }
        return hello;
    }
    const std::size_t size = SSL_client_hello_get0_session_id(ssl, &data);
    hello.offers_session = size != 0;
    if (session::session_id id; size == id.bytes.size()) {
        std::copy_n(data, size, id.bytes.begin());
        hello.offered.push_back(id);
    }
    return hello;
}

bool offers_cipher(SSL* ssl, std::uint16_t cipher) {
    const unsigned char* data = nullptr;
    const std::size_t size = SSL_client_hello_get0_ciphers(ssl, &data);
    if (SSL_client_hello_isv2(ssl) != 0) {
        return false;  // its ciphers have three bytes; whoever speaks it may have a full handshake
    }
    reader ciphers({data, size});
    for (std::size_t each = 0; ciphers.number(2, each);) {
        if (each == cipher) {
            return true;
        }
    }
    return false;
}

}  // namespace tlscache::tls
