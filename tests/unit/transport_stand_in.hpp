#pragma once

// A node made for a test: keeps what it is sent, and misbehaves as the test says. Its own thread,
// a port chosen by the kernel.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tlscache::testing {

struct stand_in_request {
    std::string line;  // without CRLF
    std::string verb;  // tg, ts, mg, ms, md, mn, or what it was
    std::string key;   // base64
    std::string data;
};

struct stand_in_reply {
    std::string bytes;
    std::chrono::steady_clock::time_point when{};  // not before
    bool close = false;                            // after the bytes
    bool silent = false;                           // nothing at all
};

class stand_in {
  public:
    struct behaviour {
        bool plain = false;  // knows no extensions, as memcached
        // Sees and may change each reply. Called in the stand-in's thread.
        std::function<void(const stand_in_request&, stand_in_reply&)> mangle;
    };

    stand_in() : stand_in(behaviour{}) {}
    explicit stand_in(behaviour how);
    ~stand_in();
    stand_in(const stand_in&) = delete;
    stand_in& operator=(const stand_in&) = delete;

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    // Stops listening and closes all connections; start() listens on the same port again.
    void stop();
    void start();

    int connections() const { return connections_.load(); }  // accepted so far
    int reads() const { return reads_.load(); }              // that brought requests
    int requests(const std::string& verb) const;
    std::string value(const std::string& key) const;
    std::string last_line(const std::string& verb) const;

  private:
    struct connection;
    void listen();
    void run();
    void accept_one();
    bool serve(connection& peer);  // false: over
    bool send_due(connection& peer);
    void take_requests(connection& peer);
    stand_in_reply answer(const stand_in_request& request);

    behaviour how_;
    int listener_ = -1;
    int bell_ = -1;
    unsigned port_ = 0;
    std::atomic<bool> ending_{false};
    std::atomic<int> connections_{0};
    std::atomic<int> reads_{0};
    mutable std::mutex mutex_;
    struct stored {
        std::string data;
        long ttl = 0;
    };
    std::map<std::string, stored> values_;
    std::map<std::string, int> counts_;
    std::map<std::string, std::string> last_lines_;
    std::vector<std::unique_ptr<connection>> peers_;
    std::thread thread_;
};

}  // namespace tlscache::testing
