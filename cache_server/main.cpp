// tlscached: puts the parts together in the order that security needs (see process.cpp), runs until
// it is told to end, and takes them apart in reverse, which erases what is stored.
//
// The only real clock of the daemon is made here. The main thread is the service thread: accepting,
// expiry, signals, metrics; connections live on the workers' threads.

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <utility>

#include "cache_server/limits.hpp"
#include "cache_server/net/listener.hpp"
#include "cache_server/net/server.hpp"
#include "cache_server/options.hpp"
#include "cache_server/process.hpp"
#include "cache_server/reload.hpp"
#include "cache_server/service/expiry.hpp"
#include "cache_server/service/log.hpp"
#include "cache_server/service/metrics_endpoint.hpp"
#include "cache_server/store/store.hpp"
#include "cache_server/view.hpp"
#include "plugins/registry.hpp"

namespace tlscache {
namespace {

namespace asio = boost::asio;

constexpr int exit_well = 0;
constexpr int exit_not_started = 1;

class system_clock final : public store::clock {
  public:
    store::instant now() const noexcept override {
        return {nanoseconds(CLOCK_BOOTTIME), nanoseconds(CLOCK_REALTIME)};
    }

  private:
    static std::int64_t nanoseconds(clockid_t which) noexcept {
        timespec time{};
        ::clock_gettime(which, &time);
        return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
    }
};

struct sockets {
    std::vector<net::listener> peers;
    std::optional<net::listener> metrics;
};

// All listeners, or the reason why not.
std::optional<std::string> open_sockets(const options& chosen, sockets& into) {
    std::string missing;
    for (const endpoint_option& one : chosen.endpoints()) {
        net::listen_outcome outcome = net::listen_tcp(one.host, one.port);
        if (outcome.failed) {
            // Without -l both loopback addresses are tried, and one is enough.
            if (!chosen.listen.empty() || !outcome.failed->address_missing) {
                return outcome.failed->text;
            }
            missing = outcome.failed->text;
            log::warning(missing);
        }
        std::move(outcome.made.begin(), outcome.made.end(), std::back_inserter(into.peers));
    }
    if (into.peers.empty() && !missing.empty()) {
        return missing;
    }
    if (!chosen.unix_socket.empty()) {
        net::listen_outcome outcome = net::listen_unix(chosen.unix_socket, chosen.unix_mask);
        if (outcome.failed) {
            return outcome.failed->text;
        }
        into.peers.push_back(std::move(outcome.made.front()));
    }
    if (chosen.metrics) {
        net::listen_outcome outcome = net::listen_tcp(chosen.metrics->host, chosen.metrics->port);
        if (outcome.failed) {
            return "metrics: " + outcome.failed->text;
        }
        into.metrics.emplace(std::move(outcome.made.front()));
    }
    return std::nullopt;
}

// "tcp ADDRESS PORT", "unix PATH", "metrics ADDRESS PORT", a line each; also told in the log.
std::string port_lines(const sockets& open) {
    std::string text;
    for (const net::listener& one : open.peers) {
        text += one.port_line() + "\n";
        log::notice("listens on " + one.port_line());
    }
    if (open.metrics) {
        const std::string line = open.metrics->port_line();
        text += "metrics" + line.substr(line.find(' ')) + "\n";
        log::notice("serves metrics on " + line);
    }
    return text;
}

store::store_options store_options_of(const options& chosen) {
    store::store_options out;
    const std::size_t all = chosen.memory_megabytes << 20;
    out.bytes_max = all - limits::connection_bytes_max(all);
    out.value_bytes_max = chosen.value_bytes_max;
    out.threads = chosen.threads;
    out.policy = plugins::find_eviction_policy(chosen.eviction);
    out.evict = chosen.evict;
    out.use_cas = chosen.use_cas;
    using mode = store::store_options::lock_memory_mode;
    out.lock_memory = chosen.lock_memory == "off"        ? mode::off
                      : chosen.lock_memory == "required" ? mode::required
                                                         : mode::automatic;
    return out;
}

// What is open beside connections of peers.
std::size_t descriptors_beside_connections(const options& chosen, const sockets& open) {
    return limits::descriptors_spare + limits::turned_away_max + open.peers.size() +
           limits::descriptors_per_thread * (chosen.threads + 1) +
           (chosen.metrics ? limits::metrics_connections_max + 1 : 0);
}

// How many connections memory and descriptors are enough for; says so if it is fewer than asked.
std::size_t fit_connections(const options& chosen, std::size_t beside) {
    const std::size_t memory =
        net::server::connections_for(limits::connection_bytes_max(chosen.memory_megabytes << 20));
    const std::size_t wanted = std::min(chosen.connections_max, memory);
    const std::size_t fits = process::fit_descriptors(wanted, beside);
    if (fits < chosen.connections_max) {
        log::warning(
            fmt::format("{} is enough for {} connections, not {}: conn-limit is lowered to {}",
                        fits < wanted ? "the limit of open files (ulimit -n)" : "memory-limit",
                        fits, chosen.connections_max, fits));
    }
    return fits;
}

class running_daemon {
  public:
    running_daemon(const command_line& started_with, const options& chosen, sockets open,
                   std::size_t connections_max, std::size_t descriptors_beside)
        : started_with_(started_with),
          chosen_(chosen),
          descriptors_beside_(descriptors_beside),
          budget_(limits::connection_bytes_max(chosen.memory_megabytes << 20)),
          entries_(store_options_of(chosen), clock_.now()),
          net_(service_, net::settings{chosen.threads, chosen.value_bytes_max}, changing_, entries_,
               budget_, clock_),
          view_({chosen_, changing_, entries_, budget_, net_, commands_, clock_,
                 [this] { asio::post(service_, [this] { end(); }); }}),
          expiry_(service_, entries_, clock_),
          signals_(service_, SIGTERM, SIGINT, SIGHUP) {
        changing_.connections_max = connections_max;
        changing_.idle_seconds = chosen.idle_seconds;
        changing_.stall_seconds = chosen.stall_seconds;
        if (open.metrics) {
            metrics_socket_.emplace(std::move(*open.metrics));
            metrics_.emplace(service_, ::dup(metrics_socket_->descriptor()),
                             metrics_socket_->family(),
                             [this](std::uint64_t refused) { return view_.metrics_page(refused); });
        }
        net_.start(view_, commands_, std::move(open.peers));
        expiry_.start();
        wait_for_signal();
        if (chosen.lock_memory == "auto" && !entries_.memory_locked()) {
            log::warning(
                "memory can't be locked: entries may be written to swap "
                "(ulimit -l, or --lock-memory off to accept it)");
        }
    }

