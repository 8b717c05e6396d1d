#pragma once

// The table of options: names, kind, help and check of each. Inside cache_server only.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cache_server/options.hpp"

namespace tlscache {

enum class value_kind {
    flag,    // takes no value; in TOML a boolean
    level,   // a flag that counts (-vvv); in TOML a number
    number,  // in TOML a number
    size,    // a number, or text with the suffix k or m
    text,
    list,  // repeatable; in TOML a string or an array of strings
};

struct option_spec {
    std::string_view name;  // the long name, without dashes; the key in TOML
    char letter;            // the short name, 0 if none
    value_kind kind;
    std::string_view placeholder;
    std::string_view help;
    // Checks and stores one value; a flag's is "true" or "false". Else what is wrong with it.
    std::optional<std::string> (*apply)(options& into, std::string_view value,
                                        const name_list& eviction_names);
};

std::span<const option_spec> option_table();
const option_spec* find_option(std::string_view name);

// Where the operator wrote an option, for messages: the line of the file, or its names.
std::string place_of(const options& all, const option_spec& row);

// What only shows when all values are known; nullopt if all is well.
std::optional<std::string> check_together(const options& all);

}  // namespace tlscache
