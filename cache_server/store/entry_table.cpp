// Entries in a map and on the heap: simple, and complete behind its interface.

#include "cache_server/store/entry_table.hpp"

#include <algorithm>

namespace tlscache::store {

namespace {
constexpr std::size_t entry_overhead = 160;
}

std::uint32_t entry_table::slots_max_of(std::size_t bytes_max, std::size_t policy_bytes) {
    return static_cast<std::uint32_t>(
        std::min<std::size_t>(bytes_max / (entry_overhead + policy_bytes) + 1, 0xff'fffe));
}

entry_table::entry_table(std::size_t bytes_max, std::size_t policy_bytes, const key_hash&)
    : bytes_max_(bytes_max),
      policy_bytes_(policy_bytes),
      fields_(slots_max_of(bytes_max, policy_bytes)) {}

std::string entry_table::name_of(const tlscache::store::key& key) {
    return std::string(key.tagged ? "t" : "f").append(key.bytes);
}

std::optional<slot> entry_table::find(const tlscache::store::key& key) const noexcept {
    const auto at = index_.find(name_of(key));
    return at == index_.end() ? std::nullopt : std::optional<slot>(at->second);
}

std::uint32_t entry_table::charge_of(const entry_content& content) const noexcept {
    return static_cast<std::uint32_t>(content.key.bytes.size() + content.value.size() +
                                      entry_overhead + policy_bytes_);
}

bool entry_table::fits(const entry_content& content, std::optional<slot> without) const noexcept {
    return bytes_ + charge_of(content) <= bytes_max_ + (without ? charge(*without) : 0);
}

bool entry_table::fits_alone(const entry_content& content) const noexcept {
    return charge_of(content) <= bytes_max_;
}

slot entry_table::insert(const entry_content& content) {
    slot s = slots_used_;
    if (free_.empty()) {
        ++slots_used_;
        records_.emplace_back();
    } else {
        s = free_.back();
        free_.pop_back();
    }
    record& r = records_[s];
    r.name = name_of(content.key);
    const byte_view value = as_bytes(content.value);
    r.value.assign(value.begin(), value.end());
    r.client_flags = content.client_flags;
    r.cas = content.cas;
    r.charge = charge_of(content);
    bytes_ += r.charge;
    index_.emplace(r.name, s);
    fields_.set_bits(s, content.has_extra() ? bit_extra : 0);
    return s;
}

std::size_t entry_table::remove(slot s) noexcept {
    record& r = records_[s];
    const std::size_t erased = r.name.size() + r.value.size();
    index_.erase(r.name);
    bytes_ -= r.charge;
    wipe(r.name.data(), r.name.size());
    r = record{};
    fields_.set_expiry(s, expiry_free);
    free_.push_back(s);
    return erased;
}

}  // namespace tlscache::store
