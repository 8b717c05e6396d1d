#pragma once

// The entries of one shard by key and by slot: their bytes and their fields. It knows neither
// lifetimes nor policies; its owner sees to it that there is room. Guarded by the shard's lock.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cache_server/store/key_hash.hpp"
#include "cache_server/store/shard.hpp"
#include "cache_server/store/slot_fields.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::store {

// What an entry is made of.
struct entry_content {
    const tlscache::store::key& key;
    std::string_view value;
    std::uint32_t client_flags = 0;
    std::uint64_t cas = 0;  // 0: none of its own

    bool has_extra() const noexcept { return client_flags != 0 || cas != 0; }
};

class entry_table {
  public:
    entry_table(std::size_t bytes_max, std::size_t policy_bytes_per_slot, const key_hash& hash);

    static std::uint32_t slots_max_of(std::size_t bytes_max, std::size_t policy_bytes_per_slot);

    std::optional<slot> find(const tlscache::store::key& key) const noexcept;
    void prefetch(std::uint64_t) const noexcept {}

    // What the entry costs. `fits` says whether it has room now (or would have it if `without`
    // were removed first), `fits_alone` whether it would have it in an empty shard.
    std::uint32_t charge_of(const entry_content& content) const noexcept;
    bool fits(const entry_content& content, std::optional<slot> without) const noexcept;
    bool fits_alone(const entry_content& content) const noexcept;

    // Only if it fits and the key is absent. Fields but `bit_extra` are left to the caller.
    slot insert(const entry_content& content);
    // Erases it; returns the bytes that were erased.
    std::size_t remove(slot s) noexcept;

    std::string_view value(slot s) const noexcept { return text(records_[s].value); }
    char* value_data(slot s) noexcept { return reinterpret_cast<char*>(records_[s].value.data()); }
    std::uint32_t client_flags(slot s) const noexcept { return records_[s].client_flags; }
    std::uint64_t cas(slot s) const noexcept { return records_[s].cas; }
    void set_cas(slot s, std::uint64_t cas) noexcept { records_[s].cas = cas; }  // has extra
    std::uint32_t charge(slot s) const noexcept { return records_[s].charge; }

    slot_fields& fields() noexcept { return fields_; }
    const slot_fields& fields() const noexcept { return fields_; }
    std::uint32_t slots_used() const noexcept { return slots_used_; }  // high-water mark
    std::size_t size() const noexcept { return index_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t bytes_max() const noexcept { return bytes_max_; }

  private:
    struct record {
        std::string name;
        secure_bytes value;
        std::uint32_t client_flags = 0;
        std::uint64_t cas = 0;
        std::uint32_t charge = 0;
    };
    static std::string_view text(const secure_bytes& bytes) noexcept { return as_text(bytes); }
    static std::string name_of(const tlscache::store::key& key);

    const std::size_t bytes_max_;
    const std::size_t policy_bytes_;
    std::size_t bytes_ = 0;
    std::uint32_t slots_used_ = 0;
    slot_fields fields_;
    std::vector<record> records_;
    std::vector<slot> free_;
    std::unordered_map<std::string, slot> index_;
};

}  // namespace tlscache::store
