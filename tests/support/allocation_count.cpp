#include "tests/support/allocation_count.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TLSCACHE_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef TLSCACHE_COUNTS_ALLOCATIONS
#define TLSCACHE_COUNTS_ALLOCATIONS 1
#endif

namespace {

thread_local bool watched = false;
thread_local int allocations = 0;

}  // namespace

#if TLSCACHE_COUNTS_ALLOCATIONS

void* operator new(std::size_t bytes) {
    allocations += watched ? 1 : 0;
    if (void* const memory = std::malloc(bytes)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

#endif

namespace tlscache::testing {

allocation_count::allocation_count() noexcept {
    allocations = 0;
    watched = true;
}
allocation_count::~allocation_count() {
    watched = false;
}
int allocation_count::so_far() const noexcept {
    return allocations;
}
bool allocation_count::possible() noexcept {
    return TLSCACHE_COUNTS_ALLOCATIONS == 1;
}

}  // namespace tlscache::testing
