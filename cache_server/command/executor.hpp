#pragma once

// Bytes of one connection in, bytes of replies out. Parses what is whole, executes it in order in
// two passes (prefetch, then act) and appends the replies. No I/O, no clock, no thread of its own.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "cache_server/store/time.hpp"
#include "client_lib/wire/buffer.hpp"
#include "client_lib/wire/request_parser.hpp"

namespace tlscache::store {
class store;
}

namespace tlscache::command {

class statistics;   // what the commands count; see statistics.hpp
class server_view;  // what "stats", "verbosity", "shutdown" need of the daemon; see server_view.hpp

// Of one connection: where its parser stands.
struct connection_state {
    wire::request_parser parser;
};

struct progress {
    std::size_t consumed = 0;  // bytes of the input that are done with
    std::size_t needed = 0;    // whole input that the next request needs, 0 if not known yet
    bool output_full = false;  // stopped at output_bytes_max: call again when it is drained
    bool close = false;        // write the output, then close ("quit", a fatal error)
};

class executor {
  public:
    // One per io thread; store, view and statistics outlive it.
    executor(store::store& entries, server_view& server, statistics& counted,
             std::size_t output_bytes_max);
    ~executor();

    // `input` is changed in place (base64 keys are decoded where they stand). What is not consumed
    // is left as it came. Output ends at output_bytes_max plus at most one reply.
    progress run(connection_state& connection, std::span<char> input, wire::buffer& output,
                 const store::instant& now);

    // For many connections with a request each: look_ahead() on all of them, fetch() with what it
    // gave, then run() on all of them finds its memory in the processor's caches. Changes nothing.
    std::optional<std::uint64_t> look_ahead(const connection_state& connection,
                                            std::span<char> input);
    void fetch(std::uint64_t hash) const noexcept;

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache::command
