// The command line. CLI11 splits it and writes the help; every value is judged by the table, after
// the file's values were, so that the command line wins.

#include "cache_server/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "cache_server/options_table.hpp"

namespace tlscache {
namespace {

// Mistakes are told in exactly one line, whatever a library or an argument puts into the text.
early_exit mistake(std::string text) {
    std::replace_if(
        text.begin(), text.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return {2, "tlscached: " + text};
}

struct collected {
    std::map<std::string_view, std::vector<std::string>> values;
    std::map<std::string_view, std::size_t> flags;
    std::string config;
};

void declare(CLI::App& app, collected& into) {
    for (const option_spec& row : option_table()) {
        std::string spelling = fmt::format("--{}", row.name);
        if (row.letter != 0) {
            spelling = fmt::format("-{},{}", row.letter, spelling);
        }
        const std::string help(row.help);
        if (row.kind == value_kind::flag || row.kind == value_kind::level) {
            std::size_t& count = into.flags[row.name];
            app.add_flag_function(
                   spelling, [&count](std::int64_t n) { count = static_cast<std::size_t>(n); },
                   help)
                ->disable_flag_override();  // "--daemon=false" would read as "--daemon"
        } else {
            app.add_option(spelling, into.values[row.name], help)
                ->allow_extra_args(false)
                ->option_text(std::string(row.placeholder));
        }
    }
    app.add_option("--config", into.config,
                   "read options from this TOML file; its keys are these long names, and the "
                   "command line wins")
        ->option_text("FILE");
}

std::optional<std::string> apply_command_line(options& into, const collected& given,
                                              const name_list& eviction_names) {
    for (const option_spec& row : option_table()) {
        std::vector<std::string> values;
        if (const auto flag = given.flags.find(row.name); flag != given.flags.end()) {
            if (flag->second != 0) {
                values.push_back(row.kind == value_kind::level
                                     ? fmt::to_string(std::min<std::size_t>(flag->second, 3))
                                     : "true");
            }
        } else {
            values = given.values.at(row.name);
        }
        if (!values.empty()) {
            into.places.erase(row.name);
        }
        if (row.name == "listen" && !values.empty()) {
            into.listen.clear();
        }
        for (const std::string& value : values) {
            if (const auto wrong = row.apply(into, value, eviction_names)) {
                return fmt::format("{}: {}", place_of(into, row), *wrong);
            }
        }
    }
    return std::nullopt;
}

}  // namespace

parse_result parse_options(int argc, const char* const* argv, const name_list& eviction_names) {
    CLI::App app(
        "A cache for TLS sessions, shared by TLS servers. Speaks memcached's text protocol.",
        "tlscached");
    collected given;
    declare(app, given);
    app.set_help_flag("-h,--help", "print this help and exit");
    app.set_version_flag("-V,--version", "tlscached " TLSCACHE_VERSION,
                         "print the version and exit");
    app.footer(
        "Exit codes: 0 ended as asked, 1 could not start, 2 a wrong option or configuration.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return early_exit{0, app.help()};
    } catch (const CLI::CallForVersion&) {
        return early_exit{0, "tlscached " TLSCACHE_VERSION};
    } catch (const CLI::ParseError& error) {
        return mistake(error.what());
    }
    options all;
    all.config = given.config;
    if (!all.config.empty()) {
        const auto text = read_config_file(all.config);
        if (!text) {
            return mistake(fmt::format("option --config: can't read '{}' (at most {} bytes)",
                                       all.config, limits::config_bytes_max));
        }
        if (const auto wrong = apply_toml(all, *text, all.config, eviction_names)) {
            return mistake(*wrong);
        }
    }
    if (const auto wrong = apply_command_line(all, given, eviction_names)) {
        return mistake(*wrong);
    }
    if (const auto wrong = check_together(all)) {
        return mistake(*wrong);
    }
    return all;
}

}  // namespace tlscache
