#include "cache_server/options.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

using tlscache::early_exit;
using tlscache::name_list;
using tlscache::options;

const name_list policies{"clock", "lru", "fifo"};

tlscache::parse_result parse(std::vector<const char*> words) {
    words.insert(words.begin(), "tlscached");
    return tlscache::parse_options(static_cast<int>(words.size()), words.data(), policies);
}

options parsed(const std::vector<const char*>& words) {
    const auto result = parse(words);
    if (const auto* exit = std::get_if<early_exit>(&result)) {
        FAIL(exit->text);
    }
    return std::get<options>(result);
}

std::string mistake(const std::vector<const char*>& words) {
    const auto result = parse(words);
    const auto* exit = std::get_if<early_exit>(&result);
    REQUIRE(exit != nullptr);
    CHECK(exit->code == 2);
    CHECK(exit->text.find('\n') == std::string::npos);
    return exit->text;
}

std::string toml_mistake(const std::string& text) {
    options base;
    const auto wrong = tlscache::apply_toml(base, text, "t.toml", policies);
    return wrong.value_or("");
}

// A file that is gone when the test ends.
class temporary_file {
  public:
    explicit temporary_file(const std::string& text) {
        const int descriptor = ::mkstemp(name_.data());
        REQUIRE(descriptor >= 0);
        ::close(descriptor);
        std::ofstream(name_) << text;
    }
    ~temporary_file() { std::remove(name_.c_str()); }
    const char* name() const { return name_.c_str(); }

  private:
    std::string name_ = "/tmp/tlscache-options-XXXXXX";
};

TEST_CASE("without options it listens on loopback, port 11211, with 64 MB and 4 threads") {
    const options all = parsed({});
    const auto endpoints = all.endpoints();
    REQUIRE(endpoints.size() == 2);
    CHECK(endpoints[0].host == "127.0.0.1");
    CHECK(endpoints[1].host == "::1");
    CHECK(endpoints[0].port == 11211);
    CHECK(all.memory_megabytes == 64);
    CHECK(all.threads == 4);
    CHECK(all.connections_max == 1024);
    CHECK(all.value_bytes_max == 16384);
    CHECK(all.idle_seconds == 0);
    CHECK(all.eviction == "CLOCK");
    CHECK(all.evict);
    CHECK(all.use_cas);
    CHECK_FALSE(all.shutdown_allowed);
}

TEST_CASE("memcached's short and long names mean the same") {
    const options brief =
        parsed({"-p", "1234", "-m",     "128", "-c", "7",  "-t2", "-I", "8k",  "-U", "0",  "-vv",
                "-d", "-u",   "nobody", "-P",  "/x", "-s", "/y",  "-a", "770", "-A", "-M", "-C"});
    const options full =
        parsed({"--port=1234", "--memory-limit=128", "--conn-limit", "7", "--threads", "2",
                "--max-item-size=8192", "--udp-port=0", "--verbose", "--verbose", "--daemon",
                "--user=nobody", "--pidfile=/x", "--unix-socket=/y", "--unix-mask=0770",
                "--enable-shutdown", "--disable-evictions", "--disable-cas"});
    for (const options* one : {&brief, &full}) {
        CHECK(one->port == 1234);
        CHECK(one->memory_megabytes == 128);
        CHECK(one->connections_max == 7);
        CHECK(one->threads == 2);
        CHECK(one->value_bytes_max == 8192);
        CHECK(one->verbosity == 2);
        CHECK(one->daemonize);
        CHECK(one->user == "nobody");
        CHECK(one->pid_file == "/x");
        CHECK(one->unix_socket == "/y");
        CHECK(one->unix_mask == 0770);
        CHECK(one->shutdown_allowed);
        CHECK_FALSE(one->evict);
        CHECK_FALSE(one->use_cas);
    }
}

TEST_CASE("addresses come by commas and by repeating, each with or without a port") {
    const auto all =
        parsed({"-p", "99", "-l", "127.0.0.1,[::1]:7", "-l", "::1", "-l", "localhost:0"})
            .endpoints();
    REQUIRE(all.size() == 4);
    CHECK((all[0].host == "127.0.0.1" && all[0].port == 99));
    CHECK((all[1].host == "::1" && all[1].port == 7));
    CHECK((all[2].host == "::1" && all[2].port == 99));
    CHECK((all[3].host == "localhost" && all[3].port == 0));
    CHECK(parsed({"-p", "-1"}).endpoints()[0].port == 0);
    CHECK(parsed({"-p", "0", "-s", "/x"}).endpoints().empty());
}

