#include <doctest/doctest.h>
#include <signal.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "tests/unit/tls_support.hpp"
#include "tlscache/asio.hpp"

namespace asio = boost::asio;
using namespace tlscache;
using namespace tlscache::testing;
using local = asio::local::stream_protocol;
using stream = asio::ssl::stream<local::socket>;

namespace {

stand_in::behaviour slow_node(int milliseconds) {
    stand_in::behaviour how;
    how.mangle = [milliseconds](const stand_in_request& request, stand_in_reply& reply) {
        if (request.verb == "tg") {
            reply.when = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
        }
    };
    return how;
}

// A server context that Asio owns, attached, and sessions made on it.
struct server {
    explicit server(stand_in::behaviour how) : all(std::move(how)) {
        front = &all.add();
        SSL_CTX_up_ref(front->context.get());
        context.emplace(front->context.get());
    }

    session_pointer session(int version = TLS1_3_VERSION) {
        client_options options;
        options.version = version;
        return make_session(all, *front, options);
    }

    cluster all;
    frontend* front = nullptr;
    std::optional<asio::ssl::context> context;
};

// A pair of sockets with a blocking client in a thread of its own.
class visit {
  public:
    visit(asio::io_context& loop, server& at, SSL_SESSION* session, int version = TLS1_3_VERSION)
        : tls(local::socket(loop), *at.context), context_(SSL_CTX_new(TLS_client_method())) {
        ::signal(SIGPIPE, SIG_IGN);  // the client's write to a server that has gone
        local::socket other(loop);
        asio::local::connect_pair(tls.next_layer(), other);
        SSL_CTX_set_max_proto_version(context_.get(), version);
        SSL_CTX_set_options(context_.get(), SSL_OP_NO_TICKET);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_tlsext_host_name(ssl_.get(), "a.test");
        if (session != nullptr) {
            SSL_set_session(ssl_.get(), session);
        }
        socket_ = other.release();
        SSL_set_fd(ssl_.get(), socket_);
        client_ = std::thread([this] { connected = SSL_connect(ssl_.get()) == 1; });
    }

    ~visit() {
        ::shutdown(socket_, SHUT_RDWR);
        join();
        ::close(socket_);
    }

    void join() {
        if (client_.joinable()) {
            client_.join();
        }
    }

    bool resumed() { return SSL_session_reused(tls.native_handle()) == 1; }

    stream tls;
    std::atomic<bool> connected{false};

  private:
    context_pointer context_;
    ssl_pointer ssl_;
    int socket_ = -1;
    std::thread client_;
};

}  // namespace

TEST_CASE("async_accept completes a callback, a coroutine and a future, resumed") {
    server at(slow_node(20));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        asio::io_context loop;
        {
            const session_pointer session = at.session(version);
            visit one(loop, at, session.get(), version);
            int calls = 0;
            boost::system::error_code result = asio::error::would_block;
            async_accept(one.tls, at.front->library, [&](boost::system::error_code error) {
                ++calls;
                result = error;
            });
            loop.run();
            CHECK(calls == 1);
            CHECK_FALSE(result);
            CHECK(one.resumed());
        }
        {
            const session_pointer session = at.session(version);
            visit one(loop, at, session.get(), version);
            bool done = false;
            const auto serve = [&]() -> asio::awaitable<void> {
                co_await async_accept(one.tls, at.front->library, asio::use_awaitable);
                done = true;
            };
            asio::co_spawn(loop, serve(), asio::detached);
            loop.restart();
            loop.run();
            CHECK(done);
            CHECK(one.resumed());
        }
        {
            const session_pointer session = at.session(version);
            visit one(loop, at, session.get(), version);
            std::future<void> done = async_accept(one.tls, at.front->library, asio::use_future);
            loop.restart();
            loop.run();
            CHECK_NOTHROW(done.get());
            CHECK(one.resumed());
        }
    }
    CHECK(at.front->count(counter::suspended) == 6);
    CHECK(at.front->count(counter::blocked) == 0);
}

