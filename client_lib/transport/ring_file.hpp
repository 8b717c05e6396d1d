#pragma once

// Where the ring comes from: a file that is read again when it changes, or a list that stays.
// One thread at a time. Reads a small local file; does not block otherwise.

#include <cstdint>
#include <optional>
#include <string>

#include "client_lib/transport/ring.hpp"
#include "client_lib/transport/transport.hpp"

namespace tlscache::transport {

class ring_file {
  public:
    struct content {
        ring nodes;
        std::uint32_t version = 0;
    };
    enum class change : std::uint8_t { none, reloaded, refused };

    explicit ring_file(const transport_options& options) : options_(options) {}

    // Throws std::invalid_argument: file, line, reason.
    content load();

    // Looks whether the file changed. A file that is gone or wrong is told once and changes
    // nothing, so the last good ring stays.
    change check(content& out);

    bool may_change() const noexcept { return !options_.ring_file.empty(); }

  private:
    struct stamp {
        std::int64_t device = 0, inode = 0, size = 0, seconds = 0, nanoseconds = 0;
        bool operator==(const stamp&) const = default;
    };
    std::optional<stamp> look() const;
    std::string read() const;
    content parse(const std::string& text, const std::string& source) const;

    const transport_options& options_;
    std::optional<stamp> seen_;
    std::string text_;  // of the ring in use
};

}  // namespace tlscache::transport
