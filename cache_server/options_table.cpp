// One row per option. A row's check is the only judge of a value, whether it came from the command
// line or from the file, so that both refuse the same things with the same words. Ranges come from
// limits.hpp.

#include "cache_server/options_table.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "cache_server/limits.hpp"

namespace tlscache {
namespace {

using problem = std::optional<std::string>;

template <class T>
bool parse_number(std::string_view text, T& out, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return false;
    }
    out = value;
    return true;
}

template <class T>
problem number_between(std::string_view text, T low, T high, T& out) {
    T value{};
    if (!parse_number(text, value) || value < low || value > high) {
        return fmt::format("'{}' is not a number from {} to {}", text, low, high);
    }
    out = value;
    return std::nullopt;
}

problem non_empty(std::string_view text, std::string& out) {
    if (text.empty()) {
        return "is empty";
    }
    out = text;
    return std::nullopt;
}

problem set_flag(std::string_view text, bool& out, bool value_if_set) {
    out = (text == "true") == value_if_set;
    return std::nullopt;
}

problem apply_listen(options& into, std::string_view value, const name_list&) {
    while (true) {
        const std::size_t comma = value.find(',');
        const std::string_view one = value.substr(0, comma);
        if (!parse_endpoint(one, std::uint16_t{0})) {
            return fmt::format("'{}' is not an address (ADDRESS, ADDRESS:PORT or [V6]:PORT)", one);
        }
        into.listen.emplace_back(one);
        if (into.listen.size() > limits::listen_addresses_max) {
            return fmt::format("more than {} addresses", limits::listen_addresses_max);
        }
        if (comma == std::string_view::npos) {
            return std::nullopt;
        }
        value.remove_prefix(comma + 1);
    }
}

problem apply_port(options& into, std::string_view value, const name_list&) {
    int port = 0;
    if (!parse_number(value, port) || port < options::port_of_kernel || port > 65535) {
        return fmt::format("'{}' is not a port (0 to 65535; 0 is off, -1 is any free one)", value);
    }
    into.port = port;
    return std::nullopt;
}

problem apply_udp_port(options&, std::string_view value, const name_list&) {
    if (value != "0") {
        return fmt::format("'{}' is refused: there is no UDP here, only 0 (off) is valid", value);
    }
    return std::nullopt;
}

problem apply_unix_socket(options& into, std::string_view value, const name_list&) {
    if (value.size() >= sizeof(sockaddr_un{}.sun_path)) {
        return fmt::format("the path is longer than {} bytes", sizeof(sockaddr_un{}.sun_path) - 1);
    }
    return non_empty(value, into.unix_socket);
}

problem apply_unix_mask(options& into, std::string_view value, const name_list&) {
    unsigned mask = 0;
    if (!parse_number(value, mask, 8) || mask > 0777) {
        return fmt::format("'{}' is not an octal access mask from 0 to 777", value);
    }
    into.unix_mask = mask;
    return std::nullopt;
}

problem apply_max_item_size(options& into, std::string_view value, const name_list&) {
    std::string_view digits = value;
    std::size_t unit = 1;
    if (!digits.empty()) {
        const char last = digits.back();
        unit = last == 'k' || last == 'K' ? 1024 : last == 'm' || last == 'M' ? 1024 * 1024 : 1;
        digits.remove_suffix(unit == 1 ? 0 : 1);
    }
    std::size_t count = 0;
    if (!parse_number(digits, count) || count > wire::value_bytes_hard_max ||
        count * unit < limits::value_bytes_min || count * unit > wire::value_bytes_hard_max) {
        return fmt::format("'{}' is not a size from 1k to 1m", value);
    }
    into.value_bytes_max = count * unit;
    return std::nullopt;
}

problem apply_eviction(options& into, std::string_view value, const name_list& names) {
    const auto same = [&](std::string_view name) {
        return std::equal(name.begin(), name.end(), value.begin(), value.end(),
                          [](char a, char b) { return std::tolower(a) == std::tolower(b); });
    };
    if (std::none_of(names.begin(), names.end(), same)) {
        return fmt::format("'{}' is not one of {}", value, fmt::join(names, ", "));
    }
    into.eviction = value;
    return std::nullopt;
}

problem apply_lock_memory(options& into, std::string_view value, const name_list&) {
    if (value != "auto" && value != "required" && value != "off") {
        return fmt::format("'{}' is not one of auto, required, off", value);
    }
    into.lock_memory = value;
    return std::nullopt;
}

problem apply_metrics(options& into, std::string_view value, const name_list&) {
    const auto endpoint = parse_endpoint(value, std::nullopt);
    if (!endpoint) {
        return fmt::format("'{}' is not ADDRESS:PORT", value);
    }
    into.metrics = endpoint;
    return std::nullopt;
}

problem apply_idle_timeout(options& into, std::string_view value, const name_list&) {
    unsigned seconds = 0;
    if (!parse_number(value, seconds) || seconds > limits::timeout_seconds_max ||
        (seconds != 0 && seconds < limits::idle_seconds_min)) {
        return fmt::format("'{}' is not 0 (never) or a number of seconds from {} to {}", value,
                           limits::idle_seconds_min, limits::timeout_seconds_max);
    }
    into.idle_seconds = seconds;
    return std::nullopt;
}

using opt = options;
using sv = std::string_view;
using names = name_list;

constexpr std::array table{
    option_spec{"port", 'p', value_kind::number, "NUM",
                "TCP port (11211); 0 turns TCP off, -1 takes any free port", apply_port},
    option_spec{"listen", 'l', value_kind::list, "ADDR",
                "listen there: ADDRESS, ADDRESS:PORT, [V6]:PORT, several by commas or by repeating "
                "(127.0.0.1,::1); port 0 takes any free one",
                apply_listen},
    option_spec{"unix-socket", 's', value_kind::text, "FILE", "listen on this Unix socket too",
                apply_unix_socket},
    option_spec{"unix-mask", 'a', value_kind::text, "MASK",
                "access to the Unix socket, octal (700)", apply_unix_mask},
    option_spec{"memory-limit", 'm', value_kind::number, "NUM",
                "memory for everything, in megabytes (64)",
                [](opt& o, sv v, const names&) {
                    return number_between(v, limits::memory_megabytes_min,
                                          limits::memory_megabytes_max, o.memory_megabytes);
                }},
    option_spec{"conn-limit", 'c', value_kind::number, "NUM", "connections served at once (1024)",
                [](opt& o, sv v, const names&) {
                    return number_between(v, std::size_t{1}, limits::connections_max,
                                          o.connections_max);
                }},
    option_spec{"threads", 't', value_kind::number, "NUM", "threads that serve connections (4)",
                [](opt& o, sv v, const names&) {
                    return number_between(v, 1u, limits::threads_max, o.threads);
                }},
    option_spec{"max-item-size", 'I', value_kind::size, "SIZE",
                "largest value, suffixes k and m (16k; at most 1m)", apply_max_item_size},
    option_spec{"udp-port", 'U', value_kind::number, "NUM",
                "for compatibility: only 0 (off) is taken", apply_udp_port},
    option_spec{"user", 'u', value_kind::text, "USER", "become this user once started as root",
                [](opt& o, sv v, const names&) { return non_empty(v, o.user); }},
    option_spec{"daemon", 'd', value_kind::flag, "", "run in the background",
                [](opt& o, sv v, const names&) { return set_flag(v, o.daemonize, true); }},
    option_spec{"pidfile", 'P', value_kind::text, "FILE", "write the process id there",
                [](opt& o, sv v, const names&) { return non_empty(v, o.pid_file); }},
    option_spec{"port-file", 0, value_kind::text, "FILE",
                "write there where the daemon listens, once it does",
                [](opt& o, sv v, const names&) { return non_empty(v, o.port_file); }},
    option_spec{"verbose", 'v', value_kind::level, "", "tell more; -vv and -vvv still more",
                [](opt& o, sv v, const names&) { return number_between(v, 0u, 3u, o.verbosity); }},
    option_spec{"enable-shutdown", 'A', value_kind::flag, "", "obey the command \"shutdown\"",
                [](opt& o, sv v, const names&) { return set_flag(v, o.shutdown_allowed, true); }},
    option_spec{"disable-evictions", 'M', value_kind::flag, "",
                "refuse to store when memory is full, instead of evicting",
                [](opt& o, sv v, const names&) { return set_flag(v, o.evict, false); }},
    option_spec{"disable-cas", 'C', value_kind::flag, "", "keep no CAS numbers",
                [](opt& o, sv v, const names&) { return set_flag(v, o.use_cas, false); }},
    option_spec{"eviction", 0, value_kind::text, "NAME", "who goes when memory is full (CLOCK)",
                apply_eviction},
    option_spec{"lock-memory", 0, value_kind::text, "MODE",
                "keep entries out of swap: auto, required, off (auto)", apply_lock_memory},
    option_spec{"metrics", 0, value_kind::text, "ADDR:PORT",
                "serve statistics for Prometheus over HTTP there", apply_metrics},
    option_spec{"idle-timeout", 0, value_kind::number, "SEC",
                "close connections idle for that long; 0 never (0)", apply_idle_timeout},
    option_spec{"stall-timeout", 0, value_kind::number, "SEC",
                "close connections that leave a request unfinished for that long (10)",
                [](opt& o, sv v, const names&) {
                    return number_between(v, 1u, limits::timeout_seconds_max, o.stall_seconds);
                }},
    option_spec{"insecure-plaintext", 0, value_kind::flag, "",
                "DANGER: allow addresses off loopback without TLS; whoever sees or reaches that "
                "network reads, changes and deletes every session of other clients",
                [](opt& o, sv v, const names&) { return set_flag(v, o.insecure_plaintext, true); }},
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    if (!parse_number(text, port)) {
        return std::nullopt;
    }
    return port;
}

}  // namespace

