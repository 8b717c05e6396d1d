// One row per measurement; its ratios are taken inside each cycle with the rows of the same shape
// and transport. The control row decides what may be claimed in its shape and transport.

#include "bench/load/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "bench/load/statistics.hpp"

namespace tlscache::bench {
namespace {

constexpr double foreign_cores_max = 0.5;

std::vector<double> only(const std::vector<double>& samples, const std::vector<bool>& kept) {
    std::vector<double> result;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        if (kept[i]) {
            result.push_back(samples[i]);
        }
    }
    return result;
}

const measurement* find(const std::vector<measurement>& results, const measurement& like,
                        const std::string& name) {
    for (const measurement& each : results) {
        if (each.server.name == name && each.server.carried == like.server.carried &&
            each.asked.name == like.asked.name) {
            return &each;
        }
    }
    return nullptr;
}

struct row {
    const measurement* measured;
    std::size_t cycles;
    spread cpu;
    spread kops;
    spread cores;
    spread foreign;
    bool has_floor;
    spread over_floor;
    bool has_baseline;
    spread over_baseline;
    bool has_control;
    double claim;  // see claim_limit()
};

row row_of(const std::vector<measurement>& results, const measurement& measured,
           const report_options& options) {
    const std::vector<bool> kept = quiet_cycles(measured.foreign_cores);
    const auto over = [&](const measurement* a, const measurement* b) {
        return a == nullptr || b == nullptr ? std::vector<double>{}
                                            : ratios(only(a->cpu_ns_per_operation, kept),
                                                     only(b->cpu_ns_per_operation, kept));
    };
    const measurement* floor = find(results, measured, options.floor);
    const measurement* baseline = find(results, measured, options.baseline);
    const measurement* control = find(results, measured, options.control);

    row made{};
    made.measured = &measured;
    made.cycles = static_cast<std::size_t>(std::count(kept.begin(), kept.end(), true));
    made.cpu = spread_of(only(measured.cpu_ns_per_operation, kept));
    made.kops = spread_of(only(measured.kops_per_second, kept));
    made.cores = spread_of(only(measured.cores_used, kept));
    made.foreign = spread_of(only(measured.foreign_cores, kept));
    made.has_floor = floor != nullptr;
    made.over_floor = spread_of(over(&measured, floor));
    made.has_baseline = baseline != nullptr;
    made.over_baseline = spread_of(over(&measured, baseline));
    made.has_control = control != nullptr && baseline != nullptr;
    made.claim = made.has_control ? claim_limit(over(control, baseline)) : 1;
    return made;
}

std::string ratio_cell(bool known, const spread& ratio) {
    return known ? fmt::format("{:.2f} [{:.2f}-{:.2f}]", ratio.median, ratio.min, ratio.max) : "-";
}

// "=" where the difference from the baseline is below what the control allows to claim.
std::string verdict_cell(const row& r, const report_options& options) {
    const std::string& name = r.measured->server.name;
    if (!r.has_control || name == options.baseline) {
        return "";
    }
    if (name == options.control) {
        return fmt::format("A/A: claims from {:.0f} %", std::ceil(r.claim * 100));
    }
    return std::abs(r.over_baseline.median - 1) < r.claim ? "=" : "";
}

void append_notes(const report_options& options, std::string& out) {
    for (const auto& note : options.notes) {
        out += fmt::format("# {}: {}\n", note.first, note.second);
    }
}

}  // namespace

std::vector<bool> quiet_cycles(const std::vector<double>& foreign_cores) {
    std::vector<bool> quiet;
    for (const double foreign : foreign_cores) {
        quiet.push_back(foreign <= foreign_cores_max);
    }
    const auto count = std::count(quiet.begin(), quiet.end(), true);
    if (count < 3 || 2 * count < static_cast<std::ptrdiff_t>(quiet.size())) {
        quiet.assign(quiet.size(), true);
    }
    return quiet;
}

std::string text_report(const std::vector<measurement>& results, const report_options& options) {
    std::string out;
    append_notes(options, out);
    out += fmt::format("{:8} {:4}  {:15} {:>9}  {:20} {:20} {:>6} {:>8} {:>5} {:>7}\n", "shape",
                       "over", "server", "ns CPU/op", "x floor", "x " + options.baseline, "sd",
                       "kops", "cores", "foreign");
    double claim_max = 0;
    bool controlled = false;
    const measurement* previous = nullptr;
    for (const measurement& each : results) {
        const row r = row_of(results, each, options);
        if (previous != nullptr && (previous->asked.name != each.asked.name ||
                                    previous->server.carried != each.server.carried)) {
            out += '\n';
        }
        previous = &each;
        out += fmt::format(
            "{:8} {:4}  {:15} {:9.0f}  {:20} {:20} {:6.2f} {:8.1f} {:5.2f} {:7.2f} {}\n",
            each.asked.name, name_of(each.server.carried), each.server.name, r.cpu.median,
            ratio_cell(r.has_floor, r.over_floor), ratio_cell(r.has_baseline, r.over_baseline),
            r.over_baseline.sd, r.kops.median, r.cores.median, r.foreign.median,
            verdict_cell(r, options));
        claim_max = std::max(claim_max, r.claim);
        controlled = controlled || r.has_control;
    }
    out += "\nMedians over the cycles, ratios inside a cycle [min-max]; sd is that of the x ";
    out += options.baseline + " column.\n";
    if (!controlled) {
        out += "No A/A control: nothing may be claimed about differences.\n";
    } else if (claim_max > 0.1) {
        out += fmt::format(
            "The A/A control scatters: up to {:.0f} % between two names of one server. Rows with "
            "'=' and shapes whose A/A line names a larger figure than a difference prove "
            "nothing.\n",
            std::ceil(claim_max * 100));
    } else {
        out +=
            fmt::format("A/A control: differences from {:.0f} % on count; '=' marks the others.\n",
                        std::ceil(claim_max * 100));
    }
    return out;
}

std::string csv_report(const std::vector<measurement>& results, const report_options& options) {
    std::string out;
    append_notes(options, out);
    out +=
        "shape,transport,server,cycles,operations,cpu_ns_per_op,cpu_ns_min,cpu_ns_max,x_floor,"
        "x_floor_min,x_floor_max,x_floor_sd,x_baseline,x_baseline_min,x_baseline_max,"
        "x_baseline_sd,claim_from,kops,cores,foreign_cores\n";
    for (const measurement& each : results) {
        const row r = row_of(results, each, options);
        const auto cells = [](bool known, const spread& s) {
            return known ? fmt::format("{:.4f},{:.4f},{:.4f},{:.4f}", s.median, s.min, s.max, s.sd)
                         : std::string(",,,");
        };
        out += fmt::format("{},{},{},{},{},{:.1f},{:.1f},{:.1f},{},{},{},{:.1f},{:.3f},{:.3f}\n",
                           each.asked.name, name_of(each.server.carried), each.server.name,
                           r.cycles, each.operations, r.cpu.median, r.cpu.min, r.cpu.max,
                           cells(r.has_floor, r.over_floor), cells(r.has_baseline, r.over_baseline),
                           r.has_control ? fmt::format("{:.4f}", r.claim) : "", r.kops.median,
                           r.cores.median, r.foreign.median);
    }
    return out;
}

}  // namespace tlscache::bench
