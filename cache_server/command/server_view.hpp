#pragma once

// What commands may know of, and ask from, the daemon around the store. The net side implements
// it; tests use a plain one.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tlscache::command {

// Takes one "STAT name value" at a time.
using stat_sink = std::function<void(std::string_view name, std::string_view value)>;

class server_view {
  public:
    virtual ~server_view() = default;

    // General statistics that are not the store's or the commands': pid, uptime, connections,
    // bytes read and written, threads, refusals of the net side.
    virtual void general_statistics(const stat_sink& sink) = 0;
    virtual void settings(const stat_sink& sink) = 0;     // "stats settings"
    virtual void connections(const stat_sink& sink) = 0;  // "stats conns"
    virtual void reset_statistics() = 0;                  // "stats reset", the net side's part

    virtual void set_verbosity(unsigned level) = 0;
    virtual bool shutdown_allowed() const = 0;  // -A
    virtual void shutdown(bool graceful) = 0;

    // For the extension replies: this node's ring version and a namespace's revocation epoch.
    virtual std::uint32_t ring_version() const = 0;
    virtual std::uint32_t namespace_epoch(std::uint16_t tag) const = 0;
};

}  // namespace tlscache::command
