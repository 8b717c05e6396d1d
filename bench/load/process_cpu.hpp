#pragma once

// CPU time that a process, or the whole machine, has used, as the kernel accounts for it.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>

namespace tlscache::bench {

class process_cpu {
  public:
    explicit process_cpu(pid_t pid) : pid_(pid) {}

    // On-CPU time of all threads of the process in nanoseconds, from
    // /proc/PID/task/*/schedstat. A thread that has ended keeps its last known figure. Never
    // falls; stays where it is when the process is gone.
    std::uint64_t nanoseconds();

    // Waits until no thread of it runs or wants to run, at most for the given time. The kernel
    // brings a running thread's figure up to date only at its next tick (4 ms), so that a figure
    // is exact to the microsecond only after this.
    void wait_until_idle(std::chrono::milliseconds at_most) const;

  private:
    pid_t pid_;
    std::map<pid_t, std::uint64_t> threads_;
};

// CPU time used by everything on the machine since it started, in nanoseconds, in steps of 10 ms.
std::uint64_t machine_busy_nanoseconds();

// CPU time of the calling process.
std::uint64_t own_nanoseconds();

}  // namespace tlscache::bench
