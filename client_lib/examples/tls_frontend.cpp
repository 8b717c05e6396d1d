// tls_frontend: a small HTTPS server on Boost.Asio. Each page is one line that says who served it
// and whether the TLS session was resumed. One coroutine per connection, one thread; while a
// lookup runs, its connection is suspended and the thread serves others.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <tuple>

#include "client_lib/examples/frontend_contexts.hpp"
#include "tlscache/asio.hpp"
#include "tlscache/cache.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t request_bytes_max = 8 * 1024;             // as most servers' header limit
constexpr auto connection_time_max = std::chrono::seconds(30);  // for a request and its answer

struct settings {
    std::string name = "frontend";
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    std::string port_file;
    frontend::host standard;
    std::vector<std::string> vhosts;  // NAME:CERT:KEY[:CA]
    std::string config;
    bool no_cache = false;
    bool blocking = false;
    bool use_resolver = false;
    bool unsafe_no_binding = false;
};

// What all connections share.
struct service {
    const settings& with;
    frontend::contexts& contexts;
    tlscache::cache* cache;  // nullptr: nothing is shared
};

using stream = asio::ssl::stream<tcp::socket>;

std::string page_for(SSL* ssl, const std::string& frontend_name) {
    const char* sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    X509* peer = SSL_get0_peer_certificate(ssl);
    char subject[128] = "-";
    if (peer != nullptr) {
        X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, subject,
                                  sizeof subject);
    }
    return "frontend=" + frontend_name + " protocol=" + SSL_get_version(ssl) +
           " resumed=" + (SSL_session_reused(ssl) == 1 ? "yes" : "no") +
           " sni=" + (sni == nullptr ? "-" : sni) + " client=" + subject + "\n";
}

std::string counters_of(const tlscache::cache* cache) {
    std::string lines;
    if (cache == nullptr) {
        return "no cache\n";
    }
    for (const auto& [name, value] : cache->counters()) {
        lines += name + " " + std::to_string(value) + "\n";
    }
    return lines;
}

// "/" who and how, "/counters" the library's counters, "/logout" ends the session for good.
std::string body_for(std::string_view request, stream& tls, const service& of) {
    if (request.starts_with("GET /counters ")) {
        return counters_of(of.cache);
    }
    if (request.starts_with("GET /logout ")) {
        return tlscache::forget(tls.native_handle()) ? "forgotten\n" : "not of the cache\n";
    }
    return page_for(tls.native_handle(), of.with.name);
}

asio::awaitable<void> answer(stream& tls, const service& of) {
    constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
    std::string request;
    const auto [error, size] = co_await asio::async_read_until(
        tls, asio::dynamic_buffer(request, request_bytes_max), "\r\n\r\n", as_value);
    if (error) {
        co_return;
    }
    const std::string body = body_for(request, tls, of);
    const std::string reply =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    co_await asio::async_write(tls, asio::buffer(reply), as_value);
    co_await tls.async_shutdown(as_value);
}

asio::awaitable<void> serve(tcp::socket socket, const service& of) {
    constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
    const auto owned = std::make_shared<stream>(std::move(socket), of.contexts.listening());
    stream& tls = *owned;
    asio::steady_timer limit(tls.get_executor(), connection_time_max);
    // Weak: a timer that is cancelled may have gone off already.
    limit.async_wait([open = std::weak_ptr(owned)](boost::system::error_code error) {
        if (const auto late = open.lock(); late && !error) {
            late->next_layer().close(error);
        }
    });
    boost::system::error_code error;
    if (of.cache != nullptr && !of.with.blocking) {
        std::tie(error) = co_await tlscache::async_accept(tls, *of.cache, as_value);
    } else {
        std::tie(error) = co_await tls.async_handshake(stream::server, as_value);
    }
    if (!error) {
        co_await answer(tls, of);
    }
}

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, const service& of) {
    constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
    asio::steady_timer pause(acceptor.get_executor());
    while (acceptor.is_open()) {
        auto [error, socket] = co_await acceptor.async_accept(as_value);
        if (!error) {
            // Ticket and page are two small writes; the second would wait 40 ms for an ACK.
            socket.set_option(tcp::no_delay(true), error);
            asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), of), asio::detached);
        } else if (error != asio::error::operation_aborted) {
            // Out of descriptors: let connections end before the next try.
            pause.expires_after(std::chrono::milliseconds(50));
            co_await pause.async_wait(as_value);
        }
    }
}

