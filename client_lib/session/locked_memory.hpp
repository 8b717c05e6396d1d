#pragma once

// Memory for keys: never swapped where the limit on locked memory allows, never in a core dump,
// erased when it goes. A page or more for each allocation, so only for few, long-lived things.
// Thread safe.

#include <cstddef>
#include <new>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

// nullptr: no memory. A failed lock is counted, the memory is given all the same.
void* locked_allocate(std::size_t size) noexcept;
void locked_release(void* data, std::size_t size) noexcept;

// Locks are not inherited over fork: the child locks again what it goes on using.
void lock_again(const void* data, std::size_t size) noexcept;

// How often memory could not be locked in this process.
std::size_t locks_failed() noexcept;

template <class T>
struct locked_allocator {
    using value_type = T;

    locked_allocator() noexcept = default;
    template <class U>
    locked_allocator(const locked_allocator<U>&) noexcept {}

    T* allocate(std::size_t n) {
        void* const data = locked_allocate(n * sizeof(T));
        if (data == nullptr) {
            throw std::bad_alloc();
        }
        return static_cast<T*>(data);
    }
    void deallocate(T* data, std::size_t n) noexcept { locked_release(data, n * sizeof(T)); }
    template <class U>
    bool operator==(const locked_allocator<U>&) const noexcept {
        return true;
    }
};

}  // namespace tlscache::session
