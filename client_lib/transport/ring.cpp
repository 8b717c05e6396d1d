#include "client_lib/transport/ring.hpp"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

// Weighted rendezvous hashing. Each node draws a number from the key; the smallest -ln(u) / weight
// wins. It needs no state, so all who have the same text agree, and a node that comes or goes moves
// only its own share. Among nodes of one weight the largest draw wins, so the best few of each
// group of one weight are found by comparing integers, and only those need a logarithm.

namespace tlscache::transport {
namespace {

constexpr std::string_view blanks = " \t\r";

std::uint64_t splitmix64(std::uint64_t z) noexcept {
    z += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

std::uint64_t key_number(const session::cache_key& key) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        number |= std::uint64_t{key.bytes[2 + i]} << (8 * i);
    }
    return number;
}

double score(std::uint64_t draw, double weight) noexcept {
    const double u = (static_cast<double>(draw >> 11) + 0.5) * 0x1p-53;
    return -std::log(u) / weight;
}

std::string_view next_word(std::string_view& line) {
    const std::size_t begin = std::min(line.find_first_not_of(blanks), line.size());
    line.remove_prefix(begin);
    const std::string_view word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

bool is_name(std::string_view text) {
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    return !text.empty() && text.size() <= node_name_bytes_max &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

bool read_weight(std::string_view text, double& weight) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, weight, std::chars_format::fixed);
    return error == std::errc{} && stop == end && weight > 0 && weight <= node_weight_max;
}

// What is wrong with the line, or empty. A line without a node leaves the name empty.
std::string read_node(std::string_view line, ring_node& node) {
    line = line.substr(0, line.find('#'));
    const std::string_view name = next_word(line);
    const std::string_view where = next_word(line);
    const std::string_view weight = next_word(line);
    if (name.empty()) {
        return {};
    }
    if (!is_name(name)) {
        return fmt::format("\"{}\" is no name: letters, digits, '.', '-', '_'", name);
    }
    const std::optional<address> parsed = parse_address(where);
    if (!parsed) {
        return fmt::format("\"{}\" is no address: host:port, [v6]:port or unix:/path", where);
    }
    if (!weight.empty() && !read_weight(weight, node.weight)) {
        return fmt::format("\"{}\" is no weight: a number above 0", weight);
    }
    if (!next_word(line).empty()) {
        return "more than name, address and weight";
    }
    node.name = name;
    node.where = *parsed;
    return {};
}

struct candidate {
    double score = 0;
    std::uint64_t draw = 0;
    std::uint16_t node = 0;
};

// The first few of those offered, in order.
struct best_few {
    std::array<candidate, replicas_max> items;
    std::size_t size = 0;

    template <class Before>
    void offer(const candidate& one, std::size_t wanted, const Before& before) {
        if (size == wanted) {
            if (wanted == 0 || !before(one, items[size - 1])) {
                return;
            }
            --size;
        }
        std::size_t at = size++;
        for (; at != 0 && before(one, items[at - 1]); --at) {
            items[at] = items[at - 1];
        }
        items[at] = one;
    }
};

}  // namespace

ring ring::parse(std::string_view text, std::string_view source) {
    ring out;
    std::size_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        ++number;
        ring_node node;
        std::string problem = read_node(line, node);
        const auto same_name = [&](const ring_node& other) { return other.name == node.name; };
        if (problem.empty() && std::any_of(out.nodes_.begin(), out.nodes_.end(), same_name)) {
            problem = fmt::format("a second node of the name \"{}\"", node.name);
        }
        if (problem.empty() && out.nodes_.size() == ring_nodes_max) {
            problem = fmt::format("more than {} nodes", ring_nodes_max);
        }
        if (!problem.empty()) {
            throw std::invalid_argument(fmt::format("{}:{}: {}", source, number, problem));
        }
        if (!node.name.empty()) {
            out.nodes_.push_back(std::move(node));
        }
    }
    if (out.nodes_.empty()) {
        throw std::invalid_argument(
            fmt::format("{}:{}: no node", source, std::max(number, std::size_t{1})));
    }
    for (std::size_t i = 0; i < out.nodes_.size(); ++i) {
        const ring_node& node = out.nodes_[i];
        out.points_.push_back({XXH64(node.name.data(), node.name.size(), 0), node.weight,
                               static_cast<std::uint16_t>(i)});
    }
    std::sort(out.points_.begin(), out.points_.end(), [&](const point& a, const point& b) {
        return a.weight != b.weight ? a.weight < b.weight
                                    : out.nodes_[a.node].name < out.nodes_[b.node].name;
    });
    return out;
}

placement ring::place(const session::cache_key& key, std::size_t replicas) const noexcept {
    const auto larger_draw = [](const candidate& a, const candidate& b) { return a.draw > b.draw; };
    const auto preferred = [this](const candidate& a, const candidate& b) {
        if (a.score != b.score) {
            return a.score < b.score;
        }
        return a.draw != b.draw ? a.draw > b.draw : nodes_[a.node].name < nodes_[b.node].name;
    };
    const std::size_t wanted = std::min({replicas, replicas_max, points_.size()});
    const std::uint64_t number = key_number(key);
    best_few best;
    for (std::size_t i = 0; i < points_.size();) {
        const double weight = points_[i].weight;
        best_few group;
        for (; i < points_.size() && points_[i].weight == weight; ++i) {
            const std::uint64_t draw = splitmix64(points_[i].hash ^ number);
            group.offer({0, draw, points_[i].node}, wanted, larger_draw);
        }
        for (std::size_t j = 0; j < group.size; ++j) {
            candidate& one = group.items[j];
            one.score = score(one.draw, weight);
            best.offer(one, wanted, preferred);
        }
    }
    placement out;
    out.size = best.size;
    for (std::size_t i = 0; i < best.size; ++i) {
        out.nodes[i] = best.items[i].node;
    }
    return out;
}

}  // namespace tlscache::transport
