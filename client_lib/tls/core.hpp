#pragma once

// What the attachments of one cache share: keys, nodes, counters, log.

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "client_lib/session/key_source.hpp"
#include "client_lib/session/sealer.hpp"
#include "client_lib/tls/housekeeper.hpp"
#include "client_lib/tls/limits.hpp"
#include "client_lib/transport/transport.hpp"
#include "tlscache/cache.hpp"

namespace tlscache {

class cache::core {
  public:
    // Throws tlscache::error.
    core(const config& settings, log_function log);

    core(const core&) = delete;
    core& operator=(const core&) = delete;

    const config& settings() const noexcept { return settings_; }
    const session::sealer& sealer() const noexcept { return *sealer_; }
    transport::transport& nodes() noexcept { return *nodes_; }

    // nullptr: nothing can be shared now.
    std::shared_ptr<const session::keyring> keys() { return key_source_->keys(now()); }

    static session::unix_seconds now() noexcept;

    // Starts the threads of this process; at every first hello of a connection, since a server
    // may have forked.
    void ensure_running();

    transport::steady_time deadline(bool suspended) const noexcept;

    // What a name's sessions are bound to: its group's, or its own.
    std::string binding_name(const std::string& sni) const;

    // 32 bytes that are equal on all frontends of the namespace.
    const std::array<std::uint8_t, 32>& id_context(bool of_connection) const noexcept {
        return id_contexts_[of_connection];
    }

    void add(counter which) noexcept {
        counts_[static_cast<std::size_t>(which)].fetch_add(1, std::memory_order_relaxed);
    }
    std::uint64_t count(counter which) const noexcept {
        return counts_[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
    }
    std::vector<std::pair<std::string, std::uint64_t>> counters() const;

    void log(std::string_view line) noexcept;
    void set_log(log_function log);

  private:
    const config settings_;
    std::mutex log_mutex_;
    log_function log_;  // guarded by log_mutex_
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(counter::count_)> counts_{};
    std::array<std::array<std::uint8_t, 32>, 2> id_contexts_{};
    std::unordered_map<std::string, std::string> group_of_;  // name -> group
    std::unique_ptr<session::key_source> key_source_;
    std::unique_ptr<session::sealer> sealer_;
    std::unique_ptr<transport::transport> nodes_;
    tls::housekeeper refresher_;  // last: its thread uses the others
};

}  // namespace tlscache
