#pragma once

// Keys out of cluster.key by time alone: who holds the file needs nobody else.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client_lib/session/key_source.hpp"

namespace tlscache::session {

class file_key_source final : public key_source {
  public:
    // One line without any secret: the file became unusable, was read again, may no longer be
    // read. Called from the constructor and from refresh(), in whose thread.
    using log_function = std::function<void(std::string_view)>;

    // Reads the file. A file that can't be used is no reason to throw: error() tells why, keys()
    // gives nullptr, and refresh() goes on looking. Throws std::invalid_argument if the namespace
    // is empty or too long.
    file_key_source(std::string path, std::string_view namespace_name, log_function log = {});
    ~file_key_source() override;

    // Thread safe; about 50 ns but for the first call in a period, which derives.
    std::shared_ptr<const keyring> keys(unix_seconds now) override;

    // Looks at the file, reads it if it is another than before, and drops keys whose time is
    // over. A file that is bad or gone leaves the old keys in use and is told once.
    void refresh(unix_seconds now) override;

    // Why the file as it is now can't be used; empty if it can.
    std::string error() const;

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache::session