TEST_CASE("each wrong option is one line that names it") {
    const std::string begin = "tlscached: option ";
    CHECK(mistake({"-p", "65536"}) ==
          begin + "-p/--port: '65536' is not a port (0 to 65535; 0 is off, -1 is any free one)");
    CHECK(mistake({"-p", "x"}) ==
          begin + "-p/--port: 'x' is not a port (0 to 65535; 0 is off, -1 is any free one)");
    CHECK(mistake({"-m", "7"}) ==
          begin + "-m/--memory-limit: '7' is not a number from 8 to 1048576");
    CHECK(mistake({"-c", "0"}) == begin + "-c/--conn-limit: '0' is not a number from 1 to 1000000");
    CHECK(mistake({"-t", "65"}) == begin + "-t/--threads: '65' is not a number from 1 to 64");
    CHECK(mistake({"-I", "2m"}) == begin + "-I/--max-item-size: '2m' is not a size from 1k to 1m");
    CHECK(mistake({"-I", "1023"}) ==
          begin + "-I/--max-item-size: '1023' is not a size from 1k to 1m");
    CHECK(mistake({"-U", "11211"}) ==
          begin + "-U/--udp-port: '11211' is refused: there is no UDP here, only 0 (off) is valid");
    CHECK(mistake({"-a", "888"}) ==
          begin + "-a/--unix-mask: '888' is not an octal access mask from 0 to 777");
    CHECK(mistake({"-l", "a b"}) == begin +
                                        "-l/--listen: 'a b' is not an address (ADDRESS, "
                                        "ADDRESS:PORT or [V6]:PORT)");
    CHECK(mistake({"-l", "[::1"}).starts_with(begin + "-l/--listen: '[::1' is not an address"));
    CHECK(mistake({"-l", "127.0.0.1:70000"}).starts_with(begin + "-l/--listen: '127.0.0.1:70000'"));
    CHECK(mistake({"--eviction", "random"}) ==
          begin + "--eviction: 'random' is not one of clock, lru, fifo");
    CHECK(mistake({"--lock-memory", "maybe"}) ==
          begin + "--lock-memory: 'maybe' is not one of auto, required, off");
    CHECK(mistake({"--metrics", "127.0.0.1"}) ==
          begin + "--metrics: '127.0.0.1' is not ADDRESS:PORT");
    CHECK(mistake({"--idle-timeout", "15"}).starts_with(begin + "--idle-timeout: '15' is not 0"));
    CHECK(mistake({"--stall-timeout", "0"}).starts_with(begin + "--stall-timeout: '0' is not a"));
    CHECK(mistake({"-u", ""}) == begin + "-u/--user: is empty");
    CHECK(mistake({"-p", "0"}) ==
          begin + "-p/--port: is 0 and there is no --unix-socket: nothing to listen on");
    CHECK(mistake({"--nothing"}).find("--nothing") != std::string::npos);
    for (const std::string_view flag :
         {"insecure-plaintext=false", "enable-shutdown=false", "daemon=0", "verbose=-1"}) {
        const std::string given = "--" + std::string(flag);
        CHECK(mistake({given.c_str()}).find(flag.substr(0, flag.find('='))) != std::string::npos);
    }
    CHECK(mistake({"stray"}).find("stray") != std::string::npos);
    CHECK(mistake({"-p"}).find("--port") != std::string::npos);
    CHECK(mistake({"-l", "a\nb"}).find("--listen") != std::string::npos);
    CHECK(mistake({"--config", "/nonexistent/file"})
              .starts_with(begin + "--config: can't read '/nonexistent/file'"));
}

TEST_CASE("plaintext off loopback is refused unless the operator says so") {
    for (const char* address : {"0.0.0.0", "::", "192.0.2.1", "example.org", "10.0.0.1:11211"}) {
        CAPTURE(address);
        CHECK(mistake({"-l", address}).find("--insecure-plaintext") != std::string::npos);
        CHECK(parsed({"-l", address, "--insecure-plaintext"}).endpoints().size() == 1);
    }
    for (const char* address : {"127.0.0.1", "127.3.2.1", "::1", "localhost"}) {
        CAPTURE(address);
        CHECK(parsed({"-l", address}).endpoints().size() == 1);
    }
    CHECK(mistake({"--metrics", "0.0.0.0:9"}).find("--metrics") != std::string::npos);
    CHECK(parsed({"--metrics", "[::1]:9"}).metrics->port == 9);
}