TEST_CASE("forty lookups wait at the same time on one thread") {
    constexpr int connections = 40;
    constexpr int lookup_ms = 50;
    server at(slow_node(lookup_ms));
    std::vector<session_pointer> sessions;
    for (int i = 0; i < connections; ++i) {
        sessions.push_back(at.session());
    }
    asio::io_context loop;
    std::vector<std::unique_ptr<visit>> visits;
    int completed = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (const session_pointer& each : sessions) {
        auto& one = *visits.emplace_back(std::make_unique<visit>(loop, at, each.get()));
        async_accept(one.tls, at.front->library,
                     [&completed](boost::system::error_code error) { completed += !error; });
    }
    loop.run();
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(completed == connections);
    int resumed = 0;
    for (const auto& each : visits) {
        resumed += each->resumed();
    }
    CHECK(resumed == connections);
    // One after the other they would take two seconds.
    CHECK(took < std::chrono::milliseconds(connections * lookup_ms / 2));
}

TEST_CASE("a stream of a context that is not attached is accepted all the same") {
    server at({});
    at.front->attached = attachment();
    asio::io_context loop;
    visit one(loop, at, nullptr);
    std::future<void> done = async_accept(one.tls, at.front->library, asio::use_future);
    loop.run();
    CHECK_NOTHROW(done.get());
}

TEST_CASE("plain async_handshake on an attached context blocks for the lookup and works") {
    server at(slow_node(5));
    const session_pointer session = at.session();
    asio::io_context loop;
    visit one(loop, at, session.get());
    std::future<void> done = one.tls.async_handshake(stream::server, asio::use_future);
    loop.run();
    CHECK_NOTHROW(done.get());
    CHECK(one.resumed());
    CHECK(at.front->count(counter::blocked) == 1);
}

TEST_CASE("a client that fails the handshake fails async_accept") {
    server at({});
    asio::io_context loop;
    local::socket client(loop);
    stream tls(local::socket(loop), *at.context);
    asio::local::connect_pair(client, tls.next_layer());
    asio::write(client, asio::buffer(std::string("no hello at all")));
    std::future<void> done = async_accept(tls, at.front->library, asio::use_future);
    loop.run();
    CHECK_THROWS_AS(done.get(), boost::system::system_error);
}

TEST_CASE("cancellation ends a suspended async_accept at once") {
    server at(slow_node(900));
    const session_pointer session = at.session();
    asio::io_context loop;
    visit one(loop, at, session.get());
    asio::cancellation_signal stop;
    int calls = 0;
    boost::system::error_code result;
    async_accept(one.tls, at.front->library,
                 asio::bind_cancellation_slot(stop.slot(), [&](boost::system::error_code error) {
                     ++calls;
                     result = error;
                 }));
    const auto begin = std::chrono::steady_clock::now();
    while (at.front->count(counter::suspended) == 0) {
        loop.run_one_for(std::chrono::milliseconds(10));
    }
    loop.poll();
    stop.emit(asio::cancellation_type::terminal);
    loop.run();
    CHECK(calls == 1);
    CHECK(result == asio::error::operation_aborted);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(800));
    CHECK(at.front->count(counter::abandoned) == 1);
}

TEST_CASE("an execution context that ends while streams are suspended leaves nothing behind") {
    server at(slow_node(30));
    const session_pointer session = at.session();
    {
        asio::io_context loop;
        const auto serve = [&]() -> asio::awaitable<void> {
            visit one(loop, at, session.get());
            co_await async_accept(one.tls, at.front->library, asio::as_tuple(asio::use_awaitable));
        };
        asio::co_spawn(loop, serve(), asio::detached);
        while (at.front->count(counter::suspended) == 0) {
            loop.run_one_for(std::chrono::milliseconds(10));
        }
        loop.poll();
    }
    CHECK(at.front->count(counter::abandoned) == 1);
}

TEST_CASE("several threads run one loop") {
    server at(slow_node(2));
    std::vector<session_pointer> sessions;
    for (int i = 0; i < 20; ++i) {
        sessions.push_back(at.session());
    }
    asio::io_context loop;
    std::vector<std::unique_ptr<visit>> visits;
    std::atomic<int> completed{0};
    for (const session_pointer& each : sessions) {
        auto& one = *visits.emplace_back(std::make_unique<visit>(loop, at, each.get()));
        async_accept(one.tls, at.front->library,
                     [&completed](boost::system::error_code error) { completed += !error; });
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&loop] { loop.run(); });
    }
    for (std::thread& each : threads) {
        each.join();
    }
    CHECK(completed == 20);
}
