#pragma once

// The suspended way for Boost.Asio: the one public header that includes Boost. The program brings
// Boost and OpenSSL itself.
//
//     co_await tlscache::async_accept(stream, cache, asio::use_awaitable);
//
// Signature void(error_code), as stream.async_handshake(server). A stream made of an SSL_CTX that
// is not attached is accepted all the same. The handler's executor, or the way the program runs,
// serialises the operation, as with every operation of ssl::stream.

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <utility>

#include "tlscache/cache.hpp"

namespace tlscache {

namespace detail {

// Handshakes until it is done or suspended; suspended, it waits on a timer that never expires and
// that the answer cancels. So the handler belongs to the execution context all the time: whoever
// destroys that destroys the handler and with it the stream, after which nothing calls back.
template <class Stream>
class accept_operation {
  public:
    explicit accept_operation(Stream& accepted) : stream_(accepted) {}

    template <class Self>
    void operator()(Self& self) {
        allow_suspend(stream_.native_handle());
        stream_.async_handshake(boost::asio::ssl::stream_base::server, std::move(self));
    }

    template <class Self>
    void operator()(Self& self, boost::system::error_code error) {
        if (!parked_) {
            if (!error || SSL_want(stream_.native_handle()) != SSL_CLIENT_HELLO_CB) {
                self.complete(error);
                return;
            }
            park(self);
        } else if (std::exchange(parked_, nullptr)->answered) {
            stream_.async_handshake(boost::asio::ssl::stream_base::server, std::move(self));
        } else {
            abandon(stream_.native_handle());
            self.complete(error);
        }
    }

  private:
    struct parking {
        explicit parking(const typename Stream::executor_type& executor)
            : timer(executor, boost::asio::steady_timer::time_point::max()) {}
        boost::asio::steady_timer timer;
        std::atomic<bool> answered{false};
    };

    template <class Self>
    void park(Self& self) {
        SSL* const ssl = stream_.native_handle();
        const auto executor = boost::asio::get_associated_executor(self, stream_.get_executor());
        const auto parked = std::make_shared<parking>(stream_.get_executor());
        parked_ = parked;
        parked->timer.async_wait(std::move(self));  // *this is moved from here on
        on_answer(ssl, [parked, executor] {
            boost::asio::post(executor, [parked] {
                parked->answered = true;
                parked->timer.cancel();
            });
        });
    }

    Stream& stream_;
    std::shared_ptr<parking> parked_;  // while suspended
};

}  // namespace detail

// The stream must stay where it is until the token is completed. Cancellation completes at once
// with operation_aborted; the stream is then good for closing only.
template <class NextLayer, class Token>
auto async_accept(boost::asio::ssl::stream<NextLayer>& accepted, const cache&, Token&& token) {
    using operation = detail::accept_operation<boost::asio::ssl::stream<NextLayer>>;
    return boost::asio::async_compose<Token, void(boost::system::error_code)>(operation(accepted),
                                                                              token, accepted);
}

}  // namespace tlscache
