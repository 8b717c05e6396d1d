// tlscachectl: asks one node a question, or writes key files. Exit codes are an interface:
// 0 good, 1 a finding (not found, refused, a file is there already), 2 usage, 3 unreachable.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>

#include "cache_server/ctl/connection.hpp"
#include "cache_server/ctl/output.hpp"
#include "cache_server/ctl/queries.hpp"
#include "client_lib/session/keygen.hpp"

namespace {

using namespace tlscache;

enum exit_code : int { good = 0, finding = 1, usage = 2, unreachable = 3 };

struct options {
    std::string server = "127.0.0.1:11211";
    unsigned timeout_ms = 2000;
    bool json = false;
    ctl::entry_query entry;
    std::string group;
    std::string cluster_file;
    std::string node_file;
    bool replace_node = false;
    std::int64_t period = session::period_seconds_default;
    std::int64_t lifetime = session::lifetime_seconds_default;

    std::optional<session::key_schedule> schedule() const {
        const bool usual = period == session::period_seconds_default &&
                           lifetime == session::lifetime_seconds_default;
        return usual ? std::nullopt : std::optional(session::key_schedule{period, lifetime});
    }
};

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

int no_answer(const options& chosen) {
    std::cerr << "tlscachectl: no answer from " << chosen.server << "\n";
    return unreachable;
}

int run_get(ctl::connection& node, const options& chosen) {
    const auto entry = ctl::ask_entry(node, chosen.entry);
    if (!entry) {
        return no_answer(chosen);
    }
    if (chosen.json) {
        print(json_entry(chosen.entry, *entry));
    } else if (!entry->found) {
        std::cerr << "tlscachectl: not found\n";
    } else if (chosen.entry.with_value) {
        std::fwrite(entry->value.data(), 1, entry->value.size(), stdout);
    } else {
        print(show_entry(chosen.entry, *entry));
    }
    return entry->found ? good : finding;
}

int run_stats(ctl::connection& node, const options& chosen) {
    const auto rows = ctl::ask_statistics(node, chosen.group);
    if (!rows) {
        return no_answer(chosen);
    }
    print(chosen.json ? ctl::json_statistics(*rows) : ctl::show_statistics(*rows));
    return good;
}

int run_flush(ctl::connection& node, const options& chosen) {
    const auto answer = ctl::ask_flush(node);
    if (!answer) {
        return no_answer(chosen);
    }
    const bool flushed = *answer == ctl::flush_answer::flushed;
    print(chosen.json ? ctl::json_flag("flushed", flushed) : flushed ? "flushed\n" : "refused\n");
    return flushed ? good : finding;
}

int tell_keygen(const session::key_file_error& error) {
    std::cerr << "tlscachectl: " << error.text << "\n";
    return finding;
}

// A cluster key that is there is kept: its roots would be lost. A node key that is there is
// replaced only when told so: nodes that use it would no longer know their clients.
int run_keygen(const options& chosen) {
    using std::filesystem::exists;
    const bool keep = exists(chosen.cluster_file);
    if (exists(chosen.node_file) && !chosen.replace_node) {
        return tell_keygen(
            {chosen.node_file + ": is there already (--replace-node to replace it)"});
    }
    if (!keep) {
        const auto made = session::generate_cluster_key(chosen.cluster_file, chosen.schedule());
        if (!made) {
            return tell_keygen(made.error());
        }
    }
    const auto replace =
        chosen.replace_node ? session::existing_file::replace : session::existing_file::refuse;
    const auto written = session::write_node_key(chosen.cluster_file, chosen.node_file, replace);
    if (!written) {
        return tell_keygen(written.error());
    }
    if (chosen.json) {
        print(ctl::json_keys(chosen.cluster_file, !keep, chosen.node_file));
    } else {
        print(fmt::format("{}: {}, for frontends\n{}: written, for nodes\n", chosen.cluster_file,
                          keep ? "kept" : "written", chosen.node_file));
    }
    return good;
}

int ask_node(const CLI::App& command, const options& chosen) {
    const auto where = transport::parse_address(chosen.server);
    if (!where) {
        std::cerr << "tlscachectl: --server " << chosen.server
                  << ": not host:port, [v6]:port or unix:/path\n";
        return usage;
    }
    if (command.get_name() == "get" && !ctl::valid_key(chosen.entry)) {
        std::cerr << "tlscachectl: not a key (1 to 250 bytes without blanks)\n";
        return usage;
    }
    using std::chrono::steady_clock;
    ctl::connection node(steady_clock::now() + std::chrono::milliseconds(chosen.timeout_ms));
    if (!node.open(*where)) {
        std::cerr << "tlscachectl: cannot connect to " << chosen.server << "\n";
        return unreachable;
    }
    if (command.get_name() == "get") {
        return run_get(node, chosen);
    }
    return command.get_name() == "stats" ? run_stats(node, chosen) : run_flush(node, chosen);
}

void describe(CLI::App& app, options& chosen) {
    app.add_option("--server", chosen.server, "host:port, [v6]:port or unix:/path")
        ->capture_default_str();
    app.add_option("--timeout-ms", chosen.timeout_ms, "for the whole question")
        ->capture_default_str()
        ->check(CLI::Range(1u, 600'000u));
    app.add_flag("--json", chosen.json, "one JSON object instead of lines");
    app.set_version_flag("--version", TLSCACHE_VERSION);
    app.require_subcommand(1);
    app.fallthrough();

    CLI::App* get = app.add_subcommand("get", "shows an entry; exit 1 if there is none");
    get->add_option("KEY", chosen.entry.key)->required();
    get->add_flag("--base64", chosen.entry.base64, "KEY is base64, as the library's own keys are");
    get->add_flag("--value", chosen.entry.with_value, "writes the value itself: a secret");

    CLI::App* stats = app.add_subcommand("stats", "shows statistics");
    stats->add_option("GROUP", chosen.group)
        ->check(CLI::IsMember({"settings", "items", "conns", "reset"}));

    app.add_subcommand("flush", "removes all entries of the node");

    CLI::App* keygen = app.add_subcommand("keygen", "writes key files of mode 0600");
    keygen->add_option("--cluster", chosen.cluster_file, "for frontends")
        ->default_val("cluster.key");
    keygen->add_option("--node", chosen.node_file, "for nodes")->default_val("node.key");
    keygen->add_flag("--replace-node", chosen.replace_node, "writes an existing node key anew");
    keygen->add_option("--period", chosen.period, "seconds for which one key issues")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{1}, session::period_seconds_max));
    keygen->add_option("--lifetime", chosen.lifetime, "seconds for which a session may live")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{1}, session::lifetime_seconds_max));
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Administers tlscached nodes.", "tlscachectl");
    options chosen;
    describe(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? good : usage;
    }
    const CLI::App& command = *app.get_subcommands().front();
    return command.get_name() == "keygen" ? run_keygen(chosen) : ask_node(command, chosen);
}