std::span<const option_spec> option_table() {
    return table;
}

const option_spec* find_option(std::string_view name) {
    const auto found =
        std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == name; });
    return found == table.end() ? nullptr : &*found;
}

std::optional<endpoint_option> parse_endpoint(std::string_view text,
                                              std::optional<std::uint16_t> default_port) {
    std::string_view host = text;
    std::optional<std::uint16_t> port = default_port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        host = text.substr(1, close - 1);
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty()) {
            port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
        }
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        host = text.substr(0, text.find(':'));
        port = parse_port(text.substr(text.find(':') + 1));
    }
    if (host.empty() || !port || host.find_first_of(" \t\r\n,[]") != std::string_view::npos) {
        return std::nullopt;
    }
    return endpoint_option{std::string(host), *port};
}

bool is_loopback(std::string_view host) {
    const std::string text(host);
    in_addr v4{};
    in6_addr v6{};
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return text == "localhost";
}

std::vector<endpoint_option> options::endpoints() const {
    if (port == port_off) {
        return {};
    }
    const auto usual = static_cast<std::uint16_t>(port == port_of_kernel ? 0 : port);
    if (listen.empty()) {
        return {{"127.0.0.1", usual}, {"::1", usual}};
    }
    std::vector<endpoint_option> all;
    for (const std::string& one : listen) {
        if (const auto endpoint = parse_endpoint(one, usual)) {
            all.push_back(*endpoint);
        }
    }
    return all;
}

