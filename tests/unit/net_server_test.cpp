// The net side in this process, so that the sanitizers see its threads.

#include "cache_server/net/server.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "cache_server/command/server_view.hpp"
#include "cache_server/command/statistics.hpp"
#include "cache_server/store/store.hpp"
#include "plugins/registry.hpp"

namespace {

namespace net = tlscache::net;
namespace store = tlscache::store;

class real_clock final : public store::clock {
  public:
    store::instant now() const noexcept override {
        timespec time{};
        ::clock_gettime(CLOCK_BOOTTIME, &time);
        const std::int64_t ns =
            static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
        return {ns, ns};
    }
};

class plain_view final : public tlscache::command::server_view {
  public:
    void general_statistics(const tlscache::command::stat_sink&) override {}
    void settings(const tlscache::command::stat_sink&) override {}
    void connections(const tlscache::command::stat_sink&) override {}
    void reset_statistics() override {}
    void set_verbosity(unsigned) override {}
    bool shutdown_allowed() const override { return false; }
    void shutdown(bool) override {}
    std::uint32_t ring_version() const override { return 0; }
    std::uint32_t namespace_epoch(std::uint16_t) const override { return 0; }
};

// A peer that gives up after ten seconds rather than hang the test.
class peer {
  public:
    explicit peer(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        connected_ =
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        const timeval limit{10, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    peer(peer&& other) noexcept
        : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
    ~peer() {
        if (socket_ >= 0) {
            ::close(socket_);
        }
    }

    bool send(std::string_view bytes) {
        return connected_ && ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                                 static_cast<ssize_t>(bytes.size());
    }
    // Reads until that many bytes have come, or the end.
    std::string read(std::size_t count) {
        std::string all;
        std::array<char, 4096> part{};
        while (all.size() < count) {
            const ssize_t n = ::recv(socket_, part.data(), part.size(), 0);
            if (n <= 0) {
                break;
            }
            all.append(part.data(), static_cast<std::size_t>(n));
        }
        return all;
    }
    bool asks(std::string_view request, std::string_view reply) {
        return send(request) && read(reply.size()) == reply;
    }

  private:
    int socket_;
    bool connected_ = false;
};

struct fixture {
    fixture() : path("/tmp/tlscache-net-" + std::to_string(::getpid())) {
        auto listening = net::listen_unix(path, 0700);
        REQUIRE_FALSE(listening.failed);
        server.start(view, counted, std::move(listening.made));
        service_thread = std::thread([this] {
            const auto work = boost::asio::make_work_guard(service);
            service.run();
        });
    }
    ~fixture() {
        drain();
        service.stop();
        service_thread.join();
    }
    void drain() {
        if (drained) {
            return;
        }
        boost::asio::post(service, [this] {
            server.drain([this] {
                drained = true;
                drained.notify_all();
            });
        });
        drained.wait(false);
    }

    static store::store_options options() {
        store::store_options out;
        out.bytes_max = 16 << 20;
        out.threads = 2;
        out.policy = tlscache::plugins::find_eviction_policy("clock");
        out.lock_memory = store::store_options::lock_memory_mode::off;
        return out;
    }

    std::string path;
    real_clock clock;
    boost::asio::io_context service{1};
    net::tunables changing;
    store::memory_budget budget{1 << 20};
    store::store entries{options(), clock.now()};
    tlscache::command::statistics counted;
    plain_view view;
    net::server server{service, net::settings{2, 16384}, changing, entries, budget, clock};
    std::thread service_thread;
    std::atomic<bool> drained{false};
};

TEST_CASE("peers on several threads each get their own answers") {
    fixture f;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int n = 0; n != 4; ++n) {
        threads.emplace_back([&, n] {
            peer one(f.path);
            const std::string key = "key" + std::to_string(n);
            const std::string value(200 + static_cast<std::size_t>(n) * 700,
                                    static_cast<char>('a' + n));
            const std::string size = std::to_string(value.size());
            for (int round = 0; round != 50; ++round) {
                wrong += !one.asks("set " + key + " 0 60 " + size + "\r\n" + value + "\r\n",
                                   "STORED\r\n");
                const std::string hit =
                    "VALUE " + key + " 0 " + size + "\r\n" + value + "\r\nEND\r\n";
                wrong += !one.asks("get " + key + "\r\nget " + key + "\r\n", hit + hit);
            }
        });
    }
    const auto shown = f.server.describe(16);
    CHECK(shown.size() <= 4);
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(wrong == 0);
    CHECK(f.server.statistics().accepted == 4);
    CHECK(f.server.statistics().bytes_written > 0);
}

TEST_CASE("a drain answers what was sent before, then ends every connection") {
    fixture f;
    std::vector<peer> peers;
    for (int n = 0; n != 8; ++n) {
        peers.emplace_back(f.path);
        REQUIRE(peers.back().asks("mn\r\n", "MN\r\n"));
    }
    for (peer& one : peers) {
        REQUIRE(one.send("set a 0 0 1\r\nx\r\nget a\r\nset unfinished 0 0 9\r\nx"));
    }
    f.drain();
    for (peer& one : peers) {
        CHECK(one.read(4096) == "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    }
    CHECK(f.server.statistics().connections == 0);
    CHECK(f.budget.used() == 0);
}

TEST_CASE(
    "peers that fill the buffers and do not read are refused, counted, and cost nothing after") {
    fixture f;
    {
        peer first(f.path);
        const std::string value(16000, 'v');
        REQUIRE(first.asks("set k 0 0 16000\r\n" + value + "\r\n", "STORED\r\n"));
        std::string gets;
        for (int n = 0; n != 400; ++n) {
            gets += "get k\r\n" + std::string(n % 7 == 0 ? "mn\r\n" : "");
        }
        // More than one piece of the batch memory, so that input is left behind by the pause.
        std::string unfinished = "set u 0 0 16000\r\n" + std::string(15000, 'u');
        std::vector<peer> greedy;
        for (int n = 0; n != 60; ++n) {
            greedy.emplace_back(f.path);
            greedy.back().send(n % 2 == 0 ? gets + unfinished : unfinished);
        }
        bool refused = false;
        for (int n = 0; n != 10'000 && !refused; ++n) {
            const auto now = f.server.statistics();
            refused = now.refused_unsent + now.refused_read_buffer > 0;
            ::poll(nullptr, 0, 1);
        }
        CHECK(refused);
        CHECK(f.budget.used() <= f.budget.bytes_max());
        CHECK(first.asks("mn\r\n", "MN\r\n"));
    }
    f.drain();
    CHECK(f.budget.used() == 0);
    CHECK(f.server.statistics().paused_peers > 0);
}

}  // namespace
