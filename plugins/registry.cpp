// A new extension is a line here.

#include "plugins/registry.hpp"

#include <algorithm>
#include <array>

#include "plugins/eviction/policies.hpp"

namespace tlscache::plugins {

namespace {

constexpr std::array eviction_table{
    eviction_entry{"lru", eviction::make_lru},
    eviction_entry{"fifo", eviction::make_fifo},
    eviction_entry{"clock", eviction::make_clock},
};

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::span<const eviction_entry> eviction_policies() noexcept {
    return eviction_table;
}

store::policy_factory find_eviction_policy(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(eviction_table.begin(), eviction_table.end(), [&](const eviction_entry& e) {
            return std::equal(name.begin(), name.end(), e.name.begin(), e.name.end(),
                              [](char a, char b) { return lower(a) == b; });
        });
    return found == eviction_table.end() ? nullptr : found->make;
}

}  // namespace tlscache::plugins
