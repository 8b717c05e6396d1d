#pragma once

// A node without a socket: store, executor and a clock that tests move. `says(bytes)` is one
// exchange on one connection.

#include <string>
#include <string_view>

#include "cache_server/command/executor.hpp"
#include "cache_server/command/statistics.hpp"
#include "cache_server/store/store.hpp"
#include "plugins/registry.hpp"
#include "tests/support/plain_server_view.hpp"

namespace tlscache::testing {

inline constexpr std::int64_t second = 1'000'000'000;
inline constexpr std::size_t any_output = 64u << 20;

inline store::store_options small_store() {
    store::store_options options;
    options.bytes_max = 8u << 20;
    options.threads = 1;
    options.shards = 1;
    options.policy = plugins::find_eviction_policy("lru");
    options.lock_memory = store::store_options::lock_memory_mode::off;
    return options;
}

// The moment at which the conversations of PROTOCOL.md begin.
inline constexpr store::instant beginning{500 * second, 1'700'000'000 * second};

// One connection's input and output, as the net side keeps them.
class node {
  public:
    explicit node(std::size_t output_bytes_max = any_output,
                  const store::store_options& options = small_store())
        : entries(options, beginning), executor_(entries, view, counted, output_bytes_max) {}

    void pass(std::int64_t nanoseconds) {
        now.boot_ns += nanoseconds;
        now.wall_ns += nanoseconds;
    }

    // What the node answers to these bytes. Output is drained each time it is full.
    std::string says(std::string_view sent) {
        input_.append(sent);
        std::string answer;
        for (;;) {
            last = executor_.run(connection_, {input_.data(), input_.size()}, output_, now);
            input_.consume(last.consumed);
            answer += output_.view();
            output_.consume(output_.size());
            closed = closed || last.close;
            if (!last.output_full || closed) {
                return answer;
            }
            ++pauses;
        }
    }

    void reconnect() {
        connection_ = {};
        input_.release();
        closed = false;
    }

    std::uint64_t total(command::counter which) const {
        return counted.totals()[static_cast<std::size_t>(which)];
    }
    std::size_t unread() const { return input_.size(); }

    store::instant now = beginning;
    store::store entries;
    plain_server_view view;
    command::statistics counted;
    command::progress last;
    bool closed = false;
    int pauses = 0;

  private:
    command::executor executor_;
    command::connection_state connection_;
    wire::buffer input_;
    wire::buffer output_;
};

}  // namespace tlscache::testing
