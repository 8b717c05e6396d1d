// The SSL_CTX's ex_data holds the attachment while it is attached; every connection holds it too,
// from its first ClientHello on. OpenSSL takes its session callbacks from the context that SSL_new
// was called with, even after SSL_set_SSL_CTX, so the way back is the connection's ex_data.

#include "client_lib/tls/attachment.hpp"

#include <fmt/format.h>

#include "client_lib/tls/callbacks.hpp"

namespace tlscache {

namespace {

using holder = std::shared_ptr<attachment::impl>;

void free_holder(void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<holder*>(kept);
}

int ex_data_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_holder);
    return index;
}

constexpr long cache_mode_bits = SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL;

}  // namespace

attachment::impl::impl(std::shared_ptr<cache::core> core, SSL_CTX* context, attach_options options)
    : core_(std::move(core)), context_(context), options_(std::move(options)) {}

std::shared_ptr<attachment::impl> attachment::impl::of(SSL_CTX* context) {
    auto* kept = static_cast<holder*>(SSL_CTX_get_ex_data(context, ex_data_index()));
    return kept == nullptr ? nullptr : *kept;
}

std::shared_ptr<attachment::impl> attachment::impl::attach(std::shared_ptr<cache::core> core,
                                                           SSL_CTX* context,
                                                           attach_options options) {
    if (context == nullptr || of(context)) {
        throw error(context == nullptr ? "attach: no SSL_CTX" : "attach: already attached");
    }
    std::shared_ptr<impl> made(new impl(std::move(core), context, std::move(options)));
    made->check_groups();
    auto kept = std::make_unique<holder>(made);
    if (SSL_CTX_set_ex_data(context, ex_data_index(), kept.get()) != 1) {
        throw error("attach: OpenSSL is out of memory");
    }
    kept.release();
    SSL_CTX_up_ref(context);
    made->remember();
    made->take_over();
    made->describe();
    made->attached_ = true;
    return made;
}

// Names that share sessions must ask the same of clients; without a resolver the binding to the
// policy keeps them apart at each lookup.
void attachment::impl::check_groups() const {
    if (!options_.resolver) {
        return;
    }
    for (const auto& [group, names] : core_->settings().sni_groups) {
        for (const std::string& name : names) {
            if (!(configured_policy(name) == configured_policy(names.front()))) {
                throw error(fmt::format("sni_groups.{}: {} and {} do not ask the same of clients",
                                        group, names.front(), name));
            }
        }
    }
}

void attachment::impl::remember() {
    before_.new_session = SSL_CTX_sess_get_new_cb(context_);
    before_.get_session = SSL_CTX_sess_get_get_cb(context_);
    before_.remove_session = SSL_CTX_sess_get_remove_cb(context_);
    before_.cache_mode = SSL_CTX_get_session_cache_mode(context_);
    before_.options = SSL_CTX_get_options(context_);
    before_.tickets = SSL_CTX_get_num_tickets(context_);
    before_.early_data = SSL_CTX_get_max_early_data(context_);
}

void attachment::impl::take_over() {
    SSL_CTX_set_session_cache_mode(context_, before_.cache_mode | cache_mode_bits);
    SSL_CTX_set_options(context_, SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_max_early_data(context_, 0);
    SSL_CTX_set_num_tickets(context_, core_->settings().tickets);
    const auto& id_context = core_->id_context(false);
    SSL_CTX_set_session_id_context(context_, id_context.data(),
                                   static_cast<unsigned>(id_context.size()));
    SSL_CTX_set_generate_session_id(context_, tls::on_generate_id);
    SSL_CTX_set_session_ticket_cb(context_, tls::on_generate_ticket, nullptr, nullptr);
    SSL_CTX_sess_set_new_cb(context_, tls::on_new_session);
    SSL_CTX_sess_set_get_cb(context_, tls::on_get_session);
    SSL_CTX_sess_set_remove_cb(context_, tls::on_remove_session);
    SSL_CTX_set_client_hello_cb(context_, tls::on_client_hello, this);
}

void attachment::impl::describe() {
    const auto add = [this](const std::string& line) { report_ += line + "\n"; };
    const long mode = before_.cache_mode | cache_mode_bits;
    if (mode != before_.cache_mode) {
        add(fmt::format("session cache mode {:#x} -> {:#x}: no copies in this process",
                        before_.cache_mode, mode));
    }
    for (const auto& [set, name] : {std::pair(before_.new_session != nullptr, "new"),
                                    std::pair(before_.get_session != nullptr, "get"),
                                    std::pair(before_.remove_session != nullptr, "remove")}) {
        if (set) {
            add(fmt::format("the application's {} session callback is replaced", name));
        }
    }
    if (before_.tickets != core_->settings().tickets) {
        add(fmt::format("TLS 1.3 tickets per full handshake {} -> {}", before_.tickets,
                        core_->settings().tickets));
    }
    if (before_.early_data != 0) {
        add(fmt::format("max_early_data {} -> 0: early data is refused", before_.early_data));
    }
    if ((before_.options & SSL_OP_NO_ANTI_REPLAY) == 0) {
        add("SSL_OP_NO_ANTI_REPLAY set: OpenSSL's own check would refuse every shared session");
    }
    add("session id context set to a hash of the namespace");
    add("session ID generator, session ticket and ClientHello callbacks replaced");
}

void attachment::impl::detach() {
    if (!std::exchange(attached_, false)) {
        return;
    }
    SSL_CTX_set_client_hello_cb(context_, options_.client_hello, options_.client_hello_argument);
    SSL_CTX_sess_set_new_cb(context_, before_.new_session);
    SSL_CTX_sess_set_get_cb(context_, before_.get_session);
    SSL_CTX_sess_set_remove_cb(context_, before_.remove_session);
    SSL_CTX_set_session_ticket_cb(context_, nullptr, nullptr, nullptr);
    SSL_CTX_set_generate_session_id(context_, nullptr);
    SSL_CTX_set_session_cache_mode(context_, before_.cache_mode);
    SSL_CTX_set_num_tickets(context_, before_.tickets);
    SSL_CTX_set_max_early_data(context_, before_.early_data);
    if ((before_.options & SSL_OP_NO_ANTI_REPLAY) == 0) {
        SSL_CTX_clear_options(context_, SSL_OP_NO_ANTI_REPLAY);
    }
    const std::unique_ptr<holder> kept(
        static_cast<holder*>(SSL_CTX_get_ex_data(context_, ex_data_index())));
    SSL_CTX_set_ex_data(context_, ex_data_index(), nullptr);
    SSL_CTX_free(context_);
}

tls::policy attachment::impl::configured_policy(const std::string& sni) const {
    SSL_CTX* serving = options_.resolver ? options_.resolver(sni) : nullptr;
    return tls::policy_of(serving == nullptr ? context_ : serving, options_.policy_epoch);
}

// What was seen goes before what the resolver says: it was true once.
tls::policy attachment::impl::expected_policy(const std::string& sni) const {
    const auto learnt = learnt_.find(sni);
    return learnt ? *learnt : configured_policy(sni);
}

void attachment::impl::learn_policy(const std::string& sni, const tls::policy& seen) {
    if (seen == configured_policy(sni)) {
        learnt_.drop(sni);
    } else if (!learnt_.learn(sni, seen)) {
        core_->add(counter::policies_dropped);
    }
}

}  // namespace tlscache
