#pragma once

// What tests of client_lib/session share: a key source without a file, and a random generator
// whose seed is printed.

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "client_lib/session/derive.hpp"
#include "client_lib/session/key_source.hpp"

namespace tlscache::tests {

// Roots are a byte repeated, so that two sources with the same numbers have the same keys.
class fixed_source final : public session::key_source {
  public:
    fixed_source(std::string_view name, session::key_schedule schedule,
                 std::vector<std::uint8_t> roots)
        : builder_(name, schedule, make_roots(roots)) {}

    std::shared_ptr<const session::keyring> keys(session::unix_seconds now) override {
        if (!ring_ || !builder_.fits(now)) {
            ring_ = builder_.build(now);
        }
        return ring_;
    }
    void refresh(session::unix_seconds) override {}

  private:
    static session::root_list make_roots(const std::vector<std::uint8_t>& numbers) {
        session::root_list roots;
        for (const std::uint8_t number : numbers) {
            roots.emplace_back().fill(number);
        }
        return roots;
    }

    session::ring_builder builder_;
    std::shared_ptr<const session::keyring> ring_;
};

inline std::mt19937_64 seeded_generator() {
    const std::uint64_t seed = std::random_device{}();
    MESSAGE("seed " << seed);
    return std::mt19937_64(seed);
}

}  // namespace tlscache::tests
