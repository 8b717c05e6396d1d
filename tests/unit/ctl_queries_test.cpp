// The node's answers as the administrator's tool understands them.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cache_server/ctl/output.hpp"
#include "cache_server/ctl/queries.hpp"

namespace {

using namespace tlscache;
using namespace std::chrono_literals;

// A node that gives one prepared answer to whatever it is asked, then closes or hangs.
class scripted_node {
  public:
    enum class then { close, hang };

    scripted_node(std::string answer, then after) {
        char folder[] = "/tmp/tlscache-ctl-XXXXXX";
        REQUIRE(::mkdtemp(folder) != nullptr);
        folder_ = folder;
        path_ = folder_ + "/node";
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        path_.copy(name.sun_path, sizeof(name.sun_path) - 1);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0);
        REQUIRE(::listen(listener_, 1) == 0);
        server_ = std::thread([this, answer = std::move(answer), after] { serve(answer, after); });
    }
    ~scripted_node() {
        server_.join();
        ::close(listener_);
        ::unlink(path_.c_str());
        ::rmdir(folder_.c_str());
    }

    transport::address where() const { return {"", "", path_}; }
    const std::string& asked() const { return asked_; }

  private:
    void serve(const std::string& answer, then after) {
        const int peer = ::accept(listener_, nullptr, nullptr);
        char bytes[512];
        const ssize_t got = ::recv(peer, bytes, sizeof(bytes), 0);
        asked_.assign(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
        ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
        if (after == then::hang) {
            ::recv(peer, bytes, sizeof(bytes), 0);  // until the tool gives up and closes
        }
        ::close(peer);
    }

    std::string folder_;
    std::string path_;
    std::string asked_;
    int listener_ = -1;
    std::thread server_;
};

// Asks in a scope of its own, so that the connection is closed before the node is joined.
template <class F>
auto ask(const scripted_node& node, std::chrono::milliseconds patience, F&& question) {
    ctl::connection connection(std::chrono::steady_clock::now() + patience);
    REQUIRE(connection.open(node.where()));
    return question(connection);
}

}  // namespace

TEST_CASE("an entry line tells all that was asked for") {
    const auto entry = ctl::parse_entry_line("HD s171 t298 l3 f7 c42 h1");
    REQUIRE(entry);
    CHECK(entry->found);
    CHECK(entry->bytes == 171);
    CHECK(entry->ttl == 298);
    CHECK(entry->since_access == 3);
    CHECK(entry->client_flags == 7);
    CHECK(entry->cas == 42);
    CHECK(entry->fetched);
}

TEST_CASE("a miss is an answer, not a failure") {
    const auto entry = ctl::parse_entry_line("EN");
    REQUIRE(entry);
    CHECK_FALSE(entry->found);
}

TEST_CASE("what is no answer to a meta get is refused") {
    for (const char* line : {"", "ERROR", "SERVER_ERROR out of memory", "VA", "VA x s1", "HD sx",
                             "HD t", "VA 9999999999 s1", "END", "VALUE k 0 5"}) {
        CAPTURE(line);
        CHECK_FALSE(ctl::parse_entry_line(line));
    }
}

TEST_CASE("keys are checked before the node is asked") {
    CHECK(ctl::valid_key({"mod_ssl-sess:00", false, false}));
    CHECK(ctl::valid_key({std::string(250, 'k'), false, false}));
    CHECK_FALSE(ctl::valid_key({std::string(251, 'k'), false, false}));
    CHECK_FALSE(ctl::valid_key({"", false, false}));
    CHECK_FALSE(ctl::valid_key({"two words", false, false}));
    CHECK_FALSE(ctl::valid_key({"line\r\nflush_all", false, false}));
    CHECK(ctl::valid_key({"AAECAwQFBgcICQoLDA0ODxAR", true, false}));
    CHECK_FALSE(ctl::valid_key({"not base64!", true, false}));
}

