#pragma once

// Compares what a server answers with what it must answer, byte for byte, in pieces of any size.
// Every value is compared whole: a miss, another item's value, a lost or a surplus reply are all
// found at their first byte.
//
// A plain object; one thread.

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/load/workload.hpp"

namespace tlscache::bench {

class reply_checker {
  public:
    enum class verdict {
        needs_more,
        complete,  // all replies of the batch came and are right
        wrong,     // what() says how; the connection is of no further use
    };

    // To be filled before the first feed() of a batch. restart() keeps the contents and begins at
    // their first byte.
    expected_replies& expected() noexcept { return expected_; }
    void restart() noexcept;

    [[nodiscard]] verdict feed(std::string_view bytes);

    // One line about the first difference: which reply, what kind of fault, both sides' bytes.
    const std::string& what() const noexcept { return what_; }

  private:
    void describe(std::string_view got);

    expected_replies expected_;
    std::size_t position_ = 0;
    std::string what_;
};

// Printable form of bytes from a server, cut to `length_max` bytes.
std::string printable(std::string_view bytes, std::size_t length_max);

}  // namespace tlscache::bench
