#pragma once

// The ring: which nodes there are and whose a key is. PROTOCOL.md section 3 has the arithmetic and
// its vectors. A value: built once, then only read, by any thread.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client_lib/session/types.hpp"
#include "client_lib/transport/address.hpp"
#include "client_lib/transport/limits.hpp"

namespace tlscache::transport {

struct ring_node {
    std::string name;
    address where;
    double weight = 1;
};

// The nodes of a key in order of preference; numbers into ring::nodes().
struct placement {
    std::array<std::uint16_t, replicas_max> nodes{};
    std::size_t size = 0;
    std::span<const std::uint16_t> view() const& noexcept { return {nodes.data(), size}; }
    std::span<const std::uint16_t> view() const&& = delete;
};

class ring {
  public:
    ring() = default;

    // `NAME ADDRESS [WEIGHT]` a line, `#` begins a comment. Throws std::invalid_argument with
    // "SOURCE:LINE: reason".
    static ring parse(std::string_view text, std::string_view source);

    const std::vector<ring_node>& nodes() const noexcept { return nodes_; }

    // The first `replicas` nodes of a key, fewer if there are fewer; at most replicas_max.
    placement place(const session::cache_key& key, std::size_t replicas) const noexcept;

  private:
    struct point {
        std::uint64_t hash;  // of the node's name
        double weight;
        std::uint16_t node;
    };
    std::vector<ring_node> nodes_;
    std::vector<point> points_;  // by weight, then name
};

}  // namespace tlscache::transport
