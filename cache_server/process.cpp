// Order matters: descriptors and lockable memory are raised while root is there, sockets are bound,
// then root is given up, then dumping is switched off again, because the kernel resets that when
// ids change (prctl(2), PR_SET_DUMPABLE).

#include "cache_server/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cache_server/limits.hpp"

namespace tlscache::process {
namespace {

// The pipe on which the parent of a daemon waits; -1 when there is none.
int started_pipe = -1;
bool keep_stderr = false;

}  // namespace

void hold_standard_streams() {
    int opened = 0;
    do {
        opened = ::open("/dev/null", O_RDWR);
    } while (opened >= 0 && opened <= STDERR_FILENO);
    if (opened > STDERR_FILENO) {
        ::close(opened);
    }
}

void bind_symbols_now(char** argv) {
    const char* const set = std::getenv("LD_BIND_NOW");
    if (set != nullptr && *set != '\0') {
        return;
    }
    // Not /proc/self/exe itself: the process would be called "exe".
    std::array<char, 4096> program{};
    const ssize_t length = ::readlink("/proc/self/exe", program.data(), program.size() - 1);
    if (length > 0 && ::setenv("LD_BIND_NOW", "1", 1) == 0) {
        ::execv(program.data(), argv);
    }
}

void harden() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    std::signal(SIGPIPE, SIG_IGN);
    // One heap for all threads keeps the resident size near what is charged; buffers above 64 KiB
    // are mappings of their own, so that a flood's memory goes back when the flood ends.
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    ::mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

void allow_locked_memory(std::size_t bytes) {
    rlimit now{};
    if (::getrlimit(RLIMIT_MEMLOCK, &now) != 0 || now.rlim_cur >= bytes) {
        return;
    }
    rlimit wanted{bytes, std::max<rlim_t>(now.rlim_max, bytes)};
    if (::setrlimit(RLIMIT_MEMLOCK, &wanted) != 0) {
        wanted = {now.rlim_max, now.rlim_max};
        ::setrlimit(RLIMIT_MEMLOCK, &wanted);
    }
}

std::size_t fit_descriptors(std::size_t wanted, std::size_t beside) {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur == RLIM_INFINITY) {
        return wanted;
    }
    const rlim_t needed = wanted + beside;
    if (now.rlim_cur < needed) {
        const rlimit raised{std::min(needed, now.rlim_max), now.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            now = raised;
        }
    }
    const auto have = static_cast<std::size_t>(now.rlim_cur);
    return have <= beside ? 0 : std::min(wanted, have - beside);
}

std::optional<std::string> become_user(const std::string& name, const std::string& unix_socket) {
    if (::geteuid() != 0) {
        return std::nullopt;  // as memcached: -u means something to root only
    }
    errno = 0;
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) {
        return fmt::format("there is no user '{}'", name);
    }
    const uid_t uid = entry->pw_uid;
    const gid_t gid = entry->pw_gid;
    if (!unix_socket.empty() && ::lchown(unix_socket.c_str(), uid, gid) != 0) {
        return fmt::format("can't give {} to user '{}': {}", unix_socket, name, ::strerror(errno));
    }
    if (::initgroups(name.c_str(), gid) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0) {
        return fmt::format("can't become user '{}': {}", name, ::strerror(errno));
    }
    if (uid != 0 && ::setuid(0) == 0) {
        return fmt::format("root could be had again after becoming user '{}'", name);
    }
    return std::nullopt;
}

bool daemonize(bool keep_log) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return false;
    }
    const pid_t child = ::fork();
    if (child < 0) {
        return false;
    }
    if (child > 0) {
        ::close(ends[1]);
        char well = 0;
        ssize_t got = 0;
        do {
            got = ::read(ends[0], &well, 1);
        } while (got < 0 && errno == EINTR);
        ::_exit(got == 1 && well == 1 ? 0 : 1);
    }
    ::close(ends[0]);
    started_pipe = ends[1];
    keep_stderr = keep_log;
    return ::setsid() >= 0;
}

void report_started(bool well) {
    if (started_pipe < 0) {
        return;
    }
    if (well) {
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDOUT_FILENO);
        if (!keep_stderr) {
            ::dup2(null, STDERR_FILENO);
        }
        ::close(null);
    }
    const char byte = well ? 1 : 0;
    if (::write(started_pipe, &byte, 1) != 1) {
        // The parent was killed while it waited: nobody is there to be told.
        errno = 0;
    }
    ::close(started_pipe);
    started_pipe = -1;
}

std::optional<std::string> write_file(const std::string& path, const std::string& text) {
    const std::string temporary = fmt::format("{}.{}", path, ::getpid());
    const int descriptor =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool well = descriptor >= 0 &&
                ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    int why = errno;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    if (well && ::rename(temporary.c_str(), path.c_str()) != 0) {
        well = false;
        why = errno;
    }
    if (well) {
        return std::nullopt;
    }
    ::unlink(temporary.c_str());
    return fmt::format("can't write {}: {}", path, ::strerror(why));
}

file_guard::~file_guard() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

}  // namespace tlscache::process
