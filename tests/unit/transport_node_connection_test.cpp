#include "client_lib/transport/node_connection.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/transport_support.hpp"

namespace tlscache::transport {
namespace {

using namespace std::chrono_literals;
using status = node_connection::status;
using purpose = node_connection::purpose;
using testing::key_of;

constexpr const char* miss_text = "TN n1 r00000000 e0\r\n";

struct fixture {
    node_connection talk;
    node_connection::answer answer;
    steady_time now{1h};

    fixture() { talk.begin(now); }
    void comes(const std::string& text) { talk.input().append(text); }
    status next() { return talk.next(answer); }
    std::string sent() {
        std::string text(talk.output().view());
        talk.output().consume(text.size());
        return text;
    }
    void greet(const std::string& text = miss_text) {
        sent();
        comes(text);
        REQUIRE(next() == status::answered);
        REQUIRE(answer.what == purpose::greeting);
    }
    void store(const std::string& value) {
        queued_store item;
        item.value = testing::bytes_of(value);
        talk.store(item, 60, now);
    }
    // Value of the next answer, which must be a hit of `id`.
    std::string hit_of(lookup_id id) {
        REQUIRE(next() == status::answered);
        CHECK(answer.id == id);
        CHECK(answer.reply.kind == wire::reply_kind::hit);
        return std::string(answer.reply.value);
    }
};

TEST_CASE_FIXTURE(fixture,
                  "a connection is ready once its greeting tells what kind of node it is") {
    CHECK(sent() == "tg AAAAAAAAAAAAAAAAAAAAAAAA\r\n");
    CHECK_FALSE(talk.ready());
    CHECK(next() == status::needs_more);
    comes(miss_text);
    CHECK(next() == status::answered);
    CHECK(talk.ready());
    CHECK_FALSE(talk.plain());

    talk.begin(now);
    CHECK_FALSE(talk.ready());
    comes("ERROR\r\n");
    CHECK(next() == status::answered);
    CHECK(talk.ready());
    CHECK(talk.plain());
}

TEST_CASE_FIXTURE(fixture, "a node that answers the greeting with an error is not used") {
    comes("SERVER_ERROR no role\r\n");
    CHECK(next() == status::bad);
    CHECK_FALSE(talk.ready());
}

TEST_CASE_FIXTURE(fixture, "no data block goes to a node that would run it as commands") {
    greet("ERROR\r\n");
    store("flush_all\r\n");
    talk.ask(key_of(1), 7, 0, now, now + 1ms);
    const std::string text = sent();
    CHECK(text.starts_with("ms "));
    CHECK(text.find("\r\nmg ") != std::string::npos);
    CHECK(text.find("ts ") == std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "each reply goes to the request whose turn it is, at every split") {
    greet();
    const std::string replies =
        "TV 1 t9 a1 n1 r00000000 e0\r\na\r\nHD n1 r00000000 e0\r\nMN\r\n"
        "TV 2 t9 a1 n1 r00000000 e0\r\nbb\r\nNF\r\n";
    for (std::size_t split = 0; split <= replies.size(); ++split) {
        CAPTURE(split);
        talk.ask(key_of(1), 11, 0, now, now + 1ms);
        store("x");
        talk.probe(now);
        talk.ask(key_of(2), 12, 1, now, now + 1ms);
        queued_store erasure;
        erasure.erase = true;
        talk.store(erasure, 0, now);
        CHECK(talk.stores_in_flight() == 2);
        std::string got;
        for (const std::string& part : {replies.substr(0, split), replies.substr(split)}) {
            comes(part);
            while (next() == status::answered) {
                got += std::to_string(static_cast<int>(answer.what));
                if (answer.what == purpose::lookup) {
                    CHECK(answer.reply.value == (answer.id == 11 ? "a" : "bb"));
                    CHECK(answer.key_index == answer.id - 11);
                }
            }
        }
        CHECK(got == "23124");  // lookup, store, probe, lookup, erase
        CHECK(talk.in_flight() == 0);
        CHECK(talk.stores_in_flight() == 0);
    }
}

TEST_CASE_FIXTURE(fixture, "a reply that nobody asked for, or of another kind, is bad") {
    greet();
    comes(miss_text);
    CHECK(next() == status::bad);

    talk.begin(now);
    greet();
    talk.ask(key_of(1), 7, 0, now, now + 1ms);
    comes("HD n1 r00000000 e0\r\n");
    CHECK(next() == status::bad);

    talk.begin(now);
    greet();
    talk.ask(key_of(1), 7, 0, now, now + 1ms);
    comes("ERROR\r\n");
    CHECK(next() == status::bad);
}

TEST_CASE_FIXTURE(fixture, "a late reply belongs to its own lookup and is known as overdue") {
    greet();
    talk.ask(key_of(1), 1, 0, now, now + 1ms);
    store("x");
    talk.ask(key_of(2), 2, 0, now, now + 5ms);
    CHECK(talk.next_deadline() == now + 1ms);
    CHECK_FALSE(talk.deadline_missed(now));
    CHECK(talk.deadline_missed(now + 2ms));
    CHECK_FALSE(talk.deadline_missed(now + 2ms));
    CHECK(talk.next_deadline() == now + 5ms);
    comes("TV 1 t9 a1 n1 r00000000 e0\r\na\r\nHD n1 r00000000 e0\r\n");
    CHECK(hit_of(1) == "a");
    CHECK(answer.overdue);
    REQUIRE(next() == status::answered);
    CHECK_FALSE(answer.overdue);
    comes("TV 2 t9 a1 n1 r00000000 e0\r\nbb\r\n");
    CHECK(hit_of(2) == "bb");
    CHECK_FALSE(answer.overdue);
    CHECK(talk.next_deadline() == steady_time::max());
}

TEST_CASE_FIXTURE(fixture, "what was in flight at a loss is told once each, oldest first") {
    greet();
    talk.ask(key_of(1), 1, 0, now, now + 1ms);
    store("x");
    talk.ask(key_of(2), 2, 0, now + 1ms, now + 9ms);
    CHECK(talk.oldest_sent() == now);
    CHECK(talk.deadline_missed(now + 2ms));
    auto lost = talk.take_lost();
    CHECK(lost->id == 1);
    CHECK(lost->overdue);
    CHECK(talk.take_lost()->what == purpose::store);
    lost = talk.take_lost();
    CHECK(lost->id == 2);
    CHECK_FALSE(lost->overdue);
    CHECK_FALSE(talk.take_lost());
    CHECK(talk.oldest_sent() == steady_time::max());
}

}  // namespace
}  // namespace tlscache::transport
