// Built once at start-up, where errors throw; afterwards nothing in it fails.

#include "client_lib/tls/core.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <ctime>
#include <iostream>

#include "client_lib/session/file_key_source.hpp"
#include "client_lib/tls/config_check.hpp"

namespace tlscache {

namespace {

// Of a cache without a key file.
class no_keys final : public session::key_source {
  public:
    std::shared_ptr<const session::keyring> keys(session::unix_seconds) override { return nullptr; }
    void refresh(session::unix_seconds) override {}
};

std::array<std::uint8_t, 32> hash(const std::string& text) {
    std::array<std::uint8_t, 32> out{};
    if (EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw error("OpenSSL has no SHA-256");
    }
    return out;
}

// The ring's version is the head of its text's hash.
std::uint32_t ring_version(std::string_view text) {
    const auto digest = hash(std::string(text));
    std::uint32_t head = 0;
    for (std::size_t i = 0; i < sizeof head; ++i) {
        head = head << 8 | digest[i];
    }
    return head;
}

transport::transport_options transport_options_of(const config& settings) {
    transport::transport_options options;
    options.ring_file = settings.ring;
    for (const node& each : settings.nodes) {
        options.nodes.push_back({each.name, each.address, each.weight});
    }
    options.replicas = settings.replicas;
    options.ring_version = ring_version;
    // Whoever grants lookups more time than usual does not want them called slow at 2 ms.
    options.slow = std::max(options.slow, std::chrono::milliseconds(settings.deadline_ms * 2 / 3));
    return options;
}

}  // namespace

cache::core::core(const config& settings, log_function log)
    : settings_(settings),
      log_(std::move(log)),
      id_contexts_{hash("tlscache session id context " + settings.namespace_name),
                   hash("tlscache connection id context " + settings.namespace_name)},
      refresher_([this] { key_source_->refresh(now()); }) {
    tls::check_config(settings);
    for (const auto& [group, names] : settings.sni_groups) {
        for (const std::string& name : names) {
            group_of_.emplace(name, group);
        }
    }
    try {
        if (settings.key_file.empty()) {
            key_source_ = std::make_unique<no_keys>();
            this->log("no key_file is configured: sessions are not shared");
        } else {
            key_source_ = std::make_unique<session::file_key_source>(
                settings.key_file, settings.namespace_name,
                [this](std::string_view line) { this->log(line); });
        }
        sealer_ = std::make_unique<session::sealer>(settings.namespace_name, *key_source_);
        nodes_ = std::make_unique<transport::transport>(transport_options_of(settings));
    } catch (const std::invalid_argument& e) {
        throw error(e.what());
    }
}

session::unix_seconds cache::core::now() noexcept {
    return std::time(nullptr);
}

void cache::core::ensure_running() {
    refresher_.ensure_running();
    nodes_->start_thread();
}

transport::steady_time cache::core::deadline(bool suspended) const noexcept {
    unsigned milliseconds = settings_.deadline_ms;
    if (milliseconds == 0) {
        milliseconds = suspended ? tls::deadline_suspended_ms : tls::deadline_blocking_ms;
    }
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

// A group must never be taken for a server name of the same letters.
std::string cache::core::binding_name(const std::string& sni) const {
    if (sni.empty()) {
        return {};
    }
    const auto found = group_of_.find(sni);
    return found == group_of_.end() ? "=" + sni : "@" + found->second;
}

void cache::core::log(std::string_view line) noexcept {
    try {
        const std::lock_guard lock(log_mutex_);
        if (log_) {
            log_(line);
        } else {
            std::cerr << fmt::format("tlscache: {}\n", line);
        }
    } catch (const std::exception&) {
        // A log that can't be written is no reason to lose a handshake.
        return;
    }
}

void cache::core::set_log(log_function log) {
    const std::lock_guard lock(log_mutex_);
    log_ = std::move(log);
}

std::vector<std::pair<std::string, std::uint64_t>> cache::core::counters() const {
    std::vector<std::pair<std::string, std::uint64_t>> all;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        const auto which = static_cast<counter>(i);
        all.emplace_back(name_of(which), count(which));
    }
    const transport::counters seen = nodes_->statistics();
    const auto add = [&all](const char* name, std::uint64_t value) {
        all.emplace_back(fmt::format("transport_{}", name), value);
    };
    add("lookups", seen.lookups);
    add("hits", seen.hits);
    add("misses", seen.misses);
    add("unavailable", seen.unavailable);
    add("deadline", seen.deadline);
    add("not_connected", seen.not_connected);
    add("breaker_open", seen.breaker_open);
    add("connection_lost", seen.connection_lost);
    add("bad_reply", seen.bad_reply);
    add("late_replies", seen.late_replies);
    add("cancelled", seen.cancelled);
    add("queue_full", seen.queue_full);
    add("stores_queued", seen.stores_queued);
    add("stores_sent", seen.stores_sent);
    add("stores_dropped", seen.stores_dropped);
    add("stores_refused", seen.stores_refused);
    add("erases_sent", seen.erases_sent);
    add("erases_dropped", seen.erases_dropped);
    add("connects", seen.connects);
    add("connects_failed", seen.connects_failed);
    add("ring_reloads", seen.ring_reloads);
    add("ring_refused", seen.ring_refused);
    add("ring_differs", seen.ring_differs);
    add("breaker_opened", seen.breaker_opened);
    return all;
}

}  // namespace tlscache
