#pragma once

// What the tool prints: lines for people, or one JSON object for programs. Pure: text out.

#include <string>

#include "cache_server/ctl/queries.hpp"

namespace tlscache::ctl {

std::string show_entry(const entry_query& query, const found_entry& entry);
std::string show_statistics(const statistics_rows& rows);

std::string json_entry(const entry_query& query, const found_entry& entry);
std::string json_statistics(const statistics_rows& rows);  // numbers where they are numbers
std::string json_keys(const std::string& cluster_file, bool made, const std::string& node_file);
std::string json_flag(const char* name, bool value);

}  // namespace tlscache::ctl
