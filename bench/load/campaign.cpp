// Slices are short because the machine is shared: what disturbs one server in a cycle disturbs the
// others alike, so ratios inside a cycle hold where absolute times do not.
//
//   slice:  warm-up, drained | server idle, read its CPU | measured, drained | idle, read its CPU
//
// The CPU is read while the server rests, since the kernel does not keep a running thread's figure
// up to date. So the first and the last batches of a slice are inside it, for all servers alike.

#include "bench/load/campaign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "bench/load/process_cpu.hpp"

namespace tlscache::bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds idle_wait_max{50};

double nanoseconds_since(clock::time_point begin) {
    return static_cast<double>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - begin).count());
}

struct slice_result {
    std::uint64_t operations = 0;
    std::uint64_t cpu = 0;  // nanoseconds, the server's
    double wall = 0;        // nanoseconds
};

std::optional<failure> run_slice(server_link& link, process_cpu& cpu, batch_maker& maker,
                                 const campaign_options& options, slice_result& result) {
    std::uint64_t not_counted = 0;
    if (auto failed = link.drive(maker, options.warm_up, not_counted)) {
        return failed;
    }
    cpu.wait_until_idle(idle_wait_max);
    const std::uint64_t cpu_before = cpu.nanoseconds();
    const auto begin = clock::now();
    if (auto failed = link.drive(maker, options.slice, result.operations)) {
        return failed;
    }
    result.wall = nanoseconds_since(begin);
    cpu.wait_until_idle(idle_wait_max);
    result.cpu = cpu.nanoseconds() - cpu_before;
    return std::nullopt;
}

}  // namespace

// The servers of one transport that take part in one shape.
struct campaign::group {
    struct member {
        server_link* link;
        process_cpu cpu;
        batch_maker maker;
        measurement measured;
    };
    std::vector<member> members;
};

campaign::campaign(campaign_options options, progress tell)
    : options_(std::move(options)), tell_(std::move(tell)), random_(options_.seed) {}

std::optional<failure> campaign::run() {
    if (auto failed = connect()) {
        return failed;
    }
    if (options_.fill) {
        if (auto failed = fill()) {
            return failed;
        }
    }
    for (const shape& asked : options_.shapes) {
        for (const transport carried : {transport::tcp, transport::unix_socket}) {
            if (auto failed = measure(asked, carried)) {
                return failed;
            }
        }
    }
    return std::nullopt;
}

std::optional<failure> campaign::connect() {
    for (const server_spec& spec : options_.servers) {
        links_.push_back(std::make_unique<server_link>(spec));
        if (auto failed = links_.back()->connect(options_.connections)) {
            return failed;
        }
    }
    return std::nullopt;
}

std::optional<failure> campaign::fill() {
    std::set<pid_t> filled;
    for (const auto& link : links_) {
        const server_spec& spec = link->spec();
        if (spec.spoken == protocol::raw || !filled.insert(spec.pid).second) {
            continue;
        }
        tell_(fmt::format("fill {} ({}) with {} items", spec.name, spec.address, options_.items));
        batch_maker maker = batch_maker::filling(spec.spoken, options_.items);
        std::uint64_t stored = 0;
        if (auto failed = link->drive(maker, std::chrono::hours(1), stored)) {
            return failed;
        }
    }
    return std::nullopt;
}

std::optional<failure> campaign::measure(const shape& asked, transport carried) {
    group taking_part;
    for (const auto& link : links_) {
        const server_spec& spec = link->spec();
        if (spec.carried == carried && spec.takes_part(asked)) {
            random_ = splitmix64(random_);
            batch_maker maker(asked, spec.spoken, options_.items, random_);
            measurement measured;
            measured.server = spec;
            measured.asked = asked;
            taking_part.members.push_back(
                {link.get(), process_cpu(spec.pid), std::move(maker), std::move(measured)});
        }
    }
    for (std::size_t cycle = 0; cycle < options_.cycles && !taking_part.members.empty(); ++cycle) {
        tell_(fmt::format("{} {} cycle {}/{}", asked.name, name_of(carried), cycle + 1,
                          options_.cycles));
        if (auto failed = measure_cycle(taking_part, cycle)) {
            failed->what = fmt::format("{}: {}", asked.name, failed->what);
            return failed;
        }
    }
    for (group::member& each : taking_part.members) {
        results_.push_back(std::move(each.measured));
    }
    return std::nullopt;
}

std::optional<failure> campaign::measure_cycle(group& taking_part, std::size_t cycle) {
    std::vector<std::size_t> order(taking_part.members.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::mt19937_64 shuffler(splitmix64(random_ + cycle));
    std::shuffle(order.begin(), order.end(), shuffler);

    const auto begin = clock::now();
    const std::uint64_t machine_before = machine_busy_nanoseconds();
    const std::uint64_t own_before = own_nanoseconds();
    // Servers under two names count once; each process is asked for itself, as it may also work
    // during the warm-up of a slice or between slices.
    std::map<pid_t, process_cpu> processes;
    std::uint64_t servers = 0;
    for (const group::member& each : taking_part.members) {
        processes.try_emplace(each.link->spec().pid, each.link->spec().pid);
    }
    for (auto& process : processes) {
        servers -= process.second.nanoseconds();
    }
    for (const std::size_t i : order) {
        group::member& each = taking_part.members[i];
        slice_result slice;
        if (auto failed = run_slice(*each.link, each.cpu, each.maker, options_, slice)) {
            return failed;
        }
        const auto operations = static_cast<double>(slice.operations);
        measurement& measured = each.measured;
        measured.operations += slice.operations;
        measured.cpu_ns_per_operation.push_back(static_cast<double>(slice.cpu) / operations);
        measured.kops_per_second.push_back(operations * 1e6 / slice.wall);
        measured.cores_used.push_back(static_cast<double>(slice.cpu) / slice.wall);
    }
    for (auto& process : processes) {
        servers += process.second.nanoseconds();
    }
    const double busy = static_cast<double>(machine_busy_nanoseconds() - machine_before);
    const double ours = static_cast<double>(own_nanoseconds() - own_before + servers);
    const double foreign = std::max(0.0, busy - ours) / nanoseconds_since(begin);
    for (group::member& each : taking_part.members) {
        each.measured.foreign_cores.push_back(foreign);
    }
    return std::nullopt;
}

}  // namespace tlscache::bench