std::string place_of(const options& all, const option_spec& row) {
    if (const auto place = all.places.find(row.name); place != all.places.end()) {
        return place->second;
    }
    return row.letter == 0 ? fmt::format("option --{}", row.name)
                           : fmt::format("option -{}/--{}", row.letter, row.name);
}

std::optional<std::string> check_together(const options& all) {
    const auto wrong = [&](std::string_view name, std::string_view what) {
        return fmt::format("{}: {}", place_of(all, *find_option(name)), what);
    };
    if (all.port == options::port_off && all.unix_socket.empty()) {
        return wrong("port", "is 0 and there is no --unix-socket: nothing to listen on");
    }
    if (all.insecure_plaintext) {
        return std::nullopt;
    }
    for (const endpoint_option& one : all.endpoints()) {
        if (!is_loopback(one.host)) {
            return wrong("listen", fmt::format("'{}' is not a loopback address and there is no TLS "
                                               "there (--insecure-plaintext allows it, see --help)",
                                               one.host));
        }
    }
    if (all.metrics && !is_loopback(all.metrics->host)) {
        return wrong("metrics", fmt::format("'{}' is not a loopback address "
                                            "(--insecure-plaintext allows it, see --help)",
                                            all.metrics->host));
    }
    return std::nullopt;
}

}  // namespace tlscache
