// mmap, not the heap: mlock works on whole pages, and a heap page that is unlocked for one object
// would be unlocked for its neighbours.

#include "client_lib/session/locked_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace tlscache::session {

namespace {

std::atomic<std::size_t> failed_locks{0};

std::size_t whole_pages(std::size_t size) noexcept {
    static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (size + page - 1) / page * page;
}

void lock_pages(const void* data, std::size_t size) noexcept {
    if (::mlock(data, size) != 0) {
        failed_locks.fetch_add(1, std::memory_order_relaxed);
    }
}

}  // namespace

void* locked_allocate(std::size_t size) noexcept {
    const std::size_t bytes = whole_pages(size == 0 ? 1 : size);
    void* const data =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        return nullptr;
    }
    ::madvise(data, bytes, MADV_DONTDUMP);
    lock_pages(data, bytes);
    return data;
}

void locked_release(void* data, std::size_t size) noexcept {
    wipe(data, size);
    ::munmap(data, whole_pages(size == 0 ? 1 : size));
}

void lock_again(const void* data, std::size_t size) noexcept {
    lock_pages(data, size);
}

std::size_t locks_failed() noexcept {
    return failed_locks.load(std::memory_order_relaxed);
}

}  // namespace tlscache::session
