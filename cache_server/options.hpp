#pragma once

// What the operator asked for: command line first, then the file of --config, then defaults.
// One table (options_table.cpp) has every option's names, kind, help and check; command line and
// file go through the same checks.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cache_server/limits.hpp"

namespace tlscache {

// An address to listen on. Port: 0 is chosen by the kernel.
struct endpoint_option {
    std::string host;  // an IP address or a name
    std::uint16_t port = 0;
};

struct options {
    static constexpr int port_off = 0;
    static constexpr int port_of_kernel = -1;

    std::vector<std::string> listen;  // as written; empty: 127.0.0.1 and ::1
    int port = 11211;
    std::string unix_socket;
    unsigned unix_mask = 0700;  // permission bits of the socket file
    std::size_t memory_megabytes = 64;
    std::size_t connections_max = 1024;
    unsigned threads = 4;
    std::size_t value_bytes_max = wire::value_bytes_default;
    unsigned verbosity = 0;
    bool daemonize = false;
    std::string user;
    std::string pid_file;
    std::string port_file;
    bool shutdown_allowed = false;
    bool evict = true;
    bool use_cas = true;
    std::string eviction = "CLOCK";
    std::string lock_memory = "auto";
    std::optional<endpoint_option> metrics;
    unsigned idle_seconds = 0;  // 0: idle connections live
    unsigned stall_seconds = limits::stall_seconds_default;
    bool insecure_plaintext = false;
    std::string config;

    // Where the file set what holds now, "FILE:LINE: key 'KEY'" by key.
    std::map<std::string_view, std::string> places;

    // listen and port worked out: no name is looked up here.
    std::vector<endpoint_option> endpoints() const;
};

// The end of the program before it began: --help and --version (exit 0), a mistake (exit 2).
struct early_exit {
    int code = 0;
    std::string text;  // one line for a mistake
};

using parse_result = std::variant<options, early_exit>;
using name_list = std::vector<std::string_view>;

// Reads the command line and the file that it names. `eviction_names` are those of the registry,
// handed in so that options need not know the plugins.
parse_result parse_options(int argc, const char* const* argv, const name_list& eviction_names);

// A file's settings over `base`; `text` is its content. nullopt: done; else the mistake in a line.
// Throws nothing.
std::optional<std::string> apply_toml(options& base, std::string_view text,
                                      const std::string& file_name,
                                      const name_list& eviction_names);

// The content of a configuration file; nullopt if it can't be read or is too long.
std::optional<std::string> read_config_file(const std::string& file_name);

// "127.0.0.1", "::1", "localhost": reached from this machine only.
bool is_loopback(std::string_view host);

// "HOST:PORT", "[V6]:PORT", "HOST", "V6". nullopt if it is none of those, or lacks the port that
// has no default.
std::optional<endpoint_option> parse_endpoint(std::string_view text,
                                              std::optional<std::uint16_t> default_port);

}  // namespace tlscache
