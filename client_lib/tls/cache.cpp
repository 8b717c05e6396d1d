// The public names, on what does the work.

#include "tlscache/cache.hpp"

#include <algorithm>
#include <array>

#include "client_lib/tls/connection.hpp"
#include "client_lib/tls/storing.hpp"

namespace tlscache {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(counter::count_)> counter_names = {
    "hellos",
    "handshakes",
    "resumed",
    "identities_foreign",
    "lookups",
    "hits",
    "misses",
    "unavailable",
    "suspended",
    "blocked",
    "not_waited",
    "refused_unopened",
    "refused_undecodable",
    "refused_version",
    "refused_cipher",
    "refused_ems",
    "refused_expired",
    "refused_other_id",
    "stored",
    "not_stored_no_key",
    "not_stored_no_ems",
    "not_stored_too_old",
    "not_stored_forgotten",
    "not_stored_other",
    "deleted_used",
    "forgotten",
    "early_data_refused",
    "policy_differs",
    "authentication_differs",
    "policies_dropped",
    "abandoned",
};
static_assert(!counter_names.back().empty());

}  // namespace

std::string_view name_of(counter which) noexcept {
    const auto at = static_cast<std::size_t>(which);
    return at < counter_names.size() ? counter_names[at] : std::string_view();
}

cache::cache(const config& settings, log_function log)
    : core_(std::make_shared<core>(settings, std::move(log))) {}

void cache::start() {
    core_->ensure_running();
}

attachment cache::attach(SSL_CTX* context, attach_options options) {
    return attachment(attachment::impl::attach(core_, context, std::move(options)));
}

std::uint64_t cache::count(counter which) const noexcept {
    return core_->count(which);
}

std::vector<std::pair<std::string, std::uint64_t>> cache::counters() const {
    return core_->counters();
}

void cache::set_log(log_function log) {
    core_->set_log(std::move(log));
}

bool cache::drain(std::chrono::milliseconds at_most) const {
    return core_->nodes().drain(std::chrono::steady_clock::now() + at_most);
}

attachment::attachment() noexcept = default;
attachment::attachment(std::shared_ptr<impl> made) noexcept : impl_(std::move(made)) {}
attachment::attachment(attachment&&) noexcept = default;

attachment& attachment::operator=(attachment&& other) noexcept {
    if (this != &other) {
        const attachment before(std::exchange(impl_, std::exchange(other.impl_, nullptr)));
    }
    return *this;
}

attachment::~attachment() {
    if (impl_) {
        impl_->detach();
    }
}

const std::string& attachment::report() const noexcept {
    static const std::string nothing;
    return impl_ ? impl_->report() : nothing;
}

bool allow_suspend(SSL* ssl) {
    tls::connection* conn = tls::connection::of(ssl);
    if (conn == nullptr) {
        auto owner = attachment::impl::of(SSL_get_SSL_CTX(ssl));
        conn = owner ? tls::connection::make(ssl, std::move(owner)) : nullptr;
    }
    if (conn != nullptr) {
        conn->may_suspend = true;
    }
    return conn != nullptr;
}

void on_answer(SSL* ssl, std::function<void()> wake) {
    tls::connection* conn = tls::connection::of(ssl);
    // A copy: once woken, another thread may go on with the connection.
    if (const auto pending = conn == nullptr ? nullptr : conn->pending) {
        pending->when_done(std::move(wake));
    } else {
        wake();
    }
}

void abandon(SSL* ssl) {
    if (tls::connection* conn = tls::connection::of(ssl); conn != nullptr) {
        conn->abandon();
    }
}

bool forget(SSL* ssl) {
    tls::connection* conn = tls::connection::of(ssl);
    if (conn == nullptr) {
        return false;
    }
    conn->forgotten = true;
    if (conn->resumed) {
        tls::erase_session(*conn, *conn->resumed);
    }
    for (const session::session_id& id : conn->issued) {
        tls::erase_session(*conn, id);
    }
    conn->core().add(counter::forgotten);
    return true;
}

}  // namespace tlscache
