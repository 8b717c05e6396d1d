#pragma once

// One server under test, as named on the command line:
// NAME=ADDRESS,pid=N[,proto=text|meta|raw][,depth=N]
// ADDRESS is host:port, [v6]:port (numeric) or unix:/path.

#include <sys/types.h>

#include <boost/system/result.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "bench/load/workload.hpp"

namespace tlscache::bench {

enum class transport { tcp, unix_socket };
std::string_view name_of(transport carried);

struct server_spec {
    std::string name;
    std::string address;
    transport carried = transport::tcp;
    protocol spoken = protocol::text;
    pid_t pid = 0;
    std::optional<std::size_t> only_depth;  // takes part in shapes of this depth only

    bool takes_part(const shape& asked) const { return !only_depth || *only_depth == asked.depth; }
};

// A sentence about what is wrong, or the server.
struct spec_error {
    std::string what;
};
boost::system::result<server_spec, spec_error> parse_server_spec(std::string_view text);

}  // namespace tlscache::bench
