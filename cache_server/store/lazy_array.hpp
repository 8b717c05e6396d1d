#pragma once

// An array of zeros that costs memory only where it was written: reserved at its final size, so
// that what grows with use never moves and never allocates.
//
// Guarded by its owner. Throws std::system_error at construction only.

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <type_traits>

namespace tlscache::store {

template <class T>
class lazy_array {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    explicit lazy_array(std::size_t size) : bytes_((size == 0 ? 1 : size) * sizeof(T)) {
        void* const mapped = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED) {
            throw std::system_error(errno, std::generic_category(), "mmap");
        }
        data_ = static_cast<T*>(mapped);
    }
    ~lazy_array() { ::munmap(data_, bytes_); }
    lazy_array(const lazy_array&) = delete;
    lazy_array& operator=(const lazy_array&) = delete;

    T* data() const noexcept { return data_; }
    T& operator[](std::size_t i) const noexcept { return data_[i]; }

  private:
    std::size_t bytes_;
    T* data_;
};

// 24-bit numbers in 3 bytes: slots and offsets need no more.
inline std::uint32_t get24(const std::uint8_t* at) noexcept {
    return at[0] | static_cast<std::uint32_t>(at[1]) << 8 | static_cast<std::uint32_t>(at[2]) << 16;
}
inline void set24(std::uint8_t* at, std::uint32_t value) noexcept {
    at[0] = static_cast<std::uint8_t>(value);
    at[1] = static_cast<std::uint8_t>(value >> 8);
    at[2] = static_cast<std::uint8_t>(value >> 16);
}

}  // namespace tlscache::store
