// "stats reset" sets memcached's names back, here by remembering where the counters stood. The
// counters themselves, and so the metrics, never go down.

#include "cache_server/view.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cache_server/limits.hpp"
#include "cache_server/service/log.hpp"
#include "cache_server/service/metrics.hpp"

namespace tlscache {
namespace {

struct net_counter {
    std::string_view stat;  // as "stats" shows it
    std::string_view help;
    std::uint64_t net::net_statistics::*value;
};

// What the net side refused, dropped or held up, beside memcached's own names.
constexpr std::array net_counters{
    net_counter{"tls_paused_peers", "Times a peer did not read and was not read from until it did",
                &net::net_statistics::paused_peers},
    net_counter{"tls_closed_stalled",
                "Connections closed in the middle of a request (stall-timeout)",
                &net::net_statistics::closed_stalled},
    net_counter{"tls_closed_unread", "Connections closed because the peer took none of its replies",
                &net::net_statistics::closed_unread},
    net_counter{"tls_closed_idle", "Connections closed by the idle timeout",
                &net::net_statistics::closed_idle},
    net_counter{"tls_closed_reset", "Connections that ended by an error of the socket",
                &net::net_statistics::closed_reset},
    net_counter{"tls_refused_read_buffer", "Requests refused for lack of buffer memory",
                &net::net_statistics::refused_read_buffer},
    net_counter{"tls_refused_unsent", "Connections closed for lack of memory for unread replies",
                &net::net_statistics::refused_unsent},
    net_counter{"tls_refused_long", "Connections closed because a request had no end",
                &net::net_statistics::refused_long},
    net_counter{"tls_refused_connections", "Connections closed for lack of buffer memory",
                &net::net_statistics::refused_connections},
    net_counter{"tls_accept_errors", "Connections that were gone before they were accepted",
                &net::net_statistics::accept_errors},
};

// memcached's names for the same kind of number.
constexpr std::array memcached_net_counters{
    net_counter{"total_connections", "Connections served since the start",
                &net::net_statistics::accepted},
    net_counter{"rejected_connections", "Connections turned away above conn-limit",
                &net::net_statistics::rejected},
    net_counter{"listen_disabled_num", "Times accepting paused for lack of descriptors",
                &net::net_statistics::listen_disabled},
    net_counter{"bytes_read", "Bytes received from peers", &net::net_statistics::bytes_read},
    net_counter{"bytes_written", "Bytes sent to peers", &net::net_statistics::bytes_written},
};

struct store_number {
    std::string_view name;
    std::string_view help;
    metrics::kind kind;
    std::uint64_t store::statistics::*value;
};

constexpr std::array store_numbers{
    store_number{"curr_items", "Entries held", metrics::kind::gauge, &store::statistics::items},
    store_number{"item_bytes", "Bytes of the entries held", metrics::kind::gauge,
                 &store::statistics::bytes},
    store_number{"item_bytes_max", "Bytes that entries may use", metrics::kind::gauge,
                 &store::statistics::bytes_max},
    store_number{"items_stored", "Entries stored", metrics::kind::counter,
                 &store::statistics::items_total},
    store_number{"expired", "Entries that reached their expiry", metrics::kind::counter,
                 &store::statistics::expired},
    store_number{"expired_unfetched", "Entries that expired without a fetch",
                 metrics::kind::counter, &store::statistics::expired_unfetched},
    store_number{"evicted", "Entries evicted to make room", metrics::kind::counter,
                 &store::statistics::evicted},
    store_number{"evicted_live", "Entries evicted before their expiry", metrics::kind::counter,
                 &store::statistics::evicted_live},
    store_number{"evicted_unfetched", "Entries evicted without a fetch", metrics::kind::counter,
                 &store::statistics::evicted_unfetched},
    store_number{"deleted", "Entries deleted on request", metrics::kind::counter,
                 &store::statistics::deleted},
    store_number{"overwritten", "Entries that made way for a new value of their key",
                 metrics::kind::counter, &store::statistics::overwritten},
    store_number{"flushed", "Entries removed by flush_all", metrics::kind::counter,
                 &store::statistics::flushed},
    store_number{"wiped_bytes", "Bytes erased as entries went", metrics::kind::counter,
                 &store::statistics::wiped_bytes},
    store_number{"moved", "Entries relocated to make room", metrics::kind::counter,
                 &store::statistics::moved},
    store_number{"refused_too_large", "Stores refused because the value was too large",
                 metrics::kind::counter, &store::statistics::refused_too_large},
    store_number{"refused_no_memory", "Stores refused for lack of memory", metrics::kind::counter,
                 &store::statistics::refused_no_memory},
};

std::string seconds_of(const timeval& time) {
    return fmt::format("{}.{:06}", time.tv_sec, time.tv_usec);
}

double as_double(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::string_view yes_no(bool value) {
    return value ? "yes" : "no";
}

}  // namespace

daemon_view::daemon_view(parts of)
    : parts_(std::move(of)), started_ns_(parts_.clock.now().boot_ns) {}

void daemon_view::general_statistics(const command::stat_sink& sink) {
    const store::instant now = parts_.clock.now();
    const net::net_statistics net = parts_.net.statistics();
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto number = [&](std::string_view name, std::uint64_t value) {
        sink(name, fmt::to_string(value));
    };
    number("pid", static_cast<std::uint64_t>(::getpid()));
    number("uptime", static_cast<std::uint64_t>((now.boot_ns - started_ns_) / 1'000'000'000));
    number("time", static_cast<std::uint64_t>(now.wall_seconds()));
    sink("version", "1.6.18-tlscached-" TLSCACHE_VERSION);
    number("pointer_size", 8 * sizeof(void*));
    sink("rusage_user", seconds_of(usage.ru_utime));
    sink("rusage_system", seconds_of(usage.ru_stime));
    number("max_connections", parts_.changing.connections_max.load(std::memory_order_relaxed));
    number("curr_connections", net.connections);
    number("connection_structures", net.connections);
    {
        std::scoped_lock guard(mutex_);
        for (const net_counter& one : memcached_net_counters) {
            // A reset may have come since they were read.
            number(one.stat, net.*one.value - std::min(net.*one.value, base_.*one.value));
        }
    }
    number("limit_maxbytes", parts_.chosen.memory_megabytes << 20);
    number("accepting_conns", net.accepting ? 1 : 0);
    number("threads", parts_.chosen.threads);
    number("tls_buffer_bytes", net.buffer_bytes);
    number("tls_buffer_bytes_max", parts_.budget.bytes_max());
    net_refusals(sink, net);
}

void daemon_view::net_refusals(const command::stat_sink& sink,
                               const net::net_statistics& now) const {
    for (const net_counter& one : net_counters) {
        sink(one.stat, fmt::to_string(now.*one.value));
    }
}

void daemon_view::settings(const command::stat_sink& sink) {
    const options& chosen = parts_.chosen;
    const auto number = [&](std::string_view name, std::uint64_t value) {
        sink(name, fmt::to_string(value));
    };
    number("maxbytes", chosen.memory_megabytes << 20);
    number("maxconns", parts_.changing.connections_max.load(std::memory_order_relaxed));
    number("tcpport", chosen.port > 0 ? static_cast<std::uint64_t>(chosen.port) : 0);
    number("udpport", 0);
    sink("inter", chosen.listen.empty() ? "127.0.0.1,::1"
                                        : fmt::format("{}", fmt::join(chosen.listen, ",")));
    number("verbosity", log::verbosity());
    sink("evictions", chosen.evict ? "on" : "off");
    sink("domain_socket", chosen.unix_socket.empty() ? "NULL" : chosen.unix_socket);
    sink("umask", fmt::format("{:o}", chosen.unix_mask));
    number("num_threads", chosen.threads);
    sink("cas_enabled", yes_no(chosen.use_cas));
    number("tcp_backlog", limits::listen_backlog);
    number("item_size_max", chosen.value_bytes_max);
    sink("maxconns_fast", "yes");
    sink("flush_enabled", "yes");
    sink("shutdown_command", yes_no(chosen.shutdown_allowed));
    number("idle_timeout", parts_.changing.idle_seconds.load(std::memory_order_relaxed));
    sink("eviction", chosen.eviction);
    sink("lock_memory", chosen.lock_memory);
    number("stall_timeout", parts_.changing.stall_seconds.load(std::memory_order_relaxed));
    number("unread_timeout", static_cast<std::uint64_t>(limits::unread_timeout.count()));
    number("key_bytes_max", wire::key_bytes_max);
    number("line_bytes_max", wire::line_bytes_max);
    number("request_bytes_max", limits::request_bytes_max(chosen.value_bytes_max));
    number("read_bytes_private", limits::read_bytes_private);
    number("read_bytes_batch", limits::read_bytes_batch);
    number("output_bytes_max", limits::output_bytes_max);
    number("buffer_bytes_max", parts_.budget.bytes_max());
    number("turned_away_max", limits::turned_away_max);
    number("accepts_per_turn_max", limits::accepts_per_turn_max);
    number("expire_entries_per_turn", limits::expire_entries_per_turn);
    number("metrics_connections_max", limits::metrics_connections_max);
    number("connections_listed_max", limits::connections_listed_max);
    number("listen_addresses_max", limits::listen_addresses_max);
    number("config_bytes_max", limits::config_bytes_max);
    number("shards", parts_.entries.shard_count());
    number("policy_bytes_per_slot", parts_.entries.policy_bytes_per_slot());
}

void daemon_view::connections(const command::stat_sink& sink) {
    const auto all = parts_.net.describe(limits::connections_listed_max);
    for (const net::connection_description& one : all) {
        sink(fmt::format("{}:addr", one.descriptor), one.address);
        sink(fmt::format("{}:listen_addr", one.descriptor), one.listen_address);
        sink(fmt::format("{}:state", one.descriptor), one.state);
        sink(fmt::format("{}:secs_since_last_cmd", one.descriptor),
             fmt::to_string(one.seconds_since_last_command));
    }
}

void daemon_view::reset_statistics() {
    const net::net_statistics now = parts_.net.statistics();
    std::scoped_lock guard(mutex_);
    base_ = now;
}

void daemon_view::set_verbosity(unsigned level) {
    log::set_verbosity(level);
}

void daemon_view::shutdown(bool graceful) {
    log::notice(graceful ? "ends: told \"shutdown graceful\"" : "ends: told \"shutdown\"");
    parts_.shut_down();
}

std::string daemon_view::metrics_page(std::uint64_t scrapes_refused) const {
    using metrics::kind;
    std::vector<metrics::sample> samples;
    const store::statistics store = parts_.entries.collect();
    for (const store_number& one : store_numbers) {
        samples.push_back(
            {std::string(one.name), one.help, one.kind, static_cast<double>(store.*one.value)});
    }
    const command::counter_values commands = parts_.commands.totals();
    for (std::size_t n = 0; n != commands.size(); ++n) {
        std::string_view name = command::name_of(static_cast<command::counter>(n));
        name.remove_prefix(name.starts_with("tls_") ? 4 : 0);
        samples.push_back({fmt::format("commands_{}", name),
                           "The number of that name in the command stats, since the start",
                           kind::counter, static_cast<double>(commands[n])});
    }
    const net::net_statistics net = parts_.net.statistics();
    const auto add_net = [&](const net_counter& one) {
        std::string_view name = one.stat;
        name.remove_prefix(name.starts_with("tls_") ? 4 : 0);
        name = name == "total_connections" ? "connections" : name;
        name = name == "listen_disabled_num" ? "listen_disabled" : name;
        samples.push_back(
            {std::string(name), one.help, kind::counter, static_cast<double>(net.*one.value)});
    };
    for (const net_counter& one : memcached_net_counters) {
        add_net(one);
    }
    for (const net_counter& one : net_counters) {
        add_net(one);
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto gauge = [&](std::string_view name, std::string_view help, double value) {
        samples.push_back({std::string(name), help, kind::gauge, value});
    };
    gauge("curr_connections", "Connections open", static_cast<double>(net.connections));
    gauge("max_connections", "Connections served at once at most",
          static_cast<double>(parts_.changing.connections_max.load(std::memory_order_relaxed)));
    gauge("buffer_bytes", "Bytes of connection buffers", static_cast<double>(net.buffer_bytes));
    gauge("buffer_bytes_max", "Bytes that connection buffers may use",
          static_cast<double>(parts_.budget.bytes_max()));
    gauge("limit_bytes", "Memory limit", static_cast<double>(parts_.chosen.memory_megabytes << 20));
    gauge("memory_locked", "Whether entries are kept out of swap",
          parts_.entries.memory_locked() ? 1 : 0);
    gauge("uptime_seconds", "Seconds since the start",
          static_cast<double>(parts_.clock.now().boot_ns - started_ns_) / 1e9);
    samples.push_back({"metrics_refused", "Connections for this page refused above their limit",
                       kind::counter, static_cast<double>(scrapes_refused)});
    samples.push_back({"cpu_user_seconds", "Processor time in user mode", kind::counter,
                       as_double(usage.ru_utime)});
    samples.push_back({"cpu_system_seconds", "Processor time in system mode", kind::counter,
                       as_double(usage.ru_stime)});
    return metrics::to_text(samples);
}

}  // namespace tlscache
