#pragma once

// What the net side is told by the operator.

#include <atomic>
#include <cstddef>
#include <string_view>

#include "cache_server/limits.hpp"
#include "client_lib/wire/limits.hpp"

namespace tlscache::net {

struct settings {
    unsigned threads = 4;
    std::size_t value_bytes_max = wire::value_bytes_default;
};

// What may change while the daemon runs (SIGHUP): written by the service thread, read by all.
struct tunables {
    std::atomic<std::size_t> connections_max{1024};
    std::atomic<unsigned> idle_seconds{0};
    std::atomic<unsigned> stall_seconds{limits::stall_seconds_default};
};

// The executor counts and turns away other protocols; this says in the log what the likely mistake
// is, the first time that the kind is seen in this process. `first` are a connection's first bytes.
void tell_likely_mistake(std::string_view first);

}  // namespace tlscache::net
