#pragma once

// The whole measurement: fills the servers, then for each shape and transport drives all servers
// that take part in short slices of random order, and keeps a sample per server and cycle.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/server_link.hpp"
#include "bench/load/server_spec.hpp"
#include "bench/load/workload.hpp"

namespace tlscache::bench {

struct campaign_options {
    std::vector<server_spec> servers;
    std::vector<shape> shapes;
    std::uint64_t items = 1'000'000;
    std::size_t connections = 50;
    std::size_t cycles = 12;
    std::chrono::milliseconds slice{100};
    std::chrono::milliseconds warm_up{10};  // before each slice, not measured
    std::uint64_t seed = 0;
    bool fill = true;
};

// What one server did in one shape; element i of each vector belongs to cycle i.
struct measurement {
    server_spec server;
    shape asked;
    std::vector<double> cpu_ns_per_operation;
    std::vector<double> kops_per_second;
    std::vector<double> cores_used;     // by the server
    std::vector<double> foreign_cores;  // by all but generator and servers, over the cycle
    std::uint64_t operations = 0;
};

class campaign {
  public:
    // Told one line at a time what is going on.
    using progress = std::function<void(const std::string&)>;

    campaign(campaign_options options, progress tell);

    // In the order of shapes, transports, servers as given. A failure ends the run at once.
    std::optional<failure> run();
    const std::vector<measurement>& results() const noexcept { return results_; }

  private:
    struct group;

    std::optional<failure> connect();
    std::optional<failure> fill();
    std::optional<failure> measure(const shape& asked, transport carried);
    std::optional<failure> measure_cycle(group& taking_part, std::size_t cycle);

    campaign_options options_;
    progress tell_;
    std::uint64_t random_;
    std::vector<std::unique_ptr<server_link>> links_;
    std::vector<measurement> results_;
};

}  // namespace tlscache::bench
