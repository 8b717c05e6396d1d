// tlscache_load: options in, table and CSV out. The servers are started by others
// (bench/run.sh); see README.md for the method.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <random>

#include "bench/load/campaign.hpp"
#include "bench/load/report.hpp"

namespace {

namespace bench = tlscache::bench;

struct command_line {
    bench::campaign_options campaign;
    bench::report_options report;
    std::string csv_path;
};

std::optional<std::string> resolve(const std::vector<std::string>& servers,
                                   const std::vector<std::string>& shapes,
                                   const std::vector<std::string>& notes, command_line& chosen) {
    for (const std::string& text : servers) {
        auto spec = bench::parse_server_spec(text);
        if (!spec) {
            return spec.error().what;
        }
        chosen.campaign.servers.push_back(*spec);
    }
    for (const std::string& name : shapes) {
        const auto shape = bench::shape_named(name);
        if (!shape) {
            return fmt::format("unknown shape {}", name);
        }
        chosen.campaign.shapes.push_back(*shape);
    }
    if (shapes.empty()) {
        chosen.campaign.shapes = bench::all_shapes();
    }
    for (const std::string& note : notes) {
        const std::size_t equals = note.find('=');
        if (equals == std::string::npos) {
            return fmt::format("{}: not KEY=TEXT", note);
        }
        chosen.report.notes.emplace_back(note.substr(0, equals), note.substr(equals + 1));
    }
    return std::nullopt;
}

// On a terminal the line is rewritten; in a log only the start of each shape is told.
void tell(const std::string& line) {
    if (isatty(STDERR_FILENO) != 0) {
        fmt::print(stderr, "\r\033[K{}", line);
    } else if (line.find(" cycle ") == std::string::npos ||
               line.find(" cycle 1/") != std::string::npos) {
        fmt::print(stderr, "{}\n", line);
    }
}

int run(command_line& chosen) {
    chosen.report.notes.emplace_back(
        "load",
        fmt::format("{} connections, {} items, {} cycles of {} ms slices, seed {}",
                    chosen.campaign.connections, chosen.campaign.items, chosen.campaign.cycles,
                    chosen.campaign.slice.count(), chosen.campaign.seed));
    fmt::print(stderr, "seed {}\n", chosen.campaign.seed);
    bench::campaign campaign(chosen.campaign, tell);
    const auto failed = campaign.run();
    if (isatty(STDERR_FILENO) != 0) {
        fmt::print(stderr, "\r\033[K");
    }
    if (failed) {
        fmt::print(stderr, "tlscache_load: {}\n", failed->what);
        return failed->exit_code;
    }
    fmt::print("{}", bench::text_report(campaign.results(), chosen.report));
    if (!chosen.csv_path.empty()) {
        std::ofstream csv(chosen.csv_path);
        csv << bench::csv_report(campaign.results(), chosen.report) << std::flush;
        if (!csv) {
            fmt::print(stderr, "tlscache_load: cannot write {}\n", chosen.csv_path);
            return bench::failure::usage;
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    command_line chosen;
    std::vector<std::string> servers;
    std::vector<std::string> shapes;
    std::vector<std::string> notes;
    std::int64_t slice_ms = chosen.campaign.slice.count();
    std::int64_t warm_up_ms = chosen.campaign.warm_up.count();
    chosen.campaign.seed = std::random_device{}();

    CLI::App app("Load on memcached-speaking servers: CPU per operation, every value verified");
    app.add_option("--server", servers, "NAME=ADDRESS,pid=N[,proto=text|meta|raw][,depth=N]")
        ->required();
    app.add_option("--shape", shapes, "get-d1 get-d32 set-d1 set-d32 mix-d1 mix-d32 mget32 [all]");
    app.add_option("--items", chosen.campaign.items)->check(CLI::Range(1, 100'000'000));
    app.add_option("--connections", chosen.campaign.connections)->check(CLI::Range(1, 10'000));
    app.add_option("--cycles", chosen.campaign.cycles)->check(CLI::Range(1, 10'000));
    app.add_option("--slice-ms", slice_ms)->check(CLI::Range(1, 60'000));
    app.add_option("--warm-up-ms", warm_up_ms)->check(CLI::Range(0, 60'000));
    app.add_option("--seed", chosen.campaign.seed, "of keys and order [random]");
    app.add_flag("!--no-fill", chosen.campaign.fill, "the servers hold the items already");
    app.add_option("--floor", chosen.report.floor, "name of the floor server");
    app.add_option("--baseline", chosen.report.baseline, "name of the server to compare with");
    app.add_option("--control", chosen.report.control, "the baseline under a second name");
    app.add_option("--note", notes, "KEY=TEXT, written above the results");
    app.add_option("--csv", chosen.csv_path, "also write the results there");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : bench::failure::usage;
    }
    chosen.campaign.slice = std::chrono::milliseconds(slice_ms);
    chosen.campaign.warm_up = std::chrono::milliseconds(warm_up_ms);
    if (const auto wrong = resolve(servers, shapes, notes, chosen)) {
        fmt::print(stderr, "tlscache_load: {}\n", *wrong);
        return bench::failure::usage;
    }
    return run(chosen);
}
