#pragma once

// Names to addresses without waiting: the system's resolver may take half a minute, so it runs in
// threads of its own, which last as long as there are names to ask for.
//
// Thread safe. The destructor does not wait for a look-up that hangs; its answer is dropped then.

#include <cstdint>
#include <memory>
#include <vector>

#include "client_lib/transport/address.hpp"

namespace tlscache::transport {

class resolver {
  public:
    struct answer {
        std::uint64_t who = 0;
        std::vector<endpoint> endpoints;  // empty: not found, or the resolver failed
    };

    // Adds 1 to wake_fd, an eventfd, when an answer is there. Does not own it.
    explicit resolver(int wake_fd);
    ~resolver();
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    // One answer comes for each call that returned true; false: no thread could be made.
    bool ask(std::uint64_t who, address where);
    std::vector<answer> take_answers();

  private:
    struct state;
    static void work(const std::shared_ptr<state>& shared);
    std::shared_ptr<state> state_;
};

}  // namespace tlscache::transport
