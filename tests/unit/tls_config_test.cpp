#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>

#include "client_lib/tls/housekeeper.hpp"
#include "tests/unit/tls_support.hpp"
#include "tlscache/tlscache.h"

using namespace tlscache;
using namespace tlscache::testing;

namespace {

// What from_toml says to this text, without the file's name; "" if it is content.
std::string complaint(const std::string& text) {
    const temporary_folder folder;
    const std::string path = folder.write("client.toml", text);
    try {
        config::from_toml(path);
    } catch (const error& e) {
        const std::string what = e.what();
        CHECK(what.starts_with(path + ":"));
        return what.substr(path.size() + 1);
    }
    return {};
}

const std::string minimum = "namespace = \"n\"\nring = \"/r\"\n";

}  // namespace

TEST_CASE("every key of the file arrives in the configuration") {
    const temporary_folder folder;
    const config read = config::from_toml(folder.write("client.toml", R"(
namespace = "shop"
ring = "/etc/tlscache/ring"
key_file = "/etc/tlscache/cluster.key"
mode = "stateful"
deadline_ms = 7
replicas = 2
tickets = 0
single_use = false
allow_no_ems = true

[sni_groups]
shop = ["example.com", "www.example.com"]
)"));
    CHECK(read.namespace_name == "shop");
    CHECK(read.ring == "/etc/tlscache/ring");
    CHECK(read.key_file == "/etc/tlscache/cluster.key");
    CHECK(read.mode == "stateful");
    CHECK(read.deadline_ms == 7);
    CHECK(read.replicas == 2);
    CHECK(read.tickets == 0);
    CHECK_FALSE(read.single_use);
    CHECK(read.allow_no_ems);
    CHECK(read.sni_groups.at("shop") == std::vector<std::string>{"example.com", "www.example.com"});

    const config nodes = config::from_toml(folder.write("nodes.toml", R"(
namespace = "shop"
[[nodes]]
name = "a"
address = "[::1]:11211"
[[nodes]]
name = "b"
address = "unix:/run/b"
weight = 2.5
)"));
    REQUIRE(nodes.nodes.size() == 2);
    CHECK(nodes.nodes[0].address == "[::1]:11211");
    CHECK(nodes.nodes[1].weight == 2.5);
}

TEST_CASE("what is wrong in the file is told with its line and key") {
    CHECK(complaint(minimum) == "");
    CHECK(complaint(minimum + "nonsense = 1\n") == "3: nonsense: no such key");
    CHECK(complaint("namespace = 5\nring = \"/r\"\n") == "1: namespace: must be a text in quotes");
    CHECK(complaint(minimum + "\nsingle_use = 1\n") == "4: single_use: must be true or false");
    CHECK(complaint(minimum + "deadline_ms = 0\n").starts_with("3: deadline_ms: "));
    CHECK(complaint(minimum + "deadline_ms = 1001\n") == "3: deadline_ms: must be at most 1000");
    CHECK(complaint(minimum + "deadline_ms = 99999999999\n").starts_with("3: deadline_ms: "));
    CHECK(complaint(minimum + "replicas = 4\n") == "3: replicas: must be 1 to 3");
    CHECK(complaint(minimum + "tickets = -1\n").starts_with("3: tickets: "));
    CHECK(complaint(minimum + "tickets = \"1\"\n").starts_with("3: tickets: "));
    CHECK(complaint(minimum + "mode = \"magic\"\n").starts_with("3: mode: "));
    CHECK(complaint("ring = \"/r\"\n").find("namespace: must be given") != std::string::npos);
    CHECK(complaint("namespace = \"n\"\n").find("ring: ") != std::string::npos);
    CHECK(complaint(minimum + "[sni_groups]\nx = [1]\n").starts_with("4: sni_groups.x: "));
    CHECK(complaint(minimum + "[sni_groups]\nx = [\"A.test\"]\n").find("lower-case") !=
          std::string::npos);
    CHECK(complaint(minimum + "[sni_groups]\nx = [\"a\"]\ny = [\"a\"]\n").find("twice") !=
          std::string::npos);
    CHECK(complaint(minimum + "[sni_groups]\n" + std::string(255, 'g') + " = [\"a\"]\n")
              .find("no name for a group") != std::string::npos);
    CHECK(complaint(minimum + "[sni_groups]\n" + std::string(254, 'g') + " = [\"a\"]\n") == "");
    CHECK(complaint("namespace = \"n\"\n[[nodes]]\nname = \"a\"\n").starts_with("2: nodes: "));
    CHECK(complaint("namespace = \"n\"\n[[nodes]]\nport = 1\n").starts_with("3: nodes.port: "));
    CHECK(complaint("namespace = \n").starts_with("1: "));
    CHECK(complaint(minimum + "mode = \"stateful\"\nmode = \"stateful\"\n").starts_with("4: "));
}

TEST_CASE("the environment names the file, and nothing else") {
    const temporary_folder folder;
    ::setenv("TLSCACHE_CONFIG", folder.write("named.toml", minimum).c_str(), 1);
    CHECK(config::from_toml().namespace_name == "n");
    ::setenv("TLSCACHE_CONFIG", folder.file("absent.toml").c_str(), 1);
    CHECK_THROWS_WITH_AS(config::from_toml(), doctest::Contains("absent.toml"), error);
    ::unsetenv("TLSCACHE_CONFIG");
}

TEST_CASE("a configuration made by a program is judged by the same rules") {
    config wrong;
    wrong.nodes.push_back({"n", "127.0.0.1:1", 1});
    CHECK_THROWS_WITH_AS(cache{wrong}, doctest::Contains("namespace: "), error);
    wrong.namespace_name = "n";
    wrong.ring = "/also";
    CHECK_THROWS_WITH_AS(cache{wrong}, doctest::Contains("ring: "), error);
    wrong.ring.clear();
    wrong.nodes[0].address = "nowhere";
    CHECK_THROWS_AS(cache{wrong}, error);
}

TEST_CASE("a thread that is not to be had is tried again, and the caller keeps its signals") {
    std::atomic<int> calls{0};
    tls::housekeeper keeper([&calls] { ++calls; });
    pthread_attr_t usual;
    pthread_attr_t huge;
    REQUIRE(pthread_getattr_default_np(&usual) == 0);
    REQUIRE(pthread_getattr_default_np(&huge) == 0);
    REQUIRE(pthread_attr_setstacksize(&huge, std::size_t{1} << 47) == 0);  // more than there is
    REQUIRE(pthread_setattr_default_np(&huge) == 0);
    CHECK_NOTHROW(keeper.ensure_running());
    CHECK(pthread_setattr_default_np(&usual) == 0);
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&huge);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    CHECK(sigismember(&blocked, SIGTERM) == 0);
    keeper.ensure_running();
    CHECK(await([&calls] { return calls > 0; }));
}

TEST_CASE("every counter has a name of its own") {
    cluster all;
    frontend& a = all.add();
    std::vector<std::string> names;
    for (const auto& [name, value] : a.library.counters()) {
        CHECK_FALSE(name.empty());
        CHECK(std::find(names.begin(), names.end(), name) == names.end());
        names.push_back(name);
    }
    CHECK(name_of(counter::abandoned) == "abandoned");
    CHECK(name_of(counter::refused_ems) == "refused_ems");
    CHECK(name_of(counter::count_).empty());
}

TEST_CASE("the C interface opens, attaches, counts and tells its errors") {
    cluster all;
    char text[64] = "";
    CHECK(tlscache_open("/absent.toml", text, sizeof text) == nullptr);
    CHECK(std::string(text).starts_with("/absent.toml:"));
    char small[8] = "";
    CHECK(tlscache_open("/absent.toml", small, sizeof small) == nullptr);
    CHECK(std::string(small) == "/absent");
    CHECK(tlscache_open("/absent.toml", nullptr, 0) == nullptr);

    const std::string key = all.folder.file("cluster.key");
    const std::string node = all.node->address();
    tlscache_config settings{};
    CHECK(tlscache_open_config(&settings, text, sizeof text) == nullptr);
    settings.size = sizeof settings;
    settings.namespace_name = "test";
    settings.node = node.c_str();
    settings.key_file = key.c_str();
    tlscache_cache* library = tlscache_open_config(&settings, text, sizeof text);
    REQUIRE_MESSAGE(library != nullptr, text);

    const context_pointer context = make_server_context();
    static int calls = 0;
    tlscache_attach_options options{};
    options.size = sizeof options;
    options.client_hello = [](SSL*, int*, void*) { return ++calls, SSL_CLIENT_HELLO_SUCCESS; };
    options.resolver = [](const char*, void* argument) { return static_cast<SSL_CTX*>(argument); };
    options.resolver_argument = context.get();
    tlscache_attachment* attached =
        tlscache_attach(library, context.get(), &options, text, sizeof text);
    REQUIRE(attached != nullptr);
    CHECK(std::string(tlscache_attachment_report(attached)).find("cache mode") !=
          std::string::npos);
    CHECK(tlscache_attach(library, context.get(), nullptr, text, sizeof text) == nullptr);
    tlscache_start(library);
    {
        conversation talk(context.get(), {});
        CHECK(tlscache_allow_suspend(talk.server()) == 1);
        CHECK(talk.complete());
        CHECK(calls == 1);
        int woken = 0;
        tlscache_on_answer(
            talk.server(), [](void* count) { ++*static_cast<int*>(count); }, &woken);
        CHECK(woken == 1);
        tlscache_abandon(talk.server());
        CHECK(tlscache_forget(talk.server()) == 1);
    }
    std::string counters(tlscache_counters(library, nullptr, 0) + 1, '\0');
    tlscache_counters(library, counters.data(), counters.size());
    CHECK(counters.find("handshakes 1\n") != std::string::npos);
    tlscache_detach(attached);
    tlscache_close(library);
    tlscache_detach(nullptr);
    tlscache_close(nullptr);
}
