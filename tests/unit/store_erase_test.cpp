// Every way out erases the bytes: the cache's memory is searched for the values afterwards, and
// before, to see that the search finds them.

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/unit/store_support.hpp"

namespace tlscache::test {

namespace {

struct mapping {
    const char* begin;
    std::size_t bytes;
};

// The arenas of this process, as the kernel lists them.
std::vector<mapping> arenas() {
    std::vector<mapping> found;
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line)) {
        if (line.find("memfd:tlscache") != std::string::npos) {
            std::size_t begin = 0;
            std::size_t end = 0;
            char dash = 0;
            std::istringstream(line) >> std::hex >> begin >> dash >> end;
            found.push_back({reinterpret_cast<const char*>(begin), end - begin});
        }
    }
    return found;
}

constexpr std::string_view mark = "SECRET-SESSION-";

// How many marked values lie in the cache's memory.
int secrets() {
    int count = 0;
    for (const mapping& m : arenas()) {
        const char* at = m.begin;
        const char* const end = m.begin + m.bytes;
        while ((at = static_cast<const char*>(::memmem(at, static_cast<std::size_t>(end - at),
                                                       mark.data(), mark.size()))) != nullptr) {
            ++count;
            at += mark.size();
        }
    }
    return count;
}

std::string secret(int i, std::size_t bytes = 200) {
    std::string value = std::string(mark) + std::to_string(i);
    value.resize(bytes, '.');
    return value;
}

constexpr int many = 1'000;

void store_secrets(cache& c, std::int64_t ttl = store::time_to_live::forever) {
    for (int i = 0; i < many; ++i) {
        REQUIRE(c.set("k" + std::to_string(i), secret(i), ttl) == store::set_status::stored);
    }
    REQUIRE(secrets() == many);  // the control
}

}  // namespace

TEST_CASE("an expired entry's bytes are erased, by the tick and by a lookup") {
    cache c;
    store_secrets(c, 10);
    c.pass(11);
    SUBCASE("tick") {
        c.tick();
    }
    SUBCASE("lookup") {
        for (int i = 0; i < many; ++i) {
            CHECK_FALSE(c.has("k" + std::to_string(i)));
        }
    }
    CHECK(secrets() == 0);
    CHECK(c.entries.collect().wiped_bytes >= many * 200);
}

TEST_CASE("deleted, overwritten and flushed entries' bytes are erased") {
    cache c;
    store_secrets(c);
    SUBCASE("deleted") {
        for (int i = 0; i < many; ++i) {
            c.erase("k" + std::to_string(i));
        }
    }
    SUBCASE("overwritten") {
        for (int i = 0; i < many; ++i) {
            c.set("k" + std::to_string(i), i % 2 == 0 ? std::string(200, 'n') : "");
        }
    }
    SUBCASE("overwritten by what is gone at once") {
        for (int i = 0; i < many; ++i) {
            c.set("k" + std::to_string(i), "x", 0);
        }
    }
    SUBCASE("flushed") {
        c.entries.flush(c.now, 0);
    }
    SUBCASE("flushed later") {
        c.entries.flush(c.now, 5);
        c.pass(5);
        c.tick();
    }
    SUBCASE("refused: too large") {
        for (int i = 0; i < many; ++i) {
            c.set("k" + std::to_string(i), std::string(mebibyte + 1, 'n'));
        }
    }
    CHECK(secrets() == 0);
}

TEST_CASE("evicted entries' bytes are erased") {
    cache c(mebibyte);
    store_secrets(c);
    for (int i = 0; i < 20'000; ++i) {
        c.set("other" + std::to_string(i), std::string(200, 'o'));
    }
    CHECK(c.entries.collect().evicted > many);
    CHECK(secrets() == 0);
}

TEST_CASE("a moved entry is there once") {
    cache c(mebibyte, "fifo");
    for (int i = 0; i < 3'000; ++i) {
        c.set("k" + std::to_string(i), secret(i));
    }
    for (int i = 0; i < 3'000; ++i) {
        if (i % 7 != 0) {
            c.erase("k" + std::to_string(i));
        }
    }
    for (int i = 0; i < 20; ++i) {
        c.set("large" + std::to_string(i), std::string(20'000, 'l'));
    }
    CHECK(c.entries.collect().moved > 0);
    int held = 0;
    for (int i = 0; i < 3'000; ++i) {
        const std::optional<std::string> value = c.get("k" + std::to_string(i));
        held += value ? 1 : 0;
        CHECK((!value || *value == secret(i)));
    }
    CHECK(secrets() == held);
    CHECK(held > 0);
}

TEST_CASE("appended, counted and stale entries leave no old bytes") {
    cache c;
    store_secrets(c);
    for (int i = 0; i < many; ++i) {
        const std::string name = "k" + std::to_string(i);
        store::set_request append;
        append.key = c.key(name);
        append.value = std::string_view("0123456789012345678901234567890123456789").substr(0, 40);
        append.mode = store::set_mode::append;
        CHECK(c.set(append).status == store::set_status::stored);
    }
    CHECK(secrets() == many);
    for (int i = 0; i < many; ++i) {
        const std::string name = "k" + std::to_string(i);
        store::erase_request drop;
        drop.key = c.key(name);
        drop.make_stale = true;
        drop.drop_value = true;
        CHECK(c.shard_of(drop.key).erase(drop, c.now) == store::erase_status::erased);
        CHECK(c.get(name) == "");
    }
    CHECK(secrets() == 0);
}

TEST_CASE("large values' bytes are erased") {
    cache c;
    for (int i = 0; i < 20; ++i) {
        c.set("k" + std::to_string(i), secret(i, 300'000));
    }
    CHECK(secrets() == 20);
    for (int i = 0; i < 10; ++i) {
        c.erase("k" + std::to_string(i));
    }
    CHECK(secrets() == 10);
    c.entries.flush(c.now, 0);
    CHECK(secrets() == 0);
}

TEST_CASE("the memory is left out of core dumps") {
    cache c;
    c.set("k", "x");
    std::ifstream smaps("/proc/self/smaps");
    std::string line;
    bool in_arena = false;
    int left_out = 0;
    while (std::getline(smaps, line)) {
        if (line.find('-') < line.find(' ') && line.find(':') > line.find(' ')) {
            in_arena = line.find("memfd:tlscache") != std::string::npos;
        }
        if (in_arena && line.rfind("VmFlags:", 0) == 0) {
            CHECK(line.find(" dd") != std::string::npos);
            CHECK((line.find(" lo") != std::string::npos) == c.entries.memory_locked());
            ++left_out;
        }
    }
    CHECK(left_out == 1);
}

}  // namespace tlscache::test
