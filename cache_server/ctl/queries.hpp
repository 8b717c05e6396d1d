#pragma once

// The questions that the tool puts to a node, and the node's answers as values. What is not the
// answer that the protocol allows is nullopt, like no answer at all.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache_server/ctl/connection.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::ctl {

struct found_entry {
    bool found = false;
    std::size_t bytes = 0;
    std::int64_t ttl = -1;          // seconds left, -1: for ever
    std::int64_t since_access = 0;  // seconds
    std::uint32_t client_flags = 0;
    std::uint64_t cas = 0;
    bool fetched = false;  // before this question
    secure_bytes value;    // only if asked for
};

// `key` is a text key, or with `base64` the base64 text of any key (the library's own are 18
// bytes).
struct entry_query {
    std::string key;
    bool base64 = false;
    bool with_value = false;
};

// True if the node would understand the key: 1 to 250 bytes without blanks and control
// characters; strict base64 if said to be.
bool valid_key(const entry_query& query);

std::optional<found_entry> ask_entry(connection& node, const entry_query& query);

// What a meta get answered: "HD FLAGS", "VA SIZE FLAGS" or "EN"; the value is still to be read.
std::optional<found_entry> parse_entry_line(std::string_view line);

using statistics_rows = std::vector<std::pair<std::string, std::string>>;
// `group` is empty for the general ones.
std::optional<statistics_rows> ask_statistics(connection& node, std::string_view group);

enum class flush_answer : std::uint8_t { flushed, refused };
std::optional<flush_answer> ask_flush(connection& node);

}  // namespace tlscache::ctl
