#pragma once

// SIGHUP: reads the file of --config again. On the service thread.

#include "cache_server/net/settings.hpp"
#include "cache_server/options.hpp"

namespace tlscache {

// What the program was started with; it lives as long as main().
struct command_line {
    int argc = 0;
    const char* const* argv = nullptr;
    name_list eviction_names;
};

// Takes over what may change at run time and says in the log what needs a restart. A file with a
// mistake changes nothing. `running` is what the daemon was started with, `descriptors_beside` what
// it needs beside connections.
void reload_settings(const command_line& started_with, const options& running,
                     net::tunables& changing, std::size_t descriptors_beside);

}  // namespace tlscache
