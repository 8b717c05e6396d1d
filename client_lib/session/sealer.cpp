// Every operation finds the period's keys by the first 4 bytes of the ID, so what was stored in
// the last period is found, named and opened by that period's keys until they are destroyed; a
// new period changes only which key makes new IDs.

#include "client_lib/session/sealer.hpp"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

#include "client_lib/session/crypto.hpp"
#include "client_lib/session/ids.hpp"
#include "client_lib/session/key_contexts.hpp"
#include "client_lib/session/limits.hpp"
#include "client_lib/session/nonce.hpp"
#include "client_lib/session/record.hpp"

namespace tlscache::session {

namespace {

constexpr std::size_t nonce_bytes = sizeof(gcm_nonce);

}  // namespace

std::optional<namespace_tag> tag_of_namespace(std::string_view namespace_name) {
    std::vector<std::uint8_t> text;
    for (const std::string_view part : {std::string_view("tlscache namespace "), namespace_name}) {
        text.insert(text.end(), part.begin(), part.end());
    }
    digest hash;
    if (!sha256(text, hash)) {
        return std::nullopt;
    }
    return namespace_tag{{hash[0], hash[1]}};
}

struct sealer::impl {
    std::string name;
    key_source& source;
    namespace_tag tag;

    // True if the ID was made by a frontend of this namespace with these keys.
    static bool genuine(const session_id& id, const period_keys& keys, key_context& context) {
        digest mac;
        return context.id_mac(keys, id_authenticated_part(id), mac) &&
               equal_secret(byte_view(mac).first(id.bytes.size() - id_mac_offset),
                            byte_view(id.bytes).subspan(id_mac_offset));
    }
};

sealer::sealer(std::string_view namespace_name, key_source& keys) {
    if (namespace_name.empty() || namespace_name.size() > namespace_bytes_max) {
        throw std::invalid_argument(
            fmt::format("a namespace has 1 to {} bytes", namespace_bytes_max));
    }
    const auto tag = tag_of_namespace(namespace_name);
    if (!tag) {
        throw std::runtime_error("OpenSSL has no SHA-256");
    }
    impl_ = std::make_unique<impl>(impl{std::string(namespace_name), keys, *tag});
}

sealer::~sealer() = default;

namespace_tag sealer::tag() const noexcept {
    return impl_->tag;
}

bool sealer::make_id(unix_seconds now, session_id& out) const {
    const auto ring = impl_->source.keys(now);
    if (!ring || !ring->issuing) {
        return false;
    }
    const period_keys& keys = *ring->issuing;
    std::memcpy(out.bytes.data(), keys.key_id.data(), keys.key_id.size());
    set_id_time(out, now);
    digest mac;
    if (!random_bytes(
            std::span(out.bytes).subspan(id_random_offset, id_mac_offset - id_random_offset)) ||
        !key_contexts::lease(*keys.contexts)->id_mac(keys, id_authenticated_part(out), mac)) {
        return false;
    }
    std::memcpy(out.bytes.data() + id_mac_offset, mac.data(), out.bytes.size() - id_mac_offset);
    return true;
}

std::optional<cache_key> sealer::key_of(const session_id& id, unix_seconds now) const {
    const auto ring = impl_->source.keys(now);
    const period_keys* const keys = ring ? ring->find(id.bytes.data()) : nullptr;
    if (keys == nullptr) {
        return std::nullopt;
    }
    key_contexts::lease context(*keys->contexts);
    digest name;
    if (!impl::genuine(id, *keys, *context) || !context->lookup_mac(*keys, id.bytes, name)) {
        return std::nullopt;
    }
    cache_key key;
    std::memcpy(key.bytes.data(), impl_->tag.bytes.data(), impl_->tag.bytes.size());
    std::memcpy(key.bytes.data() + impl_->tag.bytes.size(), name.data(),
                key.bytes.size() - impl_->tag.bytes.size());
    return key;
}

bool sealer::seal(const session_id& id, const binding& bound, const session_record& record,
                  unix_seconds now, std::vector<std::uint8_t>& out) const {
    const auto ring = impl_->source.keys(now);
    const period_keys* const keys = ring ? ring->find(id.bytes.data()) : nullptr;
    secure_bytes plain;
    associated_data associated;
    gcm_nonce nonce;
    if (keys == nullptr || !encode_record(record, id, bound, plain) ||
        !associated.build(impl_->name, id, bound) || !next_nonce(nonce)) {
        return false;
    }
    out.resize(nonce_bytes + plain.size() + gcm_tag_bytes);
    std::memcpy(out.data(), nonce.data(), nonce_bytes);
    return key_contexts::lease(*keys->contexts)
        ->seal(*keys, nonce, associated.bytes(), plain, out.data() + nonce_bytes);
}

std::optional<session_record> sealer::open(const session_id& id, const binding& bound,
                                           byte_view sealed, unix_seconds now) const {
    const auto ring = impl_->source.keys(now);
    const period_keys* const keys = ring ? ring->find(id.bytes.data()) : nullptr;
    associated_data associated;
    if (keys == nullptr || sealed.size() < nonce_bytes + gcm_tag_bytes ||
        sealed.size() > nonce_bytes + record_bytes_max + gcm_tag_bytes ||
        !associated.build(impl_->name, id, bound)) {
        return std::nullopt;
    }
    gcm_nonce nonce;
    std::memcpy(nonce.data(), sealed.data(), nonce_bytes);
    secure_bytes plain(sealed.size() - nonce_bytes - gcm_tag_bytes);
    if (!key_contexts::lease(*keys->contexts)
             ->open(*keys, nonce, associated.bytes(), sealed.subspan(nonce_bytes), plain.data())) {
        return std::nullopt;
    }
    return decode_record(plain, id, bound);
}

std::string sealer::log_name(const session_id& id, unix_seconds now) const {
    const auto ring = impl_->source.keys(now);
    if (!ring || !ring->issuing) {
        return "--------";
    }
    const period_keys* keys = ring->find(id.bytes.data());
    if (keys == nullptr) {
        keys = ring->issuing.get();
    }
    // Longer than an ID, so that it is never the digest that makes a cache key.
    constexpr std::string_view label = "log name";
    std::array<std::uint8_t, label.size() + sizeof(session_id)> text;
    std::memcpy(text.data(), label.data(), label.size());
    std::memcpy(text.data() + label.size(), id.bytes.data(), id.bytes.size());
    digest name;
    if (!key_contexts::lease(*keys->contexts)->lookup_mac(*keys, text, name)) {
        return "--------";
    }
    return fmt::format("{:02x}{:02x}{:02x}{:02x}", name[0], name[1], name[2], name[3]);
}

}  // namespace tlscache::session
