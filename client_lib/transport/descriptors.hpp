#pragma once

// The descriptors that a transport owns, so that a forked child can close its copies without
// touching anything that another thread may have been changing at the moment of the fork.

#include <unistd.h>

#include <array>
#include <atomic>

#include "client_lib/transport/limits.hpp"

namespace tlscache::transport {

class descriptors {
  public:
    // False when there are too many; the caller closes fd and does without.
    [[nodiscard]] bool add(int fd) noexcept {
        for (auto& place : places_) {
            int nobody = none;
            if (place.compare_exchange_strong(nobody, fd)) {
                return true;
            }
        }
        return false;
    }
    void close(int fd) noexcept {
        for (auto& place : places_) {
            int owned = fd;
            if (place.compare_exchange_strong(owned, none)) {
                ::close(fd);
                return;
            }
        }
    }
    void close_all() noexcept {
        for (auto& place : places_) {
            const int fd = place.exchange(none);
            if (fd != none) {
                ::close(fd);
            }
        }
    }
    descriptors() noexcept {
        for (auto& place : places_) {
            place.store(none);
        }
    }

  private:
    static constexpr int none = -1;
    std::array<std::atomic<int>, descriptors_max> places_;
};

}  // namespace tlscache::transport
