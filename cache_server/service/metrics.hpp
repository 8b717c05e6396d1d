#pragma once

// Statistics as Prometheus reads them. A counter's family ends in _total and never goes down, a
// gauge's does not; every family has one HELP and one TYPE, its samples together. No label ever
// holds a key or a peer.

#include <span>
#include <string>
#include <string_view>

namespace tlscache::metrics {

enum class kind { counter, gauge };

struct sample {
    std::string name;  // without prefix and without _total
    std::string_view help;
    metrics::kind kind = kind::gauge;
    double value = 0;
};

// The page, in the order of the samples. Names are unique.
std::string to_text(std::span<const sample> samples);

inline constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace tlscache::metrics