tlscache::attachment attach(tlscache::cache& cache, frontend::contexts& contexts,
                            const settings& with) {
    tlscache::attach_options options;
    options.unsafe_no_binding = with.unsafe_no_binding;
    if (with.use_resolver) {
        options.resolver = [&contexts](std::string_view name) {
            return contexts.serving(std::string(name));
        };
    }
    tlscache::attachment attached =
        cache.attach(contexts.listening().native_handle(), std::move(options));
    std::cout << attached.report();
    return attached;
}

// Whoever waits for the file finds it complete.
void write_port(const std::string& file, std::uint16_t port) {
    const std::string fresh = file + ".new";
    std::ofstream(fresh) << port << '\n';
    if (std::rename(fresh.c_str(), file.c_str()) != 0) {
        throw std::runtime_error("cannot write " + file);
    }
}

std::map<std::string, frontend::host> parse_vhosts(const std::vector<std::string>& texts) {
    std::map<std::string, frontend::host> hosts;
    for (const std::string& text : texts) {
        std::vector<std::string> parts;
        std::istringstream in(text);
        for (std::string part; std::getline(in, part, ':');) {
            parts.push_back(part);
        }
        if (parts.size() < 3 || parts.size() > 4) {
            throw std::runtime_error("--vhost wants NAME:CERT:KEY[:CA], not " + text);
        }
        parts.resize(4);
        hosts[parts[0]] = {parts[1], parts[2], parts[3]};
    }
    return hosts;
}

void run(const settings& with) {
    frontend::contexts contexts(with.standard, parse_vhosts(with.vhosts));
    std::optional<tlscache::cache> cache;
    tlscache::attachment attached;
    if (!with.no_cache) {
        cache.emplace(tlscache::config::from_toml(with.config));
        attached = attach(*cache, contexts, with);
        cache->start();
    }
    const service of{with, contexts, cache ? &*cache : nullptr};
    asio::io_context loop(1);
    tcp::acceptor acceptor(loop, {asio::ip::make_address(with.address), with.port});
    const std::uint16_t port = acceptor.local_endpoint().port();
    asio::signal_set signals(loop, SIGINT, SIGTERM);
    signals.async_wait([&loop](boost::system::error_code, int) { loop.stop(); });
    asio::co_spawn(loop, accept_all(acceptor, of), asio::detached);
    if (!with.port_file.empty()) {
        write_port(with.port_file, port);
    }
    std::cout << with.name << " listens on " << acceptor.local_endpoint() << std::endl;
    loop.run();
}

void describe(CLI::App& app, settings& with) {
    app.add_option("--name", with.name, "what the page calls this frontend");
    app.add_option("--address", with.address, "address to listen on");
    app.add_option("--port", with.port, "0: one that the kernel chooses");
    app.add_option("--port-file", with.port_file, "write the port there once listening");
    app.add_option("--cert", with.standard.certificate, "certificate chain (PEM)")->required();
    app.add_option("--key", with.standard.key, "its key (PEM)")->required();
    app.add_option("--ca", with.standard.client_ca, "demand client certificates of these CAs");
    auto* config = app.add_option("--config", with.config, "the cache's client.toml");
    app.add_flag("--no-cache", with.no_cache, "do not share sessions")->excludes(config);
    app.add_flag("--blocking", with.blocking, "wait for lookups inside the handshake call");
    app.add_flag("--resolver", with.use_resolver, "tell the library which host serves which name");
    app.add_flag("--unsafe-no-binding", with.unsafe_no_binding,
                 "FOR TESTS: sessions of one name resume on any other");
    app.add_option("--vhost", with.vhosts, "NAME:CERT:KEY[:CA], once per virtual host");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"a small HTTPS server that says whether the session was resumed"};
    settings with;
    describe(app, with);
    CLI11_PARSE(app, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    try {
        run(with);
    } catch (const std::exception& e) {
        std::cerr << "tls_frontend: " << e.what() << '\n';
        return 2;
    }
    return 0;
}
