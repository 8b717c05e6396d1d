#pragma once

// The daemon as "stats" and the metrics page show it: puts together what net, store and commands
// count. Any thread may call; it outlives the worker threads.

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "cache_server/command/server_view.hpp"
#include "cache_server/command/statistics.hpp"
#include "cache_server/net/counters.hpp"
#include "cache_server/net/server.hpp"
#include "cache_server/net/settings.hpp"
#include "cache_server/options.hpp"
#include "cache_server/store/memory_budget.hpp"
#include "cache_server/store/store.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache {

class daemon_view final : public command::server_view {
  public:
    struct parts {
        const options& chosen;
        const net::tunables& changing;
        store::store& entries;
        store::memory_budget& budget;
        net::server& net;
        command::statistics& commands;
        const store::clock& clock;
        std::function<void()> shut_down;  // any thread may call it
    };
    explicit daemon_view(parts of);

    void general_statistics(const command::stat_sink& sink) override;
    void settings(const command::stat_sink& sink) override;
    void connections(const command::stat_sink& sink) override;
    void reset_statistics() override;
    void set_verbosity(unsigned level) override;
    bool shutdown_allowed() const override { return parts_.chosen.shutdown_allowed; }
    void shutdown(bool graceful) override;
    std::uint32_t ring_version() const override { return 0; }
    std::uint32_t namespace_epoch(std::uint16_t) const override { return 0; }

    std::string metrics_page(std::uint64_t scrapes_refused) const;

  private:
    void net_refusals(const command::stat_sink& sink, const net::net_statistics& now) const;

    parts parts_;
    const std::int64_t started_ns_;
    std::mutex mutex_;  // guards base_
    net::net_statistics base_;
};

}  // namespace tlscache