    void run() { service_.run(); }

  private:
    void wait_for_signal() {
        signals_.async_wait([this](const boost::system::error_code& error, int number) {
            if (error) {
                return;
            }
            if (number == SIGHUP) {
                reload_settings(started_with_, chosen_, changing_, descriptors_beside_);
                wait_for_signal();
                return;
            }
            log::notice(number == SIGTERM ? "ends: SIGTERM" : "ends: SIGINT");
            end();
        });
    }

    void end() {
        if (std::exchange(ending_, true)) {
            return;
        }
        signals_.cancel();
        metrics_.reset();
        net_.drain([this] {
            expiry_.stop();
            service_.stop();
        });
    }

    const command_line& started_with_;
    const options& chosen_;
    const std::size_t descriptors_beside_;
    system_clock clock_;
    asio::io_context service_{1};
    net::tunables changing_;
    store::memory_budget budget_;
    store::store entries_;
    command::statistics commands_;
    net::server net_;
    daemon_view view_;
    expiry expiry_;
    asio::signal_set signals_;
    std::optional<net::listener> metrics_socket_;
    std::optional<metrics::endpoint> metrics_;
    bool ending_ = false;
};

int not_started(const std::string& why) {
    fmt::print(stderr, "tlscached: {}\n", why);
    process::report_started(false);
    return exit_not_started;
}

int serve(const command_line& started_with, const options& chosen) {
    process::harden();
    log::start(chosen.verbosity);
    if (chosen.daemonize && !process::daemonize(chosen.verbosity != 0)) {
        return not_started("can't go into the background");
    }
    sockets open;
    if (const auto why = open_sockets(chosen, open)) {
        return not_started(*why);
    }
    const std::size_t beside = descriptors_beside_connections(chosen, open);
    const std::size_t connections_max = fit_connections(chosen, beside);
    if (connections_max == 0) {
        return not_started("the limit of open files (ulimit -n) leaves none for connections");
    }
    process::allow_locked_memory(store::store::reserved_bytes(chosen.memory_megabytes << 20));
    const std::string ports = port_lines(open);
    std::optional<process::file_guard> pid_file;
    std::optional<process::file_guard> port_file;
    if (!chosen.pid_file.empty()) {
        if (const auto why =
                process::write_file(chosen.pid_file, fmt::format("{}\n", ::getpid()))) {
            return not_started(*why);
        }
        pid_file.emplace(chosen.pid_file);
    }
    if (!chosen.user.empty()) {
        if (const auto why = process::become_user(chosen.user, chosen.unix_socket)) {
            return not_started(*why);
        }
        process::harden();
    } else if (::geteuid() == 0) {
        log::warning("runs as root: -u USER gives that up");
    }
    running_daemon daemon(started_with, chosen, std::move(open), connections_max, beside);
    if (!chosen.port_file.empty()) {
        if (const auto why = process::write_file(chosen.port_file, ports)) {
            return not_started(*why);
        }
        port_file.emplace(chosen.port_file);
    }
    process::report_started(true);
    daemon.run();
    return exit_well;
}

int run(int argc, char** argv) {
    command_line started_with{argc, argv, {}};
    for (const plugins::eviction_entry& one : plugins::eviction_policies()) {
        started_with.eviction_names.push_back(one.name);
    }
    const parse_result parsed = parse_options(argc, argv, started_with.eviction_names);
    if (const auto* exit = std::get_if<early_exit>(&parsed)) {
        fmt::print(exit->code == 0 ? stdout : stderr, "{}\n", exit->text);
        return exit->code;
    }
    try {
        const int code = serve(started_with, std::get<options>(parsed));
        if (code == exit_well) {
            log::notice("ended");
        }
        return code;
    } catch (const std::exception& error) {
        return not_started(error.what());
    }
}

}  // namespace
}  // namespace tlscache

int main(int argc, char** argv) {
    tlscache::process::hold_standard_streams();
    tlscache::process::bind_symbols_now(argv);
    return tlscache::run(argc, argv);
}
