// A memfd rather than anonymous memory: MADV_DONTNEED refuses locked pages, and on a memfd a hole
// punched in the file takes them away whether they are locked or not.

#include "cache_server/store/arena.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tlscache::store {

namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

arena::arena(std::size_t bytes, lock_memory_mode mode) : bytes_(bytes) {
    fd_ = ::memfd_create("tlscache", MFD_CLOEXEC);
    if (fd_ < 0) {
        fail("memfd_create");
    }
    void* mapped = MAP_FAILED;
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) == 0) {
        mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_, 0);
    }
    if (mapped == MAP_FAILED) {
        const int error = errno;
        ::close(fd_);
        errno = error;
        fail("cache memory");
    }
    data_ = static_cast<char*>(mapped);
    ::madvise(data_, bytes, MADV_DONTDUMP);
    if (mode != lock_memory_mode::off) {
        locked_ = ::mlock2(data_, bytes, MLOCK_ONFAULT) == 0;
    }
    if (mode == lock_memory_mode::required && !locked_) {
        const int error = errno;
        ::munmap(data_, bytes_);
        ::close(fd_);
        errno = error;
        fail("locking the cache memory");
    }
}

arena::~arena() {
    ::munmap(data_, bytes_);
    ::close(fd_);
}

void arena::discard(char* begin, std::size_t bytes) const noexcept {
    ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin - data_,
                static_cast<off_t>(bytes));
}

}  // namespace tlscache::store
