#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>

#include "client_lib/transport/limits.hpp"
#include "tests/unit/transport_stand_in.hpp"
#include "tests/unit/transport_support.hpp"

// Each lookup is decided exactly once: at the edge of its deadline, cancelled, or left behind by a
// transport that goes. The classic fault is a timer that is cancelled but already due: the deadline
// of a finished lookup then ends the next one that uses its place.

namespace tlscache::testing {
namespace {

using transport::outcome;
using transport::unavailable_reason;
using nodes_t = transport::transport;

constexpr auto budget = 3ms;

// Answers each lookup around its deadline, give or take 0.2 ms, in the order asked.
stand_in::behaviour at_the_deadline(std::shared_ptr<std::atomic<bool>> on) {
    auto random = std::make_shared<std::mt19937>(5);
    auto last = std::make_shared<transport::steady_time>();
    return {.plain = false, .mangle = [=](const auto& request, auto& reply) {
                if (*on && request.verb == "tg") {
                    // The request has been under way for some 100 us.
                    const auto off = std::chrono::microseconds((*random)() % 401) - 200us;
                    reply.when = std::max(*last, in(budget - 100us + off));
                    *last = reply.when;
                }
            }};
}

// One lookup of many that run at once; its freed memory is what ASan would see touched.
struct handshake {
    std::uint64_t number = 0;
    std::atomic<int> decided{0};
};

TEST_CASE("lookups answered at the very deadline are decided once, each by its own answer") {
    const auto on = std::make_shared<std::atomic<bool>>(false);
    stand_in server(at_the_deadline(on));
    auto options = options_for({server.address()});
    options.breaker = false;
    options.lookups_in_flight_max = 64;  // so that places are used again and again
    nodes_t nodes(options);
    nodes.start_thread();
    REQUIRE(connected(nodes));
    for (std::uint64_t i = 0; i < 16; ++i) {
        nodes.store(key_of(i), bytes_of("value of " + std::to_string(i)), 60, 0);
    }
    REQUIRE(nodes.drain(soon()));
    *on = true;

    const int count = operations(2000, 100'000);
    std::atomic<int> hits{0};
    std::atomic<int> late{0};
    std::atomic<int> refused{0};
    std::atomic<int> wrong{0};
    std::atomic<int> in_flight{0};
    std::mutex mutex;
    std::condition_variable changed;
    const auto one_thread = [&](int share) {
        for (int i = 0; i < share; ++i) {
            std::unique_lock lock(mutex);
            changed.wait_until(lock, soon(), [&] { return in_flight < 48; });
            lock.unlock();
            ++in_flight;
            auto mine = std::make_unique<handshake>();
            mine->number = static_cast<std::uint64_t>(i % 16);
            const session::cache_key key = key_of(mine->number);
            const auto begun = std::chrono::steady_clock::now();
            handshake* raw = mine.release();  // the callback owns it
            nodes.begin(std::span(&key, 1), begun + budget, [&, raw, begun](const auto& result) {
                const std::unique_ptr<handshake> own(raw);
                wrong += ++own->decided != 1 ? 1 : 0;
                if (result.outcome == outcome::hit) {
                    ++hits;
                    wrong += text_of(result.value) != "value of " + std::to_string(own->number);
                } else if (result.reason == unavailable_reason::queue_full) {
                    ++refused;  // a busy machine: too many replies are still to come
                } else {
                    ++late;
                    // Its own deadline, not an earlier lookup's.
                    wrong += result.reason != unavailable_reason::deadline ||
                             std::chrono::steady_clock::now() < begun + budget;
                }
                const std::scoped_lock guard(mutex);
                --in_flight;
                changed.notify_all();
            });
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back(one_thread, count / 4);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_until(lock, soon(), [&] { return in_flight == 0; }));
    MESSAGE(count << " lookups: " << hits.load() << " in time, " << late.load()
                  << " at their deadline");
    CHECK(wrong == 0);
    CHECK(hits + late + refused == count / 4 * 4);
    CHECK(late > 0);
    WARN(hits > 0);  // none on a machine too busy to answer within the budget
    CHECK(nodes.statistics().bad_reply == 0);
    CHECK(nodes.statistics().connects == 1);
}

TEST_CASE("after cancel returns the callback has run or never will") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    std::atomic<int> wrong{0};
    std::atomic<int> called{0};
    const int each = operations(2000, 50'000);
    const auto one_thread = [&](unsigned seed) {
        std::mt19937 random(seed);
        for (int i = 0; i < each; ++i) {
            auto mine = std::make_unique<std::atomic<int>>(0);
            const session::cache_key key = key_of(random() % 8);
            auto handle =
                nodes.begin(std::span(&key, 1), in(1s), [&, raw = mine.get()](const auto&) {
                    wrong += ++*raw != 1;
                    ++called;
                });
            if (random() % 2 == 0) {
                std::this_thread::yield();
            }
            handle.cancel();
            const int before = *mine;
            handle.cancel();
            wrong += *mine != before;
            mine.reset();  // a callback that still came would touch it
        }
    };
    std::thread other(one_thread, 1);
    one_thread(2);
    other.join();
    CHECK(wrong == 0);
    const auto counted = nodes.statistics();
    CHECK(counted.lookups == counted.hits + counted.misses + counted.unavailable);
    CHECK(counted.cancelled > 0);
}

TEST_CASE("a lookup may be begun, and others cancelled, from inside a callback") {
    stand_in server;
    nodes_t nodes(options_for({server.address()}));
    nodes.start_thread();
    REQUIRE(connected(nodes));
    answers got;
    const session::cache_key key = key_of(1);
    std::atomic<int> depth{0};
    std::function<void(transport::lookup_result)> again = [&](const auto& result) {
        if (++depth < 20) {
            nodes.begin(std::span(&key, 1), soon(), again);
        } else {
            got.sink()(result);
        }
    };
    nodes.begin(std::span(&key, 1), soon(), again);
    REQUIRE(got.wait_for(1));
    CHECK(got[0].outcome == outcome::miss);
}

TEST_CASE("a transport that goes tells those that wait that they are cancelled, once") {
    const auto silent = std::make_shared<std::atomic<bool>>(false);
    stand_in server({.plain = false,
                     .mangle = [=](const auto&, auto& reply) { reply.silent = silent->load(); }});
    for (int round = 0; round < 20; ++round) {
        const bool threaded = round % 2 == 0;
        answers got;
        transport::lookup_handle handle;
        std::size_t begun = 0;
        {
            *silent = false;
            nodes_t nodes(options_for({server.address()}));
            if (threaded) {
                nodes.start_thread();
            }
            REQUIRE(connected(nodes));
            *silent = true;
            for (; begun < 30; ++begun) {
                const session::cache_key key = key_of(begun);
                handle = nodes.begin(std::span(&key, 1), soon(), got.sink());
            }
        }
        REQUIRE(got.count() == begun);
        for (std::size_t i = 0; i < begun; ++i) {
            CHECK(got[i].reason == unavailable_reason::cancelled);
        }
        handle.cancel();  // outlives the transport harmlessly
    }
}

TEST_CASE("transports may go while answers come and handles are cancelled elsewhere") {
    stand_in server;
    for (int round = 0; round < operations(30, 500); ++round) {
        auto nodes = std::make_unique<nodes_t>(options_for({server.address()}));
        nodes->start_thread();
        REQUIRE(connected(*nodes));
        answers got;
        std::vector<transport::lookup_handle> handles;
        for (std::uint64_t i = 0; i < 40; ++i) {
            const session::cache_key key = key_of(i);
            handles.push_back(nodes->begin(std::span(&key, 1), in(1ms), got.sink()));
        }
        std::thread canceller([&] {
            for (auto& handle : handles) {
                handle.cancel();
            }
        });
        nodes.reset();
        canceller.join();
        CHECK(got.count() <= 40);
    }
}

}  // namespace
}  // namespace tlscache::testing
