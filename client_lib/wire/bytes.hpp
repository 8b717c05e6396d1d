#pragma once

// Bytes that are looked at, and bytes that are erased when they go.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <vector>

namespace tlscache {

using byte_view = std::span<const std::uint8_t>;

inline byte_view as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(byte_view bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Erases; the compiler may not drop it as a dead store.
inline void wipe(void* data, std::size_t size) noexcept {
    if (size != 0) {
        ::explicit_bzero(data, size);
    }
}

// Erases memory before it goes back to the heap.
template <class T>
struct wiping_allocator {
    using value_type = T;

    wiping_allocator() noexcept = default;
    template <class U>
    wiping_allocator(const wiping_allocator<U>&) noexcept {}

    T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T))); }
    void deallocate(T* data, std::size_t n) noexcept {
        wipe(data, n * sizeof(T));
        ::operator delete(data);
    }
    template <class U>
    bool operator==(const wiping_allocator<U>&) const noexcept {
        return true;
    }
};

// A secret of variable size: erased on release and on growth.
using secure_bytes = std::vector<std::uint8_t, wiping_allocator<std::uint8_t>>;

}  // namespace tlscache
