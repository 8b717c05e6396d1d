// T2 of the threat model: one nonce for two records under one key gives both away.

#include "client_lib/session/nonce.hpp"

#include <sys/wait.h>

#include <mutex>
#include <set>
#include <thread>

#include "client_lib/session/base64.hpp"
#include "client_lib/session/file_key_source.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;

namespace {

constexpr unix_seconds now = 1'700'000'000;
constexpr std::size_t per_process = 1'000;
using nonces = std::vector<gcm_nonce>;

nonces draw(std::size_t count) {
    nonces drawn(count);
    for (gcm_nonce& nonce : drawn) {
        REQUIRE(next_nonce(nonce));
    }
    return drawn;
}

// Runs `work` in a child and gives what it wrote; an empty string if it did not end well.
template <class Work>
std::string in_child(Work work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const std::string out = work();
        const bool written =
            ::write(ends[1], out.data(), out.size()) == static_cast<::ssize_t>(out.size());
        ::_exit(written ? 0 : 1);
    }
    ::close(ends[1]);
    std::string all;
    char part[4096];
    for (::ssize_t got = 0; (got = ::read(ends[0], part, sizeof(part))) > 0;) {
        all.append(part, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status == 0 ? all : "";
}

}  // namespace

TEST_CASE("no nonce comes twice from the threads of a process") {
    std::mutex lock;
    std::set<gcm_nonce> all;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            nonces drawn(20'000);
            for (gcm_nonce& nonce : drawn) {
                if (!next_nonce(nonce)) {
                    return;
                }
            }
            const std::lock_guard<std::mutex> held(lock);
            all.insert(drawn.begin(), drawn.end());
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(all.size() == 8 * 20'000);
}

TEST_CASE("a forked process never uses a nonce of its parent or of its sisters") {
    std::set<gcm_nonce> all;
    std::size_t expected = 0;
    const auto add = [&](const gcm_nonce* drawn, std::size_t count) {
        all.insert(drawn, drawn + count);
        expected += count;
    };
    const nonces before = draw(per_process);
    add(before.data(), before.size());
    const std::uint64_t epoch = fork_epoch();
    for (int i = 0; i < 8; ++i) {
        // A child and its own child.
        for (const int depth : {1, 2}) {
            const auto work = [&] {
                const nonces drawn = draw(per_process);
                return std::string(reinterpret_cast<const char*>(drawn.data()),
                                   drawn.size() * sizeof(gcm_nonce));
            };
            const std::string got =
                depth == 1 ? in_child(work) : in_child([&] { return in_child(work); });
            REQUIRE(got.size() == per_process * sizeof(gcm_nonce));
            add(reinterpret_cast<const gcm_nonce*>(got.data()), per_process);
        }
        const nonces after = draw(per_process);
        add(after.data(), after.size());
    }
    CHECK(all.size() == expected);
    CHECK(fork_epoch() == epoch);
}

TEST_CASE("a child that was forked while threads seal can seal, and refresh its keys") {
    const tests::scratch_folder folder;
    const secure_bytes line = base64_encode(std::vector<std::uint8_t>(32, 5));
    folder.write("cluster.key", as_text(line));
    file_key_source source(folder.file("cluster.key"), "shop");
    const sealer sealer("shop", source);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            session_id id;
            std::vector<std::uint8_t> sealed;
            for (unix_seconds time = now; !stop; ++time) {
                if (sealer.make_id(time, id)) {
                    (void)sealer.seal(id, {}, {}, time, sealed);
                }
                source.refresh(time);
            }
        });
    }
    int good = 0;
    for (int i = 0; i < 50; ++i) {
        const std::string got = in_child([&]() -> std::string {
            ::alarm(20);  // a child that hangs is a failure, not a test that never ends
            session_id id;
            std::vector<std::uint8_t> sealed;
            source.refresh(now);
            const bool works = sealer.make_id(now, id) && sealer.seal(id, {}, {}, now, sealed) &&
                               sealer.open(id, {}, sealed, now) && sealer.key_of(id, now);
            return works ? "good" : "";
        });
        good += got == "good" ? 1 : 0;
    }
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(good == 50);
}

TEST_CASE("a sealer serves many threads at once") {
    const tests::scratch_folder folder;
    const secure_bytes line = base64_encode(std::vector<std::uint8_t>(32, 5));
    folder.write("cluster.key", as_text(line));
    file_key_source source(folder.file("cluster.key"), "shop");
    const sealer sealer("shop", source);
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round < 500; ++round) {
                const unix_seconds time = now + round * 60;  // over several periods
                session_id id;
                std::vector<std::uint8_t> sealed;
                const binding bound{std::to_string(i), {}, {}};
                if (sealer.make_id(time, id) && sealer.seal(id, bound, {}, time, sealed) &&
                    sealer.open(id, bound, sealed, time) && sealer.key_of(id, time)) {
                    ++good;
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(good == 8 * 500);
}
