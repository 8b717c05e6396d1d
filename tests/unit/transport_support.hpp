#pragma once

// What the tests of the transport say often.

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "client_lib/transport/transport.hpp"

namespace tlscache::testing {

using namespace std::chrono_literals;

// A deadline that only a hung test meets.
inline transport::steady_time soon() {
    return std::chrono::steady_clock::now() + 20s;
}
inline transport::steady_time in(std::chrono::steady_clock::duration time) {
    return std::chrono::steady_clock::now() + time;
}

inline session::cache_key key_of(std::uint64_t number) {
    session::cache_key key;
    for (std::size_t i = 0; i < key.bytes.size(); ++i) {
        key.bytes[i] = static_cast<std::uint8_t>((number * 0x9e3779b97f4a7c15 + i) >> (i % 8 * 8));
    }
    for (std::size_t i = 0; i < 8; ++i) {
        key.bytes[10 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return key;
}

inline std::vector<std::uint8_t> bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}
inline std::string text_of(const std::vector<std::uint8_t>& bytes) {
    return {bytes.begin(), bytes.end()};
}

// TLSCACHE_TEST_OPS operations, within what the test can make use of.
inline int operations(int usual, int most) {
    const char* wanted = std::getenv("TLSCACHE_TEST_OPS");
    return wanted == nullptr ? usual : std::clamp(std::atoi(wanted), 1, most);
}

inline transport::transport_options options_for(const std::vector<std::string>& addresses) {
    transport::transport_options options;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        options.nodes.push_back({"n" + std::to_string(i), addresses[i], 1});
    }
    options.slow = 1000ms;  // the machine of a test may be slow; tests of slowness say so
    return options;
}

// Answers of begin(), collected.
class answers {
  public:
    transport::lookup_done sink() {
        return [this](transport::lookup_result result) {
            const std::scoped_lock guard(mutex_);
            results_.push_back(std::move(result));
            changed_.notify_all();
        };
    }
    std::size_t count() const {
        const std::scoped_lock guard(mutex_);
        return results_.size();
    }
    // Waits until there are n; false if the test hangs.
    bool wait_for(std::size_t n) {
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, soon(), [&] { return results_.size() >= n; });
    }
    transport::lookup_result operator[](std::size_t i) const {
        const std::scoped_lock guard(mutex_);
        return results_.at(i);
    }

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<transport::lookup_result> results_;
};

// Looks up until `good` likes the answer; false if it never does. Does the transport's work, or
// waits for its thread, in between.
template <class Good>
bool until(transport::transport& nodes, const session::cache_key& key, Good good,
           transport::steady_time deadline = soon()) {
    while (std::chrono::steady_clock::now() < deadline) {
        if (good(nodes.lookup(std::span(&key, 1), in(1s)))) {
            return true;
        }
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable nobody;
        nobody.wait_for(lock, 1ms);
    }
    return false;
}

inline bool answered(const transport::lookup_result& result) {
    return result.outcome != transport::outcome::unavailable;
}

inline bool connected(transport::transport& nodes, const session::cache_key& key = key_of(1)) {
    return until(nodes, key, answered);
}

}  // namespace tlscache::testing
