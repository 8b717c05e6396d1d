#pragma once

// All connections to one server, and the driving of them: each sends a batch in one write, waits
// for all its replies, checks them, sends the next.
//
// One thread; blocks in epoll_wait.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/reply_checker.hpp"
#include "bench/load/server_spec.hpp"
#include "bench/load/workload.hpp"

namespace tlscache::bench {

// Why a run ends: a sentence and the exit code of the program.
struct failure {
    static constexpr int wrong_reply = 1;
    static constexpr int usage = 2;
    static constexpr int unreachable = 3;

    std::string what;
    int exit_code;
};

class server_link {
  public:
    explicit server_link(server_spec spec);
    server_link(const server_link&) = delete;
    server_link& operator=(const server_link&) = delete;
    ~server_link();

    const server_spec& spec() const noexcept { return spec_; }

    // Opens this many connections; to be called once, before drive().
    std::optional<failure> connect(std::size_t connections);

    // Sends batches of `maker` on every connection until the time is over or the maker has no
    // more, then waits for the replies that are due. No request is under way afterwards.
    // `completed` grows by the operations answered. A wrong reply, a closed connection or 10 s
    // without any reply are failures; the link is of no further use then.
    std::optional<failure> drive(batch_maker& maker, std::chrono::nanoseconds duration,
                                 std::uint64_t& completed);

  private:
    struct connection {
        int socket = -1;
        std::string request;
        std::size_t sent = 0;
        std::size_t operations = 0;
        bool waits_for_room = false;
        reply_checker checker;
    };

    bool start_batch(batch_maker& maker, connection& c);
    bool send_rest(connection& c);
    std::optional<failure> receive(batch_maker& maker, connection& c, bool time_is_over,
                                   std::uint64_t& completed);
    failure lost(std::string_view how) const;

    server_spec spec_;
    int poll_ = -1;
    std::size_t busy_ = 0;  // connections with replies due
    std::vector<std::unique_ptr<connection>> connections_;
    std::vector<char> scratch_;
};

}  // namespace tlscache::bench
