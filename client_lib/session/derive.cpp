// Which keys are live at a time t in period n (P = 10, L = 15, so ceil(L/P) = 2 older ones):
//
//      n-2       n-1        n        n+1
//   |---------|---------|----t----|---------|
//   accepts until       |     issues   accepts already: a clock may be a period ahead
//   start + P + L       accepts
//
// A key is dropped at start + P + L even in the middle of a period; a clock that was set back
// gets back the keys of its time, since the roots are still here.

#include "client_lib/session/derive.hpp"

#include "client_lib/session/crypto.hpp"
#include "client_lib/session/key_contexts.hpp"
#include "client_lib/session/limits.hpp"

namespace tlscache::session {

namespace {

constexpr std::string_view period_salt = "tlscache period keys 1";

void append_number(std::vector<std::uint8_t>& out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        out.push_back(static_cast<std::uint8_t>(value >> shift));
    }
}

unix_seconds accept_until(const key_schedule& schedule, std::int64_t period) {
    return (period + 1) * schedule.period + schedule.lifetime;
}

// No key is zero, and no two are equal: HKDF gives that but for a fault, which must not pass.
bool sound(const period_keys& keys) {
    const byte_view all[] = {keys.lookup, keys.seal, keys.id, keys.ticket};
    for (std::size_t i = 0; i < std::size(all); ++i) {
        if (all_zero(all[i])) {
            return false;
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (equal_secret(all[i], all[j])) {
                return false;
            }
        }
    }
    return !all_zero(keys.key_id);
}

}  // namespace

std::shared_ptr<const period_keys> derive_period_keys(const root_bytes& root,
                                                      std::string_view namespace_name,
                                                      const key_schedule& schedule,
                                                      std::int64_t period) {
    if (period < 0 || period > unix_seconds_max || namespace_name.size() > namespace_bytes_max) {
        return nullptr;
    }
    std::vector<std::uint8_t> prefix;
    append_number(prefix, namespace_name.size(), 2);
    prefix.insert(prefix.end(), namespace_name.begin(), namespace_name.end());
    append_number(prefix, static_cast<std::uint64_t>(schedule.period), 4);
    append_number(prefix, static_cast<std::uint64_t>(period), 8);

    const auto keys = std::allocate_shared<period_keys>(locked_allocator<period_keys>());
    keys->period = period;
    keys->accept_until = accept_until(schedule, period);
    const auto derive = [&](std::string_view label, std::span<std::uint8_t> out) {
        std::vector<std::uint8_t> info = prefix;
        info.insert(info.end(), label.begin(), label.end());
        return hkdf_sha256(root, as_bytes(period_salt), info, out);
    };
    const bool derived = derive("key id", keys->key_id) && derive("lookup", keys->lookup) &&
                         derive("seal", keys->seal) && derive("id", keys->id) &&
                         derive("ticket", keys->ticket);
    return derived && sound(*keys) ? keys : nullptr;
}

bool derive_node_key(const root_bytes& root, root_bytes& out) {
    return hkdf_sha256(root, {}, as_bytes("transport"), out) && !all_zero(out);
}

ring_builder::ring_builder(std::string_view namespace_name, key_schedule schedule, root_list roots)
    : namespace_(namespace_name), schedule_(schedule), roots_(std::move(roots)) {}

std::shared_ptr<const keyring> ring_builder::build(unix_seconds now) {
    if (now < 0 || now > unix_seconds_max || roots_.empty()) {
        return nullptr;
    }
    const std::int64_t current = now / schedule_.period;
    const std::int64_t older = (schedule_.lifetime + schedule_.period - 1) / schedule_.period;
    const auto ring = std::make_shared<keyring>();
    ring->lifetime = schedule_.lifetime;
    valid_from_ = current * schedule_.period;
    valid_until_ = valid_from_ + schedule_.period;
    std::vector<live_key> live;
    for (std::size_t root = 0; root < roots_.size(); ++root) {
        for (std::int64_t back = -1; back <= older && back <= current; ++back) {
            const unix_seconds end = accept_until(schedule_, current - back);
            if (end <= now) {
                valid_from_ = std::max(valid_from_, end);
                continue;
            }
            valid_until_ = std::min(valid_until_, end);
            std::shared_ptr<const period_keys> keys = key_of(root, current - back);
            if (!keys) {
                continue;
            }
            if (root == 0 && back == 0) {
                ring->issuing = keys;
            }
            live.push_back({root, keys});
            // Of two keys with one name the newer and the earlier root's is the one that is found.
            if (ring->find(keys->key_id.data()) == nullptr) {
                ring->accepted.push_back(std::move(keys));
            }
        }
    }
    live_ = std::move(live);
    if (!ring->issuing) {
        valid_until_ = valid_from_;
        return nullptr;
    }
    return ring;
}

std::shared_ptr<const period_keys> ring_builder::key_of(std::size_t root, std::int64_t period) {
    for (const live_key& known : live_) {
        if (known.root == root && known.keys->period == period) {
            return known.keys;
        }
    }
    return derive_period_keys(roots_[root], namespace_, schedule_, period);
}

void ring_builder::lock_again() const noexcept {
    session::lock_again(roots_.data(), roots_.size() * sizeof(root_bytes));
    for (const live_key& known : live_) {
        session::lock_again(known.keys.get(), sizeof(period_keys));
    }
}

}  // namespace tlscache::session
