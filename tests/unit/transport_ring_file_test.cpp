#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/unit/transport_stand_in.hpp"
#include "tests/unit/transport_support.hpp"

namespace tlscache::testing {
namespace {

using transport::outcome;
using nodes_t = transport::transport;

class temporary_file {
  public:
    temporary_file() {
        std::string pattern = (std::filesystem::temp_directory_path() / "ring.XXXXXX").string();
        const int fd = ::mkstemp(pattern.data());
        REQUIRE(fd >= 0);
        ::close(fd);
        path_ = pattern;
    }
    ~temporary_file() { std::filesystem::remove(path_); }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;

    const std::string& path() const { return path_; }
    // As an editor or a deployment tool does: a new file in the place of the old one.
    void replace(const std::string& text) const {
        std::ofstream(path_ + ".new") << text;
        std::filesystem::rename(path_ + ".new", path_);
    }
    void overwrite(const std::string& text) const { std::ofstream(path_) << text; }

  private:
    std::string path_;
};

std::uint32_t length_of(std::string_view text) {
    return static_cast<std::uint32_t>(text.size());
}

// Waits for the counters to say so, which takes a second of the transport's clock.
template <class Good>
bool counted(nodes_t& nodes, Good good) {
    return until(nodes, key_of(1), [&](const auto&) { return good(nodes.statistics()); });
}

TEST_CASE(
    "a changed ring is used within a second or so, and nodes that stay keep their connection") {
    stand_in first;
    stand_in second;
    temporary_file file;
    file.overwrite("a " + first.address() + "\n");
    transport::transport_options options;
    options.ring_file = file.path();
    options.slow = 1000ms;
    options.ring_version = length_of;
    nodes_t nodes(options);
    nodes.start_thread();
    REQUIRE(connected(nodes));
    const std::uint32_t version = nodes.ring_version();
    CHECK(version != 0);

    const std::string both = "a " + first.address() + "\nb " + second.address() + " # new\n";
    file.replace(both);
    REQUIRE(counted(nodes, [](const auto& c) { return c.ring_reloads == 1; }));
    CHECK(nodes.ring_version() == length_of(both));
    for (std::uint64_t i = 0; i < 64; ++i) {
        nodes.store(key_of(i), bytes_of("x"), 60, 0);
    }
    REQUIRE(nodes.drain(soon()));
    CHECK(first.requests("ts") > 0);
    CHECK(second.requests("ts") > 0);
    CHECK(first.requests("ts") + second.requests("ts") == 64);
    CHECK(first.connections() == 1);

    file.replace("b " + second.address() + "\n");
    REQUIRE(counted(nodes, [](const auto& c) { return c.ring_reloads == 2; }));
    CHECK(until(nodes, key_of(3), answered));
    CHECK(second.connections() == 1);
    CHECK(nodes.statistics().ring_differs > 0);  // the stand-ins tell another version
}

TEST_CASE("a ring file that is wrong or gone is counted once, and the last good ring stays") {
    stand_in server;
    temporary_file file;
    file.overwrite("a " + server.address() + "\n");
    transport::transport_options options;
    options.ring_file = file.path();
    options.slow = 1000ms;
    nodes_t nodes(options);
    nodes.start_thread();
    REQUIRE(connected(nodes));
    file.overwrite("a nonsense\n");
    REQUIRE(counted(nodes, [](const auto& c) { return c.ring_refused == 1; }));
    CHECK(connected(nodes));
    std::filesystem::remove(file.path());
    REQUIRE(counted(nodes, [](const auto& c) { return c.ring_refused == 2; }));
    CHECK(connected(nodes));
    file.overwrite("a " + server.address() + " 2\n");
    REQUIRE(counted(nodes, [](const auto& c) { return c.ring_reloads == 1; }));
    CHECK(nodes.statistics().ring_refused == 2);
    CHECK(server.connections() == 1);
}

TEST_CASE("a wrong ring at the start is refused with file, line and reason") {
    temporary_file file;
    file.overwrite("a 127.0.0.1:1\nb nowhere\n");
    transport::transport_options options;
    options.ring_file = file.path();
    const std::string expected = file.path() + ":2: \"nowhere\" is no address";
    std::string got;
    try {
        nodes_t nodes(options);
    } catch (const std::invalid_argument& problem) {
        got = problem.what();
    }
    CHECK(got.starts_with(expected));
    options.ring_file = "/no/such/ring";
    CHECK_THROWS_AS(nodes_t{options}, std::invalid_argument);
    CHECK_THROWS_AS(nodes_t{transport::transport_options{}}, std::invalid_argument);
}

}  // namespace
}  // namespace tlscache::testing
