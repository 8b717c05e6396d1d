#pragma once

// Which extensions there are, by the names that operators write. An explicit table: nothing is
// loaded from files, nothing registers itself.
//
// Thread safe: the table never changes.

#include <span>
#include <string_view>

#include "cache_server/store/eviction_policy.hpp"

namespace tlscache::plugins {

struct eviction_entry {
    std::string_view name;  // lower case
    store::policy_factory make;
};

// All policies, in the order in which help shows them; the first is the default.
std::span<const eviction_entry> eviction_policies() noexcept;

// Upper and lower case are the same; nullptr for a name that is not there.
store::policy_factory find_eviction_policy(std::string_view name) noexcept;

}  // namespace tlscache::plugins
