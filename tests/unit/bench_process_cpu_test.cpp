// The kernel's accounting as the load generator reads it, tried on this process and on a child.

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <future>
#include <thread>

#include "bench/load/process_cpu.hpp"

namespace {

using namespace std::chrono_literals;
using tlscache::bench::own_nanoseconds;
using tlscache::bench::process_cpu;

// Uses the CPU until this process has had so much more of it.
void burn(std::chrono::nanoseconds amount) {
    const std::uint64_t until = own_nanoseconds() + static_cast<std::uint64_t>(amount.count());
    while (own_nanoseconds() < until) {
    }
}

// A process that does nothing until it is told to end.
class resting_child {
  public:
    resting_child() {
        std::array<int, 2> ends{};
        REQUIRE(pipe(ends.data()) == 0);
        pid_ = fork();
        if (pid_ == 0) {
            close(ends[1]);
            char byte = 0;
            _exit(read(ends[0], &byte, 1) < 0 ? 1 : 0);
        }
        close(ends[0]);
        release_ = ends[1];
    }
    ~resting_child() { end(); }
    pid_t pid() const { return pid_; }
    void end() {
        if (release_ >= 0) {
            close(release_);
            waitpid(pid_, nullptr, 0);
            release_ = -1;
        }
    }

  private:
    pid_t pid_ = 0;
    int release_ = -1;
};

}  // namespace

TEST_CASE("a thread that has ended keeps the CPU time it was last seen with") {
    process_cpu cpu(getpid());
    std::promise<void> burnt;
    std::promise<void> may_end;
    std::thread worker([&] {
        burn(30ms);
        burnt.set_value();
        may_end.get_future().wait();
    });
    burnt.get_future().wait();
    cpu.wait_until_idle(1ms);  // runs itself, so this only bounds the wait
    const std::uint64_t with_thread = cpu.nanoseconds();
    may_end.set_value();
    worker.join();
    CHECK(with_thread >= 20'000'000);
    CHECK(cpu.nanoseconds() >= with_thread);

    process_cpu never_saw_it(getpid());
    CHECK(never_saw_it.nanoseconds() + 20'000'000 <= cpu.nanoseconds());
}

TEST_CASE("a resting process is idle at once and uses nothing; a gone one keeps its figure") {
    resting_child child;
    process_cpu cpu(child.pid());
    cpu.wait_until_idle(10s);
    const std::uint64_t before = cpu.nanoseconds();
    const auto begin = std::chrono::steady_clock::now();
    cpu.wait_until_idle(10s);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    burn(10ms);
    CHECK(cpu.nanoseconds() == before);
    CHECK(before > 0);

    child.end();
    CHECK(cpu.nanoseconds() == before);
}

TEST_CASE("a process that runs is not idle: waiting for it ends at the limit") {
    process_cpu cpu(getpid());  // the caller itself runs while it asks
    const auto begin = std::chrono::steady_clock::now();
    cpu.wait_until_idle(20ms);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
}

TEST_CASE("the machine has used at least what this process has used") {
    const std::uint64_t machine = tlscache::bench::machine_busy_nanoseconds();
    burn(60ms);
    CHECK(tlscache::bench::machine_busy_nanoseconds() >= machine + 30'000'000);
}
