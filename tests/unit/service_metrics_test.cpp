#include "cache_server/service/metrics.hpp"

#include <doctest/doctest.h>

#include <array>

namespace {

namespace metrics = tlscache::metrics;

TEST_CASE("a counter ends in _total and is typed so, a gauge is not") {
    const std::array samples{
        metrics::sample{"hits", "Hits so far", metrics::kind::counter, 12345678901},
        metrics::sample{"items", "Items now", metrics::kind::gauge, 7},
    };
    CHECK(metrics::to_text(samples) ==
          "# HELP tlscached_hits_total Hits so far\n"
          "# TYPE tlscached_hits_total counter\n"
          "tlscached_hits_total 12345678901\n"
          "# HELP tlscached_items Items now\n"
          "# TYPE tlscached_items gauge\n"
          "tlscached_items 7\n");
}

}  // namespace
