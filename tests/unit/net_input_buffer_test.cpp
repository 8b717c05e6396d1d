#include "cache_server/net/input_buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace {

using tlscache::net::input_buffer;
using tlscache::store::memory_budget;
using room = input_buffer::room;

constexpr std::size_t own = tlscache::limits::read_bytes_private;
constexpr std::size_t most = tlscache::limits::request_bytes_max(16384);

void arrive(input_buffer& input, std::string_view bytes) {
    const auto space = input.space();
    REQUIRE(space.size() >= bytes.size());
    std::copy(bytes.begin(), bytes.end(), space.begin());
    input.commit(bytes.size());
}

std::string content(input_buffer& input) {
    return {input.unread().data(), input.unread().size()};
}

TEST_CASE("a short request needs no memory of the budget") {
    memory_budget budget(1 << 20);
    input_buffer input(budget);
    arrive(input, "get a\r\nget");
    input.consume(7);
    CHECK(content(input) == "get");
    CHECK(input.make_space(0, most) == room::made);
    CHECK(budget.used() == 0);
    CHECK_FALSE(input.grown());
}

TEST_CASE("a long request grows with what has arrived, is charged, and gives all back") {
    memory_budget budget(1 << 20);
    input_buffer input(budget);
    std::string sent;
    const std::string whole = "set k 0 0 16000\r\n" + std::string(16000, 'x') + "\r\n";
    std::size_t charged_before = 0;
    while (sent.size() < whole.size()) {
        REQUIRE(input.make_space(whole.size(), most) == room::made);
        // Announced are 16 KB: no more than four times what has come may be held for it.
        CHECK(budget.used() <= std::max<std::size_t>(4 * sent.size(), 4096));
        CHECK(budget.used() >= charged_before);
        charged_before = budget.used();
        const std::size_t n = std::min(input.space().size(), whole.size() - sent.size());
        arrive(input, whole.substr(sent.size(), n));
        sent += whole.substr(sent.size(), n);
    }
    CHECK(content(input) == whole);
    CHECK(budget.used() >= whole.size());
    input.consume(whole.size());
    CHECK(budget.used() == 0);
    CHECK(input.empty());
}

TEST_CASE("what follows a long request moves back to the private memory") {
    memory_budget budget(1 << 20);
    input_buffer input(budget);
    arrive(input, std::string(own, 'a'));
    REQUIRE(input.make_space(0, most) == room::made);
    arrive(input, std::string(100, 'b'));
    input.consume(own + 50);
    CHECK(content(input) == std::string(50, 'b'));
    CHECK_FALSE(input.grown());
    CHECK(budget.used() == 0);
}

TEST_CASE("growth stops at the budget and at the longest valid request") {
    memory_budget small(2048);
    input_buffer refused(small);
    arrive(refused, std::string(own, 'a'));
    CHECK(refused.make_space(0, most) == room::refused);
    CHECK(small.refused() == 1);
    CHECK(content(refused) == std::string(own, 'a'));

    memory_budget large(1 << 30);
    input_buffer endless(large);
    room last = room::made;
    std::size_t arrived = 0;
    while (last == room::made && arrived < 100 * most) {
        const std::size_t n = endless.space().size();
        arrive(endless, std::string(n, 'a'));
        arrived += n;
        last = endless.make_space(0, most);
    }
    CHECK(last == room::too_long);
    CHECK(arrived <= 2 * std::max(most, std::size_t{32768}));
}

TEST_CASE("growth leaves a part of the budget to connections themselves") {
    memory_budget budget(8192);
    const std::size_t kept = tlscache::limits::connection_bytes_kept(8192);
    REQUIRE(kept > 0);
    REQUIRE(budget.try_charge(8192 - 4096 - kept + 1));
    input_buffer input(budget);
    arrive(input, std::string(own, 'a'));
    CHECK(input.make_space(0, most) == room::refused);
    CHECK(budget.try_charge(4096 + kept - 1));
    budget.release(8192);
    REQUIRE(budget.try_charge(8192 - 4096 - kept));
    CHECK(input.make_space(0, most) == room::made);
}

TEST_CASE("what a batch leaves behind is kept, short or long") {
    memory_budget budget(1 << 20);
    input_buffer input(budget);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, own - 1, own, own + 1,
                                   tlscache::limits::read_bytes_batch}) {
        CAPTURE(size);
        const std::string rest(size, 'r');
        REQUIRE(input.keep(rest, most) == room::made);
        CHECK(content(input) == rest);
        CHECK(input.grown() == (size >= own));
        CHECK(budget.used() >= (size >= own ? size : 0));
    }
    input.release();
    CHECK(budget.used() == 0);
    memory_budget none(0);
    input_buffer poor(none);
    CHECK(poor.keep(std::string(own, 'r'), most) == room::refused);
}

TEST_CASE("bytes that are done with are erased") {
    memory_budget budget(1 << 20);
    input_buffer input(budget);
    const std::string secret = "secret-of-a-session";
    arrive(input, secret);
    const char* at = input.unread().data();
    const std::string before(at, secret.size());
    CHECK(before == secret);
    input.consume(secret.size());
    CHECK(std::all_of(at, at + secret.size(), [](char c) { return c == 0; }));
    arrive(input, secret + "rest");
    input.consume(secret.size());
    CHECK(content(input) == "rest");
    CHECK(std::all_of(at + 4, at + secret.size() + 4, [](char c) { return c == 0; }));
    // A read that came back after the connection was closed is never committed.
    const auto space = input.space();
    std::copy(secret.begin(), secret.end(), space.begin());
    input.release();
    CHECK(std::all_of(at, at + own, [](char c) { return c == 0; }));
}

}  // namespace
