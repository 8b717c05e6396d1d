#pragma once

// The few statistics that the report needs. Plain functions.

#include <vector>

namespace tlscache::bench {

struct spread {
    double median = 0;
    double min = 0;
    double max = 0;
    double sd = 0;  // of the sample (n - 1); 0 below two samples
};

// All zero for no samples.
spread spread_of(std::vector<double> samples);

// a[i] / b[i]; both have one sample a cycle. Cycles in which either is 0 are left out.
std::vector<double> ratios(const std::vector<double>& a, const std::vector<double>& b);

// The smallest relative difference between two servers that may be claimed, given the ratios of
// one server to itself under another name: 5 % at best, else what the control shows by itself,
// its median's distance from 1 or twice that median's standard error.
double claim_limit(const std::vector<double>& control_ratios);

}  // namespace tlscache::bench
