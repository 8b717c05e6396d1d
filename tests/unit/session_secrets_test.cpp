// What must be gone is looked for in the memory of this very process.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "client_lib/session/base64.hpp"
#include "client_lib/session/crypto.hpp"
#include "client_lib/session/file_key_source.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;

namespace {

constexpr unix_seconds now = 1'700'000'000;
constexpr std::uint8_t mask = 0xa5;

// Sanitizers map shadow memory of many megabytes; nothing of ours is in it.
constexpr unsigned long mapping_bytes_max = 32ul << 20;

// Memory is read where it is, not through a buffer: a buffer would be one more copy to be found.
// Sanitizers would object to reading what is not allocated.
__attribute__((noinline, no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))
std::size_t
count_copies(const std::uint8_t* first, const std::uint8_t* last, const std::uint8_t* masked,
             std::size_t size) {
    std::size_t found = 0;
    for (; static_cast<std::size_t>(last - first) >= size; ++first) {
        std::size_t same = 0;
        while (same < size && (first[same] ^ mask) == masked[same]) {
            ++same;
        }
        found += same == size ? 1u : 0u;
    }
    return found;
}

// Knows a secret without having it in memory: only its masked form is.
class masked_secret {
  public:
    explicit masked_secret(byte_view secret) {
        masked_.reserve(secret.size());
        for (const std::uint8_t byte : secret) {
            masked_.push_back(static_cast<std::uint8_t>(byte ^ mask));
        }
    }

    // How often the secret stands in the writable memory of this process.
    std::size_t copies() const {
        std::size_t found = 0;
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);) {
            std::uintptr_t first = 0;
            std::uintptr_t last = 0;
            char access[5] = {};
            if (std::sscanf(line.c_str(), "%lx-%lx %4s", &first, &last, access) == 3 &&
                access[0] == 'r' && access[1] == 'w' && last - first <= mapping_bytes_max) {
                found += count_copies(reinterpret_cast<const std::uint8_t*>(first),
                                      reinterpret_cast<const std::uint8_t*>(last), masked_.data(),
                                      masked_.size());
            }
        }
        return found;
    }

  private:
    std::vector<std::uint8_t> masked_;
};

std::string random_root_line(std::vector<masked_secret>& secrets) {
    root_list root(1);
    REQUIRE(random_bytes(root[0]));
    secrets.emplace_back(root[0]);
    const secure_bytes line = base64_encode(root[0]);
    secrets.emplace_back(line);
    return std::string(line.begin(), line.end()) + "\n";
}

std::size_t copies(const std::vector<masked_secret>& secrets) {
    std::size_t sum = 0;
    for (const masked_secret& secret : secrets) {
        sum += secret.copies();
    }
    return sum;
}

}  // namespace

TEST_CASE("a key source leaves neither roots nor keys nor key schedules in memory") {
    const tests::scratch_folder folder;
    std::vector<masked_secret> roots;
    std::vector<masked_secret> keys;
    {
        std::string line = random_root_line(roots);
        folder.write("cluster.key", line);
        wipe(line.data(), line.size());
    }
    CHECK(copies(roots) == 0);
    {
        file_key_source source(folder.file("cluster.key"), "shop");
        const sealer sealer("shop", source);
        const auto ring = source.keys(now);
        REQUIRE(ring);
        // Views: a list of the keys themselves would be a copy of them on the stack.
        const period_keys& issuing = *ring->issuing;
        for (const byte_view key : {byte_view(issuing.lookup), byte_view(issuing.seal),
                                    byte_view(issuing.id), byte_view(issuing.ticket)}) {
            keys.emplace_back(key);
        }
        session_id id;
        std::vector<std::uint8_t> sealed;
        REQUIRE(sealer.make_id(now, id));
        REQUIRE(sealer.seal(id, {}, {}, now, sealed));
        REQUIRE(sealer.open(id, {}, sealed, now));
        // Control: the search finds what is alive, OpenSSL's copies included.
        CHECK(roots[0].copies() == 1);
        CHECK(roots[1].copies() == 0);
        CHECK(keys[1].copies() >= 2);
        CHECK(keys[3].copies() == 1);
    }
    CHECK(copies(roots) == 0);
    CHECK(copies(keys) == 0);
}

TEST_CASE("keys are erased at the end of their time, with the ring still in use") {
    const tests::scratch_folder folder;
    std::vector<masked_secret> roots;
    std::string line = random_root_line(roots);
    folder.write("cluster.key", line);
    file_key_source source(folder.file("cluster.key"), "shop");
    const sealer sealer("shop", source);
    session_id id;
    std::vector<std::uint8_t> sealed;
    REQUIRE(sealer.make_id(now, id));
    REQUIRE(sealer.seal(id, {}, {}, now, sealed));
    const unix_seconds end = source.keys(now)->issuing->accept_until;
    const masked_secret seal_key(source.keys(now)->issuing->seal);
    source.refresh(end - 1);
    CHECK(seal_key.copies() >= 2);
    // No request is needed: the look at the file once a second does it.
    source.refresh(end);
    CHECK(seal_key.copies() == 0);
    CHECK(source.keys(end)->issuing->accept_until > end);
}

TEST_CASE("a session that was sealed and opened leaves nothing of its secret") {
    tests::frontend here;
    const session_id id = here.make_id(now);
    std::vector<std::uint8_t> sealed;
    std::vector<masked_secret> secrets;
    {
        session_record record;
        record.der.resize(200);
        REQUIRE(random_bytes(record.der));
        secrets.emplace_back(byte_view(record.der).subspan(50, 48));
        REQUIRE(here.sealer.seal(id, {}, record, now, sealed));
        const auto opened = here.sealer.open(id, {}, sealed, now);
        REQUIRE(opened);
        CHECK(copies(secrets) == 2);
        sealed.back() = static_cast<std::uint8_t>(sealed.back() ^ 1);
        CHECK_FALSE(here.sealer.open(id, {}, sealed, now));
        CHECK(copies(secrets) == 2);
    }
    CHECK(copies(secrets) == 0);
}
