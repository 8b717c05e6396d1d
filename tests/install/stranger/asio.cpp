// The Asio header as a stranger's server uses it; compiled only.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <tlscache/asio.hpp>

boost::asio::awaitable<void> serve(boost::asio::ssl::stream<boost::asio::ip::tcp::socket>& stream,
                                   const tlscache::cache& cache) {
    co_await tlscache::async_accept(stream, cache, boost::asio::use_awaitable);
}
