#pragma once

// What was measured, as a text table to read and as CSV to keep.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/load/campaign.hpp"

namespace tlscache::bench {

struct report_options {
    std::string floor = "floor";  // the names that the columns refer to
    std::string baseline = "memcached";
    std::string control = "memcached-aa";  // the baseline under a second name
    // Written above the results: date, commit, machine, method, ...
    std::vector<std::pair<std::string, std::string>> notes;
};

std::string text_report(const std::vector<measurement>& results, const report_options& options);
std::string csv_report(const std::vector<measurement>& results, const report_options& options);

// Which cycles count: those in which others used at most half a core, if these are at least half
// of all and three; else all. By the foreign CPU of each cycle.
std::vector<bool> quiet_cycles(const std::vector<double>& foreign_cores);

}  // namespace tlscache::bench