TEST_CASE("the file has the same names, and each mistake is told with file, line and key") {
    options base;
    REQUIRE_FALSE(tlscache::apply_toml(base,
                                       "port = 5\nlisten = ['127.0.0.1', '[::1]:6']\n"
                                       "max-item-size = '4k'\ndisable-cas = true\nverbose = 3\n"
                                       "eviction = 'LRU'\ndaemon = false\n",
                                       "t.toml", policies));
    CHECK(base.port == 5);
    CHECK(base.listen == std::vector<std::string>{"127.0.0.1", "[::1]:6"});
    CHECK(base.value_bytes_max == 4096);
    CHECK_FALSE(base.use_cas);
    CHECK(base.verbosity == 3);
    CHECK(base.eviction == "LRU");

    CHECK(toml_mistake("\nprot = 5\n") == "t.toml:2: key 'prot': there is no such key");
    CHECK(toml_mistake("port = '5'\n") == "t.toml:1: key 'port': expected a number");
    CHECK(toml_mistake("threads = 1.5\n") == "t.toml:1: key 'threads': expected a number");
    CHECK(toml_mistake("daemon = 1\n") == "t.toml:1: key 'daemon': expected true or false");
    CHECK(toml_mistake("user = 5\n") == "t.toml:1: key 'user': expected a text");
    CHECK(toml_mistake("max-item-size = true\n") ==
          "t.toml:1: key 'max-item-size': expected a number or a text");
    CHECK(toml_mistake("listen = ['a', 5]\n") ==
          "t.toml:1: key 'listen': expected a text or a list of texts");
    CHECK(toml_mistake("threads = 2\n\nmemory-limit = 1\n") ==
          "t.toml:3: key 'memory-limit': '1' is not a number from 8 to 1048576");
    CHECK(toml_mistake("threads = 2\n[server]\nport = 5\n") ==
          "t.toml:2: key 'server': there is no such key");
    CHECK(toml_mistake("config = 'other'\n") == "t.toml:1: key 'config': there is no such key");
    CHECK(toml_mistake("threads = \n").starts_with("t.toml:1: "));
    CHECK(toml_mistake("zzz = 1\naaa = 1\n") == "t.toml:1: key 'zzz': there is no such key");
}

TEST_CASE("the command line wins over the file") {
    const temporary_file file("port = 5\nthreads = 3\nlisten = '127.0.0.2'\nconn-limit = 9\n");
    const options all = parsed({"--config", file.name(), "-t", "2", "-l", "127.0.0.3"});
    CHECK(all.port == 5);
    CHECK(all.threads == 2);
    CHECK(all.connections_max == 9);
    CHECK(all.listen == std::vector<std::string>{"127.0.0.3"});
    const temporary_file wrong("port = 5\nthreads = 0\n");
    CHECK(mistake({"--config", wrong.name(), "-t", "2"}) ==
          "tlscached: " + std::string(wrong.name()) +
              ":2: key 'threads': '0' is not a number from 1 to 64");
}

TEST_CASE("a value of the file that others forbid is told with file, line and key") {
    const auto told = [](const temporary_file& file, const char* key) {
        return "tlscached: " + std::string(file.name()) + ":2: key '" + key + "': ";
    };
    const temporary_file listen("threads = 2\nlisten = ['::1', '192.0.2.1']\n");
    CHECK(mistake({"--config", listen.name()}).starts_with(told(listen, "listen") + "'192.0.2.1'"));
    const temporary_file metrics("threads = 2\nmetrics = '0.0.0.0:9'\n");
    CHECK(
        mistake({"--config", metrics.name()}).starts_with(told(metrics, "metrics") + "'0.0.0.0'"));
    const temporary_file port("threads = 2\nport = 0\n");
    CHECK(mistake({"--config", port.name()}).starts_with(told(port, "port") + "is 0 and"));
    // Once the command line decides, it is the place of the mistake.
    CHECK(mistake({"--config", listen.name(), "-l", "0.0.0.0"})
              .starts_with("tlscached: option -l/--listen: '0.0.0.0'"));
    CHECK(parsed({"--config", listen.name(), "-l", "127.0.0.1"}).endpoints().size() == 1);
}

TEST_CASE("help names every option, the exit codes and the danger of plaintext") {
    const auto result = parse({"--help"});
    const auto* exit = std::get_if<early_exit>(&result);
    REQUIRE(exit != nullptr);
    CHECK(exit->code == 0);
    for (const char* part : {"--port",
                             "--listen",
                             "--unix-socket",
                             "--unix-mask",
                             "--memory-limit",
                             "--conn-limit",
                             "--threads",
                             "--max-item-size",
                             "--udp-port",
                             "--user",
                             "--daemon",
                             "--pidfile",
                             "--port-file",
                             "--verbose",
                             "--enable-shutdown",
                             "--disable-evictions",
                             "--disable-cas",
                             "--eviction",
                             "--lock-memory",
                             "--metrics",
                             "--idle-timeout",
                             "--stall-timeout",
                             "--config",
                             "--help",
                             "--version",
                             "--insecure-plaintext",
                             "DANGER",
                             "Exit codes"}) {
        CAPTURE(part);
        CHECK(exit->text.find(part) != std::string::npos);
    }
    const auto version = parse({"-V"});
    CHECK(std::get<early_exit>(version).text == "tlscached " TLSCACHE_VERSION);
}

}  // namespace
