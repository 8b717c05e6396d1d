#pragma once

// The one lookup of a suspended handshake: written by the transport's thread, read by whoever
// drives the connection. Outlives both.

#include <functional>
#include <mutex>

#include "client_lib/transport/transport.hpp"

namespace tlscache::tls {

class pending_lookup {
  public:
    // The answer; later ones are dropped. Calls what when_done() was given.
    void complete(transport::lookup_result result);

    bool done() const;

    // Calls `wake` once: from complete(), or at once if that was before.
    void when_done(std::function<void()> wake);

    // Ends as unavailable. Afterwards `wake` is not running and will not run, except where this
    // is called from `wake` itself. True: the answer was still awaited.
    bool abandon();

    // Once done.
    transport::lookup_result take_result();

  private:
    // Held while `wake` runs, so that abandon() waits for it; `wake` itself may call in here.
    mutable std::recursive_mutex mutex_;
    bool done_ = false;  // the rest: guarded by mutex_
    transport::lookup_result result_;
    std::function<void()> wake_;
};

}  // namespace tlscache::tls
