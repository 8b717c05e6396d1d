// Shards, and which of them a key belongs to.
//
// A shard's offsets reach 64 MiB, so there is one per 64 MiB at least; more spread the locks, as
// long as each keeps 16 MiB, since memory can't move from one shard to another.

#include "cache_server/store/store.hpp"

#include <algorithm>
#include <utility>

#include "cache_server/store/key_hash.hpp"
#include "cache_server/store/shard_impl.hpp"

namespace tlscache::store {

namespace {

constexpr std::size_t shard_bytes_wanted = std::size_t{16} << 20;
constexpr std::size_t sweep_entries = 1024;  // how many go while a shard's lock is held

std::size_t shards_for(const store_options& options) {
    const std::size_t least =
        (options.bytes_max + entry_table::bytes_limit - 1) / entry_table::bytes_limit;
    if (options.shards != 0) {
        return std::max<std::size_t>(least, options.shards);
    }
    const std::size_t useful = std::min<std::size_t>(std::size_t{2} * options.threads,
                                                     options.bytes_max / shard_bytes_wanted);
    return std::max<std::size_t>({1, least, useful});
}

}  // namespace

struct store::impl {
    impl(const store_options& options, std::size_t count)
        : part_bytes(options.bytes_max / count / page_runs::page_bytes * page_runs::page_bytes),
          memory(std::max<std::size_t>(1, count * entry_table::range_bytes(part_bytes)),
                 options.lock_memory) {}

    std::size_t part_bytes;  // of a shard
    key_hash hash;
    arena memory;
    std::vector<std::unique_ptr<shard>> shards;
    std::size_t policy_bytes_per_slot = 0;
};

store::store(const store_options& options, const instant&) {
    const std::size_t count = shards_for(options);
    impl_ = std::make_unique<impl>(options, count);
    for (std::size_t i = 0; i < count; ++i) {
        char* const base = impl_->memory.data() + i * entry_table::range_bytes(impl_->part_bytes);
        auto state = std::make_unique<shard::impl>(
            shard_options{impl_->memory, base, impl_->part_bytes, options.value_bytes_max,
                          options.evict, options.use_cas, options.policy},
            impl_->hash);
        impl_->policy_bytes_per_slot = state->policy_bytes_per_slot;
        impl_->shards.push_back(std::unique_ptr<shard>(new shard(std::move(state))));
    }
}

store::~store() = default;

std::size_t store::reserved_bytes(std::size_t bytes_max) noexcept {
    return entry_table::range_bytes(bytes_max);
}

std::uint64_t store::hash(std::string_view key_bytes, bool tagged) const noexcept {
    return impl_->hash(key_bytes, tagged);
}

// By bits of the hash that neither the index nor the tags use.
shard& store::shard_of(std::uint64_t key_hash) const noexcept {
    const std::uint64_t mixed = (key_hash * 0x9e37'79b9'7f4a'7c15u) >> 32;
    return *impl_->shards[(mixed * impl_->shards.size()) >> 32];
}

bool store::expire(const instant& now, std::size_t entries_max) noexcept {
    bool more = false;
    const std::size_t each = std::max<std::size_t>(1, entries_max / impl_->shards.size());
    for (const auto& part : impl_->shards) {
        more = part->expire(now, each) || more;
    }
    return more;
}

void store::flush(const instant& now, std::uint64_t delay_seconds) noexcept {
    for (const auto& part : impl_->shards) {
        part->flush(now, delay_seconds);
    }
    if (delay_seconds == 0) {
        while (expire(now, sweep_entries * impl_->shards.size())) {
        }
    }
}

statistics store::collect() const noexcept {
    statistics sum;
    for (const auto& part : impl_->shards) {
        sum += part->collect();
    }
    return sum;
}

bool store::memory_locked() const noexcept {
    return impl_->memory.locked();
}

std::size_t store::shard_count() const noexcept {
    return impl_->shards.size();
}

std::size_t store::policy_bytes_per_slot() const noexcept {
    return impl_->policy_bytes_per_slot;
}

}  // namespace tlscache::store
