// The command line won at the start and wins again: parsing starts from what it said. What differs
// from the running settings is either taken over (conn-limit up to what the descriptors allow,
// idle-timeout, stall-timeout, verbose) or told as needing a restart.

#include "cache_server/reload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cache_server/limits.hpp"
#include "cache_server/net/server.hpp"
#include "cache_server/process.hpp"
#include "cache_server/service/log.hpp"

namespace tlscache {
namespace {

std::vector<std::string_view> needs_restart(const options& was, const options& is) {
    std::vector<std::string_view> names;
    const auto compare = [&](std::string_view name, bool same) {
        if (!same) {
            names.push_back(name);
        }
    };
    const auto same_endpoint = [](const auto& a, const auto& b) {
        return a.has_value() == b.has_value() && (!a || (a->host == b->host && a->port == b->port));
    };
    compare("listen", was.listen == is.listen);
    compare("port", was.port == is.port);
    compare("unix-socket", was.unix_socket == is.unix_socket);
    compare("unix-mask", was.unix_mask == is.unix_mask);
    compare("memory-limit", was.memory_megabytes == is.memory_megabytes);
    compare("threads", was.threads == is.threads);
    compare("max-item-size", was.value_bytes_max == is.value_bytes_max);
    compare("user", was.user == is.user);
    compare("daemon", was.daemonize == is.daemonize);
    compare("pidfile", was.pid_file == is.pid_file);
    compare("port-file", was.port_file == is.port_file);
    compare("enable-shutdown", was.shutdown_allowed == is.shutdown_allowed);
    compare("disable-evictions", was.evict == is.evict);
    compare("disable-cas", was.use_cas == is.use_cas);
    compare("eviction", was.eviction == is.eviction);
    compare("lock-memory", was.lock_memory == is.lock_memory);
    compare("metrics", same_endpoint(was.metrics, is.metrics));
    compare("insecure-plaintext", was.insecure_plaintext == is.insecure_plaintext);
    return names;
}

}  // namespace

void reload_settings(const command_line& started_with, const options& running,
                     net::tunables& changing, std::size_t descriptors_beside) {
    if (running.config.empty()) {
        log::notice("SIGHUP: there is no --config file to read again");
        return;
    }
    const parse_result parsed =
        parse_options(started_with.argc, started_with.argv, started_with.eviction_names);
    if (const auto* wrong = std::get_if<early_exit>(&parsed)) {
        log::error(fmt::format("SIGHUP: nothing changed: {}", wrong->text));
        return;
    }
    const auto& is = std::get<options>(parsed);
    const std::size_t memory =
        net::server::connections_for(limits::connection_bytes_max(running.memory_megabytes << 20));
    const std::size_t connections =
        process::fit_descriptors(std::min(is.connections_max, memory), descriptors_beside);
    changing.connections_max = connections;
    changing.idle_seconds = is.idle_seconds;
    changing.stall_seconds = is.stall_seconds;
    log::set_verbosity(is.verbosity);
    log::notice(fmt::format(
        "SIGHUP: {} read again: conn-limit {}, idle-timeout {}, stall-timeout {}, verbose {}",
        running.config, connections, is.idle_seconds, is.stall_seconds, is.verbosity));
    if (connections < is.connections_max) {
        log::warning(
            fmt::format("conn-limit {} needs a restart with a higher limit of open files or of "
                        "memory, which is enough for {}",
                        is.connections_max, connections));
    }
    if (const auto names = needs_restart(running, is); !names.empty()) {
        log::warning(fmt::format("needs a restart: {}", fmt::join(names, ", ")));
    }
}

}  // namespace tlscache
