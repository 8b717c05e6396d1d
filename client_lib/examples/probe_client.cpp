// A resumption counts only if both ends agree on it: what SSL_session_reused says here must be
// what the frontend's page says. In TLS 1.3 the ticket comes behind the handshake (RFC 8446 4.6.1),
// so the session is taken after the page has been read.

#include "client_lib/examples/probe_client.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace probe {

namespace {

constexpr std::size_t page_bytes_max = 16 * 1024;  // a frontend's page is one short line

std::string openssl_reason(const char* doing) {
    char text[160] = "connection ended";
    if (const unsigned long code = ERR_get_error(); code != 0) {
        ERR_error_string_n(code, text, sizeof text);
    }
    ERR_clear_error();
    return std::string(doing) + ": " + text;
}

// A connected socket, or -1.
int dial(const std::string& address, long timeout_ms) {
    const std::size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (colon == std::string::npos ||
        getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found) != 0) {
        return -1;
    }
    const timeval limit{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    int socket_fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_fd >= 0) {
        setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(socket_fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        const int on = 1;  // a request right behind Finished must not wait for a delayed ACK
        setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(socket_fd, found->ai_addr, found->ai_addrlen) != 0) {
            ::close(socket_fd);
            socket_fd = -1;
        }
    }
    freeaddrinfo(found);
    return socket_fd;
}

// Reads to the end and gives the body behind the header; "" if there is none.
std::string read_page(SSL* ssl) {
    std::string text;
    char part[2048];
    int got = 0;
    while (text.size() < page_bytes_max && (got = SSL_read(ssl, part, sizeof part)) > 0) {
        text.append(part, static_cast<std::size_t>(got));
    }
    const std::size_t header_end = text.find("\r\n\r\n");
    if (header_end == std::string::npos) {
        return {};
    }
    text.erase(0, header_end + 4);
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text;
}

}  // namespace

client::client(const options& settings)
    : settings_(settings), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_min_proto_version(context, settings.version);
    SSL_CTX_set_max_proto_version(context, settings.version);
    // Sessions by ID are what a 1.2 client offers here; in 1.3 the option means nothing to clients.
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (!settings.ca_file.empty()) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        if (SSL_CTX_load_verify_locations(context, settings.ca_file.c_str(), nullptr) != 1) {
            throw std::runtime_error("cannot use the CA file " + settings.ca_file);
        }
    }
    if (!settings.certificate.empty() &&
        (SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1 ||
         SSL_CTX_use_PrivateKey_file(context, settings.key.c_str(), SSL_FILETYPE_PEM) != 1)) {
        throw std::runtime_error("cannot use the certificate " + settings.certificate);
    }
    if (!settings.groups.empty() &&
        SSL_CTX_set1_groups_list(context, settings.groups.c_str()) != 1) {
        throw std::runtime_error("cannot use the groups " + settings.groups);
    }
}

report client::connect(const std::string& address) {
    report out;
    const int socket_fd = dial(address, settings_.timeout_ms);
    if (socket_fd < 0) {
        out.failure = std::string("connect: ") + std::strerror(errno);
        return out;
    }
    if (SSL* ssl = SSL_new(context_.get()); ssl != nullptr) {
        SSL_set_fd(ssl, socket_fd);
        talk(ssl, out);
        SSL_free(ssl);
    }
    ::close(socket_fd);
    return out;
}

void client::talk(SSL* ssl, report& out) {
    if (!settings_.sni.empty()) {
        SSL_set_tlsext_host_name(ssl, settings_.sni.c_str());
        if (!settings_.ca_file.empty()) {
            SSL_set1_host(ssl, settings_.sni.c_str());
        }
    }
    if (session_ && settings_.offer_sessions) {
        out.offered = SSL_set_session(ssl, session_.get()) == 1;
    }
    ERR_clear_error();
    if (SSL_connect(ssl) != 1) {
        out.failure = openssl_reason("handshake");
        return;
    }
    const bool reused = SSL_session_reused(ssl) == 1;
    static constexpr char request[] = "GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";
    if (SSL_write(ssl, request, sizeof request - 1) <= 0) {
        out.failure = openssl_reason("request");
        return;
    }
    out.page = read_page(ssl);
    if (out.page.empty()) {
        out.failure = openssl_reason("no page");
        return;
    }
    const std::string expected =
        std::string(" protocol=") + SSL_get_version(ssl) + " resumed=" + (reused ? "yes" : "no");
    if (out.page.find(expected) == std::string::npos) {
        out.failure = "the page says otherwise: " + out.page;
        return;
    }
    out.result = reused ? outcome::resumed : outcome::full;
    SSL_shutdown(ssl);
    if (SSL_SESSION* fresh = SSL_get1_session(ssl); fresh != nullptr) {
        if (SSL_SESSION_is_resumable(fresh) == 1) {
            session_.reset(fresh);
        } else {
            SSL_SESSION_free(fresh);
        }
    }
}

}  // namespace probe
