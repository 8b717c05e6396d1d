// schedstat counts in nanoseconds what utime + stime of /proc/PID/stat count in steps of 10 ms.
// Waiting for idleness asks the state letter in /proc/PID/task/TID/stat; it yields the processor
// between two looks, as the generator has nothing else to do then.

#include "bench/load/process_cpu.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace tlscache::bench {
namespace {

struct closer {
    void operator()(DIR* open) const { closedir(open); }
};

std::vector<pid_t> threads_of(pid_t pid) {
    std::vector<pid_t> threads;
    const std::unique_ptr<DIR, closer> folder(opendir(fmt::format("/proc/{}/task", pid).c_str()));
    while (const dirent* entry = folder ? readdir(folder.get()) : nullptr) {
        if (entry->d_name[0] != '.') {
            threads.push_back(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
        }
    }
    return threads;
}

std::string first_line(const std::string& path) {
    std::string line;
    std::ifstream file(path);
    std::getline(file, line);
    return line;
}

bool runs(pid_t pid, pid_t thread) {
    const std::string line = first_line(fmt::format("/proc/{}/task/{}/stat", pid, thread));
    // "TID (name) STATE ...", and the name may hold parentheses itself.
    const std::size_t name_end = line.rfind(')');
    return name_end != std::string::npos && line.compare(name_end, 3, ") R") == 0;
}

}  // namespace

std::uint64_t process_cpu::nanoseconds() {
    for (const pid_t thread : threads_of(pid_)) {
        const std::string line =
            first_line(fmt::format("/proc/{}/task/{}/schedstat", pid_, thread));
        if (!line.empty()) {
            threads_[thread] = std::strtoull(line.c_str(), nullptr, 10);
        }
    }
    std::uint64_t sum = 0;
    for (const auto& known : threads_) {
        sum += known.second;
    }
    return sum;
}

void process_cpu::wait_until_idle(std::chrono::milliseconds at_most) const {
    const auto until = std::chrono::steady_clock::now() + at_most;
    bool busy = true;
    while (busy && std::chrono::steady_clock::now() < until) {
        busy = false;
        for (const pid_t thread : threads_of(pid_)) {
            busy = busy || runs(pid_, thread);
        }
        if (busy) {
            sched_yield();
        }
    }
}

std::uint64_t machine_busy_nanoseconds() {
    // "cpu  user nice system idle iowait irq softirq steal ..."
    const std::string line = first_line("/proc/stat");
    unsigned long long user = 0;
    unsigned long long nice = 0;
    unsigned long long system = 0;
    unsigned long long irq = 0;
    unsigned long long softirq = 0;
    if (std::sscanf(line.c_str(), "cpu %llu %llu %llu %*u %*u %llu %llu", &user, &nice, &system,
                    &irq, &softirq) != 5) {
        return 0;
    }
    constexpr std::uint64_t tick_nanoseconds = 10'000'000;  // USER_HZ is 100 on every Linux
    return (user + nice + system + irq + softirq) * tick_nanoseconds;
}

std::uint64_t own_nanoseconds() {
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(used.tv_nsec);
}

}  // namespace tlscache::bench
