#pragma once

// A server_view without a server: remembers what it was asked, shows two statistics.

#include <cstdint>

#include "cache_server/command/server_view.hpp"

namespace tlscache::testing {

class plain_server_view : public command::server_view {
  public:
    void general_statistics(const command::stat_sink& sink) override { sink("pid", "1"); }
    void settings(const command::stat_sink& sink) override { sink("maxbytes", "67108864"); }
    void connections(const command::stat_sink& sink) override { sink("3:state", "conn_parse_cmd"); }
    void reset_statistics() override { ++resets; }

    void set_verbosity(unsigned level) override { verbosity = level; }
    bool shutdown_allowed() const override { return may_shut_down; }
    void shutdown(bool graceful) override { ++(graceful ? graceful_shutdowns : shutdowns); }

    std::uint32_t ring_version() const override { return 0x1a2b3c4d; }
    std::uint32_t namespace_epoch(std::uint16_t) const override { return 7; }

    bool may_shut_down = false;
    unsigned verbosity = 0;
    int resets = 0;
    int shutdowns = 0;
    int graceful_shutdowns = 0;
};

}  // namespace tlscache::testing
