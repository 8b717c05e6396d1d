// Medians, because a neighbour that wakes up spoils single slices, not all of them. The standard
// error of a median of n normal samples is sqrt(pi / 2) * sd / sqrt(n); the sd in it is estimated
// from the median distance to the median, which a spoilt slice does not move either.

#include "bench/load/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace tlscache::bench {
namespace {

constexpr double claim_limit_min = 0.05;
constexpr double median_error = 1.2533;           // sqrt(pi / 2)
constexpr double sd_of_median_distance = 1.4826;  // of a normal distribution

}  // namespace

spread spread_of(std::vector<double> samples) {
    if (samples.empty()) {
        return {};
    }
    std::sort(samples.begin(), samples.end());
    const std::size_t n = samples.size();
    spread result;
    result.median = (samples[(n - 1) / 2] + samples[n / 2]) / 2;
    result.min = samples.front();
    result.max = samples.back();
    if (n > 1) {
        const double mean =
            std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(n);
        double squares = 0;
        for (const double sample : samples) {
            squares += (sample - mean) * (sample - mean);
        }
        result.sd = std::sqrt(squares / static_cast<double>(n - 1));
    }
    return result;
}

std::vector<double> ratios(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> result;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        if (a[i] > 0 && b[i] > 0) {
            result.push_back(a[i] / b[i]);
        }
    }
    return result;
}

double claim_limit(const std::vector<double>& control_ratios) {
    if (control_ratios.size() < 2) {
        return 1;
    }
    const double median = spread_of(control_ratios).median;
    std::vector<double> distances;
    for (const double ratio : control_ratios) {
        distances.push_back(std::abs(ratio - median));
    }
    const double sd = sd_of_median_distance * spread_of(distances).median;
    const double error = median_error * sd / std::sqrt(static_cast<double>(distances.size()));
    return std::max({claim_limit_min, std::abs(median - 1), 2 * error});
}

}  // namespace tlscache::bench