TEST_CASE("a value is fetched whole, whatever bytes it has") {
    const std::string value("a\r\nEN\r\n\0b", 9);
    const scripted_node node("VA 9 s9 t-1 l0 f0 c1 h0\r\n" + value + "\r\n",
                             scripted_node::then::close);
    const auto entry = ask(node, 5s, [](ctl::connection& c) {
        return ctl::ask_entry(c, {"k", false, true});
    });
    REQUIRE(entry);
    CHECK(as_text(entry->value) == value);
    CHECK(entry->ttl == -1);
}

TEST_CASE("the question is one line, with the flags that fit it") {
    scripted_node node("EN\r\n", scripted_node::then::close);
    const auto entry = ask(node, 5s, [](ctl::connection& c) {
        return ctl::ask_entry(c, {"AAECAwQFBgcICQoLDA0ODxAR", true, false});
    });
    CHECK(entry);
    CHECK(node.asked() == "mg AAECAwQFBgcICQoLDA0ODxAR s t l f c h b\r\n");
}

TEST_CASE("a node that closes in the middle of an answer gave none") {
    for (const char* part : {"", "VA 9 s9", "VA 9 s9 t-1\r\nabc", "VA 3 s3 t-1\r\nabcde"}) {
        CAPTURE(part);
        const scripted_node node(part, scripted_node::then::close);
        CHECK_FALSE(ask(node, 5s, [](ctl::connection& c) {
            return ctl::ask_entry(c, {"k", false, true});
        }));
    }
}

TEST_CASE("a node that hangs is given up at the deadline") {
    const scripted_node node("STAT pid 1\r\n", scripted_node::then::hang);
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(ask(node, 50ms, [](ctl::connection& c) { return ctl::ask_statistics(c, ""); }));
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
}

TEST_CASE("statistics keep their order and their blanks") {
    const scripted_node node("STAT version 1.6.18-tlscached-0.1.0\r\nSTAT note a b\r\nEND\r\n",
                             scripted_node::then::close);
    const auto rows =
        ask(node, 5s, [](ctl::connection& c) { return ctl::ask_statistics(c, "settings"); });
    REQUIRE(rows);
    REQUIRE(rows->size() == 2);
    CHECK(rows->at(0) == std::pair<std::string, std::string>("version", "1.6.18-tlscached-0.1.0"));
    CHECK(rows->at(1).second == "a b");
    CHECK(node.asked() == "stats settings\r\n");
}

TEST_CASE("a refused flush is told apart from no answer") {
    const auto answer_to = [](const char* text) {
        const scripted_node node(text, scripted_node::then::close);
        return ask(node, 5s, [](ctl::connection& c) { return ctl::ask_flush(c); });
    };
    CHECK(answer_to("OK\r\n") == ctl::flush_answer::flushed);
    CHECK(answer_to("CLIENT_ERROR flush_all not allowed\r\n") == ctl::flush_answer::refused);
    CHECK_FALSE(answer_to(""));
}

TEST_CASE("JSON holds numbers as numbers and survives what is not UTF-8") {
    const auto document = nlohmann::json::parse(
        ctl::json_statistics({{"pid", "12"}, {"rate", "1.5"}, {"odd", "\xff"}}));
    CHECK(document["pid"] == 12);
    CHECK(document["rate"] == "1.5");
    CHECK(document["odd"].is_string());
}

TEST_CASE("JSON of an entry has the value only if it was asked for") {
    ctl::found_entry entry;
    entry.found = true;
    entry.value = {'a', 'b', 'c'};
    const auto without = nlohmann::json::parse(ctl::json_entry({"k", false, false}, entry));
    const auto with = nlohmann::json::parse(ctl::json_entry({"k", false, true}, entry));
    CHECK_FALSE(without.contains("value_base64"));
    CHECK(with["value_base64"] == "YWJj");
    CHECK(with["ttl_seconds"].is_null());
}
