#pragma once

// The entries of one shard by key and by slot: their bytes and their fields. It knows neither
// lifetimes nor policies; its owner sees to it that there is room. Guarded by the shard's lock,
// but for prefetch(). Every way out erases the bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cache_server/store/arena.hpp"
#include "cache_server/store/chunk_pages.hpp"
#include "cache_server/store/key_hash.hpp"
#include "cache_server/store/page_runs.hpp"
#include "cache_server/store/shard.hpp"
#include "cache_server/store/slot_fields.hpp"
#include "cache_server/store/slot_index.hpp"

namespace tlscache::store {

// What an entry is made of.
struct entry_content {
    const tlscache::store::key& key;
    std::string_view value;
    std::uint32_t client_flags = 0;
    std::uint64_t cas = 0;  // 0: none of its own

    bool has_extra() const noexcept { return client_flags != 0 || cas != 0; }
};

struct table_options {
    const arena& memory;
    char* base;             // table_range_bytes(bytes_max) bytes of the arena
    std::size_t bytes_max;  // pages, index, fields, policy state
    std::size_t policy_bytes_per_slot;
    const key_hash& hash;
};

class entry_table final : private slot_keys {
  public:
    // A slot's offset is 24 bits of 4-byte units.
    static constexpr std::size_t bytes_limit = std::size_t{64} << 20;

    explicit entry_table(const table_options& options);
    ~entry_table() override;
    entry_table(const entry_table&) = delete;
    entry_table& operator=(const entry_table&) = delete;

    static std::uint32_t slots_max_of(std::size_t bytes_max, std::size_t policy_bytes_per_slot);
    static std::size_t range_bytes(std::size_t bytes_max) noexcept;

    // Keys of 1 to 250 bytes, tagged ones of 18; others are never found.
    static bool takes(const tlscache::store::key& key) noexcept;
    std::optional<slot> find(const tlscache::store::key& key) const noexcept;
    void prefetch(std::uint64_t key_hash) const noexcept { index_.prefetch(key_hash); }
    // What a hit reads behind the index; of the likeliest entry, as no key is compared.
    void prefetch_entry(std::uint64_t key_hash) const noexcept;

    // `fits` says whether it has room now (or would have it if `without` were removed first),
    // `fits_alone` whether it would have it in an empty shard.
    bool fits(const entry_content& content, std::optional<slot> without) const noexcept;
    bool fits_alone(const entry_content& content) const noexcept;

    // Only if it fits and the key is absent; the fields are left to the caller. nullopt: no place
    // was found all the same (no gap long enough for a large value): remove something else first.
    std::optional<slot> insert(const entry_content& content) noexcept;
    // Returns the bytes that were erased.
    std::size_t remove(slot s) noexcept;

    std::string_view value(slot s) const noexcept;
    char* value_data(slot s) noexcept;
    bool has_extra(slot s) const noexcept;  // room for client flags and a cas
    std::uint32_t client_flags(slot s) const noexcept;
    std::uint64_t cas(slot s) const noexcept;          // 0: none of its own
    void set_cas(slot s, std::uint64_t cas) noexcept;  // only if it has_extra
    std::uint32_t charge(slot s) const noexcept;       // all that it costs

    slot_fields& fields() noexcept { return fields_; }
    const slot_fields& fields() const noexcept { return fields_; }
    std::uint32_t slots_used() const noexcept { return slots_used_; }  // high-water mark
    std::size_t size() const noexcept { return index_.size(); }
    std::size_t bytes() const noexcept { return charged_; }  // sum of the charges
    std::size_t bytes_max() const noexcept { return bytes_max_; }
    // Memory that is there now, whatever for; never above bytes_max.
    std::size_t resident_bytes() const noexcept;
    std::uint64_t moved() const noexcept { return moved_; }

    // Gives a bounded part of what is empty back to the system.
    void give_back() noexcept;

  private:
    struct head;

    std::uint64_t hash_of(slot s) const noexcept override;
    void prefetch_key(slot s) const noexcept override;

    char* chunk_at(slot s) const noexcept;
    std::size_t place_charge(std::size_t bytes, bool run) const noexcept;
    std::size_t committed_bytes(std::size_t entries) const noexcept;
    std::optional<std::uint32_t> place(std::size_t bytes, bool run) noexcept;
    bool make_resident_room(std::size_t bytes) noexcept;
    bool empty_a_page() noexcept;
    void move_chunk(std::uint32_t offset) noexcept;
    slot take_slot() noexcept;

    const std::size_t bytes_max_;
    const std::size_t slot_bytes_;  // fields and policy state
    const key_hash& hash_;
    char* const chunks_;
    chunk_pages pages_;
    page_runs runs_;
    slot_fields fields_;
    slot_index index_;
    const std::size_t fixed_bytes_;
    std::size_t placed_ = 0;   // charges of chunks and runs
    std::size_t charged_ = 0;  // charges of entries
    std::uint64_t moved_ = 0;
    std::uint32_t slots_used_ = 0;
    slot free_slots_;
};

}  // namespace tlscache::store
