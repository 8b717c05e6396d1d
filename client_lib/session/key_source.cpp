// Keys are erased where they are defined, not by whoever happens to drop them last.

#include "client_lib/session/key_source.hpp"

#include <cstring>

#include "client_lib/session/key_contexts.hpp"

namespace tlscache::session {

period_keys::period_keys() : contexts(std::make_unique<key_contexts>()) {}

period_keys::~period_keys() {
    wipe(key_id.data(), key_id.size());
    wipe(lookup.data(), lookup.size());
    wipe(seal.data(), seal.size());
    wipe(id.data(), id.size());
    wipe(ticket.data(), ticket.size());
}

const period_keys* keyring::find(const std::uint8_t* key_id) const noexcept {
    for (const auto& keys : accepted) {
        if (std::memcmp(keys->key_id.data(), key_id, keys->key_id.size()) == 0) {
            return keys.get();
        }
    }
    return nullptr;
}

}  // namespace tlscache::session
