#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/transport_support.hpp"

// Against the memcached that the system has: what the library promises of a plain memcached as a
// node. Over a Unix socket in a directory of its own, so that no port has to be guessed.

namespace tlscache::testing {
namespace {

using transport::outcome;
using transport::unavailable_reason;
using nodes_t = transport::transport;

class memcached {
  public:
    memcached() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mc.XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        directory_ = pattern;
        start();
    }
    ~memcached() {
        stop();
        std::filesystem::remove_all(directory_);
    }
    memcached(const memcached&) = delete;
    memcached& operator=(const memcached&) = delete;

    std::string address() const { return "unix:" + socket(); }
    void start() {
        const std::string path = socket();
        child_ = ::fork();
        if (child_ == 0) {
            ::execlp("memcached", "memcached", "-u", "root", "-s", path.c_str(), "-m", "8", "-t",
                     "1", nullptr);
            ::_exit(127);
        }
        REQUIRE(child_ > 0);
        REQUIRE(accepts());
    }
    void send(int signal) const { ::kill(child_, signal); }
    // Comes back when it has really stopped: until then it may still answer.
    void suspend() const {
        int status = 0;
        send(SIGSTOP);
        REQUIRE(::waitpid(child_, &status, WUNTRACED) == child_);
        REQUIRE(WIFSTOPPED(status));
    }
    void stop() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

  private:
    bool accepts() const {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        socket().copy(name.sun_path, sizeof(name.sun_path) - 1);
        for (const auto deadline = soon(); std::chrono::steady_clock::now() < deadline;) {
            const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const bool good =
                ::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
            ::close(fd);
            if (good) {
                return true;
            }
            ::poll(nullptr, 0, 1);
        }
        return false;
    }
    std::string socket() const { return directory_ + "/socket"; }

    std::string directory_;
    pid_t child_ = -1;
};

bool is_hit(const transport::lookup_result& result) {
    return result.outcome == outcome::hit;
}

TEST_CASE("stores, finds, expires and erases on memcached as Debian ships it") {
    memcached server;
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    std::string value(2000, 'v');
    value += "\r\nflush_all\r\n";
    value += '\0';
    nodes.store(key_of(1), bytes_of(value), 7200, 42);
    nodes.store(key_of(2), bytes_of(""), 7200, 0);
    nodes.store(key_of(3), bytes_of("short"), 1, 0);
    REQUIRE(nodes.drain(soon()));
    const session::cache_key key = key_of(1);
    const auto got = nodes.lookup(std::span(&key, 1), soon());
    CHECK(got.outcome == outcome::hit);
    CHECK((text_of(got.value) == value));
    CHECK(got.ttl <= 7200);
    CHECK(got.ttl >= 7199);
    CHECK(got.age == -1);
    CHECK(until(nodes, key_of(2), [](const auto& r) { return is_hit(r) && r.value.empty(); }));
    CHECK(until(nodes, key_of(3), [](const auto& r) { return r.outcome == outcome::miss; }));
    nodes.erase(key_of(1));
    REQUIRE(nodes.drain(soon()));
    CHECK(nodes.lookup(std::span(&key, 1), soon()).outcome == outcome::miss);
    CHECK(nodes.statistics().bad_reply == 0);
    CHECK(nodes.statistics().connects == 1);
}

TEST_CASE("memcached killed, stopped and back: unavailable meanwhile, used again within 5 s") {
    memcached server;
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    const session::cache_key key = key_of(1);

    server.suspend();
    for (int i = 0; i < 3; ++i) {
        CHECK(nodes.lookup(std::span(&key, 1), in(3ms)).reason == unavailable_reason::deadline);
    }
    CHECK(until(nodes, key,
                [](const auto& r) { return r.reason == unavailable_reason::breaker_open; }));
    server.send(SIGCONT);
    CHECK(until(nodes, key, answered, in(5s)));

    server.stop();
    CHECK(until(nodes, key, [](const auto& r) { return !answered(r); }));
    server.start();
    CHECK(until(nodes, key, answered, in(5s)));
}

}  // namespace
}  // namespace tlscache::testing
