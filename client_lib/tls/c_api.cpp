// The C interface: translation only, and the place where exceptions end.

#include "tlscache/tlscache.h"

#include <algorithm>
#include <cstring>

#include "tlscache/cache.hpp"

struct tlscache_cache {
    tlscache::cache cache;
};

struct tlscache_attachment {
    tlscache::attachment attached;
};

namespace {

void tell(const char* text, char* error, size_t error_size) noexcept {
    if (error != nullptr && error_size != 0) {
        const size_t size = std::min(std::strlen(text), error_size - 1);
        std::memcpy(error, text, size);
        error[size] = '\0';
    }
}

// What `work` makes, or nullptr and a sentence.
template <class Work>
auto guarded(char* error, size_t error_size, Work work) noexcept -> decltype(work()) {
    try {
        return work();
    } catch (const std::exception& e) {
        tell(e.what(), error, error_size);
        return nullptr;
    }
}

std::string text_or_empty(const char* text) {
    return text == nullptr ? "" : text;
}

tlscache::config config_of(const tlscache_config& from) {
    if (from.size != sizeof from) {
        throw tlscache::error("tlscache_config: size is not that of this library");
    }
    tlscache::config made;
    made.namespace_name = text_or_empty(from.namespace_name);
    made.ring = text_or_empty(from.ring);
    made.key_file = text_or_empty(from.key_file);
    if (from.node != nullptr) {
        made.nodes.push_back({"node", from.node, 1});
    }
    made.deadline_ms = from.deadline_ms;
    made.replicas = from.replicas == 0 ? 1 : from.replicas;
    made.tickets = from.tickets == 0 ? 1 : from.tickets;
    made.single_use = from.keep_used == 0;
    made.allow_no_ems = from.allow_no_ems != 0;
    return made;
}

tlscache::attach_options options_of(const tlscache_attach_options& from) {
    if (from.size != sizeof from) {
        throw tlscache::error("tlscache_attach_options: size is not that of this library");
    }
    tlscache::attach_options made;
    made.client_hello = from.client_hello;
    made.client_hello_argument = from.client_hello_argument;
    if (from.resolver != nullptr) {
        made.resolver = [resolve = from.resolver,
                         argument = from.resolver_argument](std::string_view sni) {
            return resolve(std::string(sni).c_str(), argument);
        };
    }
    made.unmarked =
        from.waiting == TLSCACHE_WAIT_MISS ? tlscache::waiting::miss : tlscache::waiting::block;
    made.policy_epoch = from.policy_epoch;
    return made;
}

}  // namespace

tlscache_cache* tlscache_open(const char* path, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        const auto settings = tlscache::config::from_toml(text_or_empty(path));
        return new tlscache_cache{tlscache::cache(settings)};
    });
}

tlscache_cache* tlscache_open_config(const tlscache_config* config, char* error,
                                     size_t error_size) {
    return guarded(error, error_size,
                   [&] { return new tlscache_cache{tlscache::cache(config_of(*config))}; });
}

void tlscache_close(tlscache_cache* cache) {
    delete cache;
}

void tlscache_set_log(tlscache_cache* cache, tlscache_log_function log, void* argument) {
    if (log == nullptr) {
        cache->cache.set_log({});
        return;
    }
    cache->cache.set_log(
        [log, argument](std::string_view line) { log(std::string(line).c_str(), argument); });
}

void tlscache_start(tlscache_cache* cache) {
    try {
        cache->cache.start();
    } catch (const std::exception&) {
        return;  // no thread to be had now; the first handshake tries again
    }
}

tlscache_attachment* tlscache_attach(tlscache_cache* cache, SSL_CTX* context,
                                     const tlscache_attach_options* options, char* error,
                                     size_t error_size) {
    return guarded(error, error_size, [&] {
        auto translated = options == nullptr ? tlscache::attach_options() : options_of(*options);
        return new tlscache_attachment{cache->cache.attach(context, std::move(translated))};
    });
}

const char* tlscache_attachment_report(const tlscache_attachment* attachment) {
    return attachment->attached.report().c_str();
}

void tlscache_detach(tlscache_attachment* attachment) {
    delete attachment;
}

int tlscache_allow_suspend(SSL* ssl) {
    try {
        return tlscache::allow_suspend(ssl) ? 1 : 0;
    } catch (const std::exception&) {
        return 0;  // out of memory: the connection is served, and blocks or misses
    }
}

void tlscache_on_answer(SSL* ssl, void (*wake)(void* argument), void* argument) {
    tlscache::on_answer(ssl, [wake, argument] { wake(argument); });
}

void tlscache_abandon(SSL* ssl) {
    tlscache::abandon(ssl);
}

int tlscache_forget(SSL* ssl) {
    try {
        return tlscache::forget(ssl) ? 1 : 0;
    } catch (const std::exception&) {
        return 0;  // out of memory: not all deletions were queued
    }
}

size_t tlscache_counters(const tlscache_cache* cache, char* text, size_t text_size) {
    try {
        std::string lines;
        for (const auto& [name, value] : cache->cache.counters()) {
            lines += name + " " + std::to_string(value) + "\n";
        }
        tell(lines.c_str(), text, text_size);
        return lines.size();
    } catch (const std::exception&) {
        tell("", text, text_size);
        return 0;
    }
}
