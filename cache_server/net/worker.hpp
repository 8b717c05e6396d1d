#pragma once

// One io thread: an io_context, its connections, and the batch that all connections which became
// readable together are answered in.
//
// Called from other threads: adopt, drain, stop, load, counters, describe. All else runs on the
// worker's own thread.

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "cache_server/command/executor.hpp"
#include "cache_server/net/connection.hpp"
#include "cache_server/net/counters.hpp"
#include "cache_server/net/settings.hpp"
#include "cache_server/store/memory_budget.hpp"
#include "cache_server/store/store.hpp"
#include "cache_server/store/time.hpp"
#include "client_lib/wire/buffer.hpp"

namespace tlscache::net {

class worker {
  public:
    worker(const settings& fixed, tunables& changing, store::store& entries,
           command::server_view& view, command::statistics& counted, store::memory_budget& budget,
           const store::clock& clock);
    ~worker();  // stop() first
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    // What a connection costs of the memory budget, buffers apart.
    static std::size_t connection_bytes() noexcept;

    void start();

    // Takes the descriptor; the caller has counted it by reserve().
    void adopt(int descriptor, int family);
    void reserve() noexcept { load_.fetch_add(1, std::memory_order_relaxed); }
    std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }

    // Ends all connections, each after its answers; on_empty runs on this worker's thread.
    void drain(std::function<void()> on_empty);
    // Closes what is left and joins the thread. Idempotent.
    void stop();

    const worker_counters& counters() const noexcept { return counters_; }
    // Appends at most `most` descriptions.
    void describe(std::vector<connection_description>& out, std::size_t most) const;

  private:
    friend class connection;
    using connection_list = boost::intrusive::list<connection>;
    using deadline_list =
        boost::intrusive::list<connection, boost::intrusive::base_hook<deadline_hook>>;

    void add_connection(int descriptor, int family);
    void ready(connection& one);
    void run_batch();
    void prefetch_batch();
    void destroy_if_finished(connection& one);
    void forget(connection& one) noexcept;
    void wait_for(connection& one, deadline what) noexcept;
    void arm_deadlines();
    void check_deadlines();
    std::chrono::nanoseconds length_of(deadline what) const noexcept;
    void expire_deadline(connection& one, deadline what);
    void end_all();

    const settings& fixed_;
    tunables& changing_;
    store::memory_budget& budget_;
    const store::clock& clock_;
    boost::asio::io_context context_{1};
    command::executor executor_;
    boost::asio::steady_timer deadline_timer_{context_};
    std::array<deadline_list, 5> deadlines_;
    std::vector<connection*> ready_;
    std::vector<connection*> batch_;
    std::vector<std::uint64_t> hashes_;     // of the batch's first requests
    std::unique_ptr<char[]> batch_memory_;  // where a long batch is read to
    wire::buffer output_;                   // replies of the connection that is being answered
    store::instant now_;                    // the last reading of the clock
    bool batch_posted_ = false;
    bool deadlines_armed_ = false;
    bool draining_ = false;
    std::function<void()> on_empty_;

    mutable std::mutex list_mutex_;  // guards connections_ against describe()
    connection_list connections_;
    std::atomic<std::size_t> load_{0};
    worker_counters counters_;
    std::thread thread_;
};

}  // namespace tlscache::net
