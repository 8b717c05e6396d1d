#include "client_lib/transport/breaker.hpp"

#include <doctest/doctest.h>

namespace tlscache::transport {
namespace {

using namespace std::chrono_literals;
using circuit = breaker::circuit;

constexpr auto quick = 300us;
constexpr auto slow = 5ms;

struct fixture {
    breaker node;
    steady_time now{1h};

    void replies(int count, steady_duration took) {
        for (int i = 0; i < count; ++i) {
            node.on_reply(now, took);
        }
    }
    void probes(int count, steady_duration took) {
        for (int i = 0; i < count; ++i) {
            node.on_probe(now, took);
        }
    }
    // Of 100 lookups that differ in their random bits only.
    int allowed() {
        int count = 0;
        for (std::uint64_t random = 0; random < 100; ++random) {
            count += node.allows(now, random) ? 1 : 0;
        }
        return count;
    }
};

TEST_CASE_FIXTURE(fixture, "a breaker opens at once on a hard error and lets nothing through") {
    CHECK(allowed() == 100);
    node.on_hard_error();
    CHECK(node.state() == circuit::open);
    CHECK(allowed() == 0);
    now += 1h;
    CHECK(allowed() == 0);
    CHECK(node.times_opened() == 1);
}

TEST_CASE_FIXTURE(fixture,
                  "a breaker opens on three missed deadlines in a row, not on three in all") {
    for (int i = 0; i < 10; ++i) {
        node.on_deadline(now);
        node.on_deadline(now);
        replies(40, quick);
    }
    CHECK(node.state() == circuit::closed);
    node.on_deadline(now);
    node.on_deadline(now);
    CHECK(node.state() == circuit::closed);
    node.on_deadline(now);
    CHECK(node.state() == circuit::open);
}

TEST_CASE_FIXTURE(fixture,
                  "a breaker opens when more than a tenth of a window's lookups are slow") {
    replies(90, quick);
    replies(10, slow);
    CHECK(node.state() == circuit::closed);  // exactly a tenth
    replies(1, slow);
    CHECK(node.state() == circuit::open);
}

TEST_CASE_FIXTURE(fixture, "a few slow lookups of a quiet second prove nothing") {
    replies(static_cast<int>(breaker_window_samples_min) - 1, slow);
    CHECK(node.state() == circuit::closed);
    now += breaker_window;
    replies(static_cast<int>(breaker_window_samples_min) - 1, slow);
    CHECK(node.state() == circuit::closed);
    replies(1, slow);
    CHECK(node.state() == circuit::open);
}

TEST_CASE_FIXTURE(fixture, "slow is what the operator says") {
    breaker patient(true, 10ms);
    for (int i = 0; i < 100; ++i) {
        patient.on_reply(now, slow);
    }
    CHECK(patient.state() == circuit::closed);
}

TEST_CASE_FIXTURE(fixture, "three good probes in a row close it, then lookups come back over 2 s") {
    node.on_hard_error();
    probes(2, quick);
    probes(1, slow);
    probes(2, quick);
    CHECK(node.state() == circuit::open);
    probes(1, quick);
    REQUIRE(node.state() == circuit::ramping);
    CHECK(allowed() == 10);
    now += 1s;
    CHECK(allowed() == 55);
    now += 999ms;
    CHECK(allowed() == 99);
    now += 1ms;
    CHECK(allowed() == 100);
    CHECK(node.state() == circuit::closed);
}

TEST_CASE_FIXTURE(fixture, "a fault during the ramp opens it again, and good probes start anew") {
    node.on_hard_error();
    probes(3, quick);
    node.on_deadline(now);
    node.on_deadline(now);
    CHECK(node.state() == circuit::ramping);
    node.on_deadline(now);
    CHECK(node.state() == circuit::open);
    probes(2, quick);
    CHECK(node.state() == circuit::open);
    node.on_hard_error();
    probes(2, quick);
    CHECK(node.state() == circuit::open);
    CHECK(node.times_opened() == 2);
}

TEST_CASE_FIXTURE(fixture,
                  "probes of a closed breaker change nothing, and one turned off never opens") {
    probes(5, slow);
    CHECK(node.state() == circuit::closed);
    breaker off(false);
    off.on_hard_error();
    for (int i = 0; i < 50; ++i) {
        off.on_deadline(now);
    }
    CHECK(off.allows(now, 99));
    CHECK(off.times_opened() == 0);
}

TEST_CASE(
    "pauses double up to the cap, with jitter of half either way, and begin anew after success") {
    const steady_time now{1h};
    for (const auto& [random, permille] : {std::pair{0, 500}, {500, 1000}, {1000, 1500}}) {
        backoff pauses;
        auto expected = backoff_first;
        for (int i = 0; i < 10; ++i) {
            const auto pause = pauses.failed(now, static_cast<std::uint64_t>(random)) - now;
            CHECK(pause == expected * permille / 1000.0);
            expected = std::min(expected * 2, backoff_last);
        }
        pauses.succeeded();
        CHECK(pauses.failed(now, 500) - now == backoff_first);
    }
}

TEST_CASE("a node that came back is used again within five seconds at the latest") {
    // Found at the worst moment: a connect that hangs, the longest pause, then the probes.
    const auto worst =
        connect_timeout + backoff_last * 3 / 2 + breaker_probe_interval * breaker_good_probes;
    CHECK(worst < 5s);
}

}  // namespace
}  // namespace tlscache::transport
