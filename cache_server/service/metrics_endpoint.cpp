// Beast parses and writes; one session object per connection lives in its handlers. When the
// endpoint goes, the acceptor closes and sessions end by their deadline or with the io_context.

#include "cache_server/service/metrics_endpoint.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>

#include "cache_server/limits.hpp"
#include "cache_server/service/metrics.hpp"

namespace tlscache::metrics {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

struct endpoint::impl : std::enable_shared_from_this<endpoint::impl> {
    asio::ip::tcp::acceptor acceptor;
    asio::steady_timer retry;
    page_maker page;
    std::size_t open = 0;
    std::uint64_t refused = 0;

    impl(asio::io_context& service, int descriptor, int family, page_maker make_page)
        : acceptor(service, family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(),
                   descriptor),
          retry(service),
          page(std::move(make_page)) {}

    void accept();
};

namespace {

// One request, one answer, the end.
class session : public std::enable_shared_from_this<session> {
  public:
    session(asio::ip::tcp::socket socket, std::function<std::string()> page,
            std::function<void()> gone)
        : stream_(std::move(socket)), page_(std::move(page)), gone_(std::move(gone)) {
        parser_.header_limit(limits::metrics_request_bytes_max);
        parser_.body_limit(limits::metrics_request_bytes_max);
    }
    ~session() { gone_(); }

    void start() {
        stream_.expires_after(limits::metrics_timeout);
        http::async_read(stream_, buffer_, parser_,
                         [self = shared_from_this()](const error_code& error, std::size_t) {
                             if (!error) {
                                 self->answer();
                             }
                         });
    }

  private:
    void answer() {
        const auto& request = parser_.get();
        const bool known = request.target() == "/metrics" || request.target() == "/";
        const bool reads = request.method() == http::verb::get;
        response_.version(request.version());
        response_.result(!reads   ? http::status::method_not_allowed
                         : !known ? http::status::not_found
                                  : http::status::ok);
        response_.keep_alive(false);
        response_.set(http::field::content_type,
                      beast::string_view(content_type.data(), content_type.size()));
        if (response_.result() == http::status::ok) {
            response_.body() = page_();
        }
        response_.prepare_payload();
        http::async_write(
            stream_, response_, [self = shared_from_this()](error_code error, std::size_t) {
                self->stream_.socket().shutdown(asio::socket_base::shutdown_send, error);
            });
    }

    beast::tcp_stream stream_;
    beast::flat_static_buffer<limits::metrics_request_bytes_max> buffer_;
    http::request_parser<http::string_body> parser_;
    http::response<http::string_body> response_;
    std::function<std::string()> page_;
    std::function<void()> gone_;
};

}  // namespace

void endpoint::impl::accept() {
    acceptor.async_accept(
        [self = shared_from_this()](const error_code& error, asio::ip::tcp::socket socket) {
            if (!self->acceptor.is_open()) {
                return;
            }
            if (error) {
                // No descriptor left, most likely: look again later rather than spin.
                self->retry.expires_after(limits::accept_pause);
                self->retry.async_wait([self](const error_code& cancelled) {
                    if (!cancelled && self->acceptor.is_open()) {
                        self->accept();
                    }
                });
                return;
            }
            if (self->open >= limits::metrics_connections_max) {
                ++self->refused;
            } else {
                ++self->open;
                std::make_shared<session>(
                    std::move(socket), [self] { return self->page(self->refused); },
                    [self] { --self->open; })
                    ->start();
            }
            self->accept();
        });
}

endpoint::endpoint(asio::io_context& service, int descriptor, int family, page_maker page)
    : impl_(std::make_shared<impl>(service, descriptor, family, std::move(page))) {
    impl_->accept();
}

endpoint::~endpoint() {
    error_code error;
    impl_->acceptor.close(error);
    impl_->retry.cancel();
}

}  // namespace tlscache::metrics
