// The lock, and behind it the work.

#include "cache_server/store/shard.hpp"

#include <utility>

#include "cache_server/store/shard_impl.hpp"

namespace tlscache::store {

shard::shard(std::unique_ptr<impl> state) : impl_(std::move(state)) {}

shard::~shard() = default;

void shard::prepare(std::uint64_t key_hash) const noexcept {
    impl_->table.prefetch(key_hash);
}

void shard::prepare_entry(std::uint64_t key_hash) const noexcept {
    const std::scoped_lock guard(mutex_);
    impl_->table.prefetch_entry(key_hash);
}

get_status shard::find(const tlscache::store::key& key, const access& how, const instant& now,
                       entry_view& entry) {
    return impl_->find(key, how, now, entry);
}

set_result shard::set(const set_request& request, const instant& now) {
    const std::scoped_lock guard(mutex_);
    return impl_->set(request, now);
}

erase_status shard::erase(const erase_request& request, const instant& now) {
    const std::scoped_lock guard(mutex_);
    return impl_->erase(request, now);
}

arithmetic_status shard::calculate(const arithmetic_request& request, const instant& now,
                                   entry_view& entry) {
    return impl_->calculate(request, now, entry);
}

bool shard::expire(const instant& now, std::size_t entries_max) noexcept {
    const std::scoped_lock guard(mutex_);
    return impl_->expire(now, entries_max);
}

void shard::flush(const instant& now, std::uint64_t delay_seconds) noexcept {
    const std::scoped_lock guard(mutex_);
    impl_->flush(now, delay_seconds);
}

statistics shard::collect() const noexcept {
    const std::scoped_lock guard(mutex_);
    statistics now = impl_->counters;
    now.items = impl_->table.size();
    now.bytes = impl_->table.bytes();
    now.bytes_max = impl_->table.bytes_max();
    now.bytes_resident = impl_->table.resident_bytes();
    now.moved = impl_->table.moved();
    return now;
}

}  // namespace tlscache::store
