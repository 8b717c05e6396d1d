// prometheus-cpp's data model and serializer; its registry is not used, since the numbers are
// counted elsewhere (each thread its own) and only summed when a page is asked for.

#include "cache_server/service/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <vector>

namespace tlscache::metrics {

std::string to_text(std::span<const sample> samples) {
    std::vector<prometheus::MetricFamily> families;
    families.reserve(samples.size());
    for (const sample& one : samples) {
        prometheus::MetricFamily family;
        const bool counter = one.kind == kind::counter;
        family.name = fmt::format("tlscached_{}{}", one.name, counter ? "_total" : "");
        family.help = one.help;
        family.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
        prometheus::ClientMetric metric;
        (counter ? metric.counter.value : metric.gauge.value) = one.value;
        family.metric.push_back(std::move(metric));
        families.push_back(std::move(family));
    }
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families);
    return out.str();
}

}  // namespace tlscache::metrics
