#pragma once

// The factories of this folder's policies; plugins/registry.cpp names them.

#include <memory>

#include "cache_server/store/eviction_policy.hpp"

namespace tlscache::plugins::eviction {

std::unique_ptr<store::eviction_policy> make_clock(const store::policy_limits& limits);
std::unique_ptr<store::eviction_policy> make_fifo(const store::policy_limits& limits);
std::unique_ptr<store::eviction_policy> make_lru(const store::policy_limits& limits);

}  // namespace tlscache::plugins::eviction
