#pragma once

// What is wrong with a configuration, however it was made.

#include "tlscache/cache.hpp"

namespace tlscache::tls {

// The first thing wrong, and its key; an empty key if nothing is.
struct config_fault {
    std::string key;
    std::string text;
};
config_fault find_fault(const config& settings);

// Throws tlscache::error: "key: text".
void check_config(const config& settings);

}  // namespace tlscache::tls
