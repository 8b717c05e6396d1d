// tls_probe: TLS clients that go round over frontends, offer the session they got last, and count
// how often it was taken. Every handshake goes into the ledger with its outcome; the exit code is
// 0 only if none failed.

#include <poll.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "client_lib/examples/probe_client.hpp"

namespace {

struct settings {
    std::vector<std::string> frontends;
    std::string versions = "both";
    unsigned count = 60;
    unsigned parallel = 1;
    int interval_ms = 0;
    std::string ledger_file;
    bool json = false;
    bool progress = false;
    probe::options client;
};

struct tally {
    unsigned full = 0, resumed = 0, failed = 0, offered = 0;
};

const char* name_of(probe::outcome result) {
    switch (result) {
        case probe::outcome::full:
            return "full";
        case probe::outcome::resumed:
            return "resumed";
        case probe::outcome::failed:
            break;
    }
    return "failed";
}

const char* version_name(int version) {
    return version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3";
}

// The counts and the ledger; shared by the clients' threads.
class book {
  public:
    explicit book(const settings& with) : progress_(with.progress) {
        if (!with.ledger_file.empty()) {
            ledger_.open(with.ledger_file, std::ios::app);
            if (!ledger_) {
                throw std::runtime_error("cannot write the ledger " + with.ledger_file);
            }
        }
    }

    void enter(const std::string& frontend, int version, const probe::report& what) {
        using namespace std::chrono;
        const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
        nlohmann::ordered_json line;
        line["time_ms"] = now.count();
        line["frontend"] = frontend;
        line["version"] = version_name(version);
        line["outcome"] = name_of(what.result);
        line["offered"] = what.offered;
        line["page"] = what.page;
        if (!what.failure.empty()) {
            line["failure"] = what.failure;
        }
        const std::lock_guard lock(mutex_);
        tally& counts = tallies_[version];
        counts.full += what.result == probe::outcome::full;
        counts.resumed += what.result == probe::outcome::resumed;
        counts.failed += what.result == probe::outcome::failed;
        counts.offered += what.offered;
        if (ledger_.is_open()) {
            ledger_ << line.dump() << std::endl;
        }
        if (progress_) {
            std::cout << line.dump() << std::endl;
        }
    }

    // After the clients have ended.
    const std::map<int, tally>& tallies() const { return tallies_; }

  private:
    const bool progress_;
    std::mutex mutex_;
    std::ofstream ledger_;          // guarded by mutex_
    std::map<int, tally> tallies_;  // guarded by mutex_
};

// One of with.parallel clients: each goes round over all frontends, starting at its own.
void run_client(const settings& with, int version, unsigned client_number, book& entries) {
    probe::options options = with.client;
    options.version = version;
    probe::client client(options);
    std::size_t next = client_number;
    for (unsigned i = client_number; i < with.count; i += with.parallel) {
        const std::string& frontend = with.frontends[next++ % with.frontends.size()];
        entries.enter(frontend, version, client.connect(frontend));
        if (with.interval_ms > 0) {
            poll(nullptr, 0, with.interval_ms);
        }
    }
}

void run_version(const settings& with, int version, book& entries) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < with.parallel; ++i) {
        threads.emplace_back(
            [&with, &entries, version, i] { run_client(with, version, i, entries); });
    }
    for (std::thread& each : threads) {
        each.join();
    }
}

void print_totals(const settings& with, const book& entries) {
    nlohmann::ordered_json all;
    for (const auto& [version, counts] : entries.tallies()) {
        const unsigned sum = counts.full + counts.resumed + counts.failed;
        if (with.json) {
            all[version_name(version)] = {{"connections", sum},
                                          {"full", counts.full},
                                          {"resumed", counts.resumed},
                                          {"failed", counts.failed},
                                          {"offered", counts.offered}};
        } else {
            std::printf("%s: %u connections, %u full, %u resumed of %u offered, %u failed\n",
                        version_name(version), sum, counts.full, counts.resumed, counts.offered,
                        counts.failed);
        }
    }
    if (with.json) {
        std::cout << all.dump() << std::endl;
    }
}

void describe(CLI::App& app, settings& with) {
    app.add_option("frontends", with.frontends, "host:port, in the order they are visited")
        ->required();
    app.add_option("--tls", with.versions, "1.2, 1.3 or both")
        ->check(CLI::IsMember({"1.2", "1.3", "both"}));
    app.add_option("--count", with.count, "connections per version")
        ->check(CLI::Range(1, 10000000));
    app.add_option("--parallel", with.parallel, "clients at a time, each with a session of its own")
        ->check(CLI::Range(1, 256));
    app.add_option("--interval-ms", with.interval_ms, "pause between a client's connections");
    app.add_option("--sni", with.client.sni, "server name to ask for");
    app.add_option("--ca", with.client.ca_file, "verify frontends with these CAs");
    app.add_option("--cert", with.client.certificate, "client certificate (PEM)");
    app.add_option("--key", with.client.key, "its key");
    app.add_option("--groups", with.client.groups, "key exchange groups, as OpenSSL names them");
    app.add_option("--timeout-ms", with.client.timeout_ms, "per read and write");
    app.add_flag("!--no-offer", with.client.offer_sessions, "never offer a session");
    app.add_option("--ledger", with.ledger_file, "append a JSON line per handshake to this file");
    app.add_flag("--progress", with.progress, "print these lines too");
    app.add_flag("--json", with.json, "totals as one line of JSON");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"counts full, resumed and failed handshakes over TLS frontends"};
    settings with;
    describe(app, with);
    CLI11_PARSE(app, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    try {
        book entries(with);
        if (with.versions != "1.3") {
            run_version(with, TLS1_2_VERSION, entries);
        }
        if (with.versions != "1.2") {
            run_version(with, TLS1_3_VERSION, entries);
        }
        print_totals(with, entries);
        for (const auto& [version, counts] : entries.tallies()) {
            if (counts.failed != 0) {
                return 1;
            }
        }
    } catch (const std::exception& e) {
        std::cerr << "tls_probe: " << e.what() << '\n';
        return 2;
    }
    return 0;
}
