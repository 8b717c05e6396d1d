// Entries come and go here, whatever request made them do so.
//
// A cas costs nothing where nobody asks for one. An entry's cas is derived from the second in
// which it was stored, (second + 1) << 32, until that could be ambiguous: if an entry whose derived
// cas was told is replaced within that same second, what the shard stores in this second gets a
// cas of its own, (second + 1) << 32 | counter, in 12 bytes more. So a cas never comes twice for a
// key, and a later one is larger.
//
// A flush turns the epoch bit: what carries the other value is a miss at once, and is erased by
// and by. A second flush before that is done first finishes it.

#include "cache_server/store/shard_impl.hpp"

#include <algorithm>
#include <utility>

namespace tlscache::store {

shard::impl::impl(const shard_options& shard_options, const key_hash& hash)
    : options(shard_options),
      policy_bytes_per_slot(shard_options.policy({1, 1})->bytes_per_slot()),
      table({shard_options.memory, shard_options.base, shard_options.bytes_max,
             policy_bytes_per_slot, hash}),
      policy(shard_options.policy(
          {entry_table::slots_max_of(shard_options.bytes_max, policy_bytes_per_slot),
           shard_options.bytes_max})) {}

void shard::impl::advance(const instant& now) noexcept {
    if (now.boot_ns >= flush_at_ns) {
        flush_at_ns = no_flush;
        begin_flush(now);
    }
}

void shard::impl::flush(const instant& now, std::uint64_t delay_seconds) noexcept {
    constexpr std::uint64_t delay_max = time_to_live::seconds_max;
    const auto delay = static_cast<std::int64_t>(std::min(delay_seconds, delay_max));
    flush_at_ns = now.boot_ns + delay * 1'000'000'000;
    advance(now);
}

void shard::impl::begin_flush(const instant& now) noexcept {
    sweep_flushed(std::numeric_limits<std::size_t>::max());
    // Any of them may have been stored, and its cas told, in this second.
    contended_second = std::max(contended_second, now.boot_seconds());
    epoch ^= bit_epoch;
    sweep_next = 0;
    sweep_end = table.slots_used();
}

std::size_t shard::impl::sweep_flushed(std::size_t entries_max) noexcept {
    const slot_fields& fields = table.fields();
    std::size_t removed = 0;
    for (; sweep_next < sweep_end && removed < entries_max; ++sweep_next) {
        if (fields.held(sweep_next) && (fields.bits(sweep_next) & bit_epoch) != epoch) {
            remove(sweep_next, removal_cause::flushed);
            ++removed;
        }
    }
    return removed;
}

std::optional<slot> shard::impl::live(const tlscache::store::key& key,
                                      const instant& now) noexcept {
    const std::optional<slot> found = table.find(key);
    if (!found) {
        return std::nullopt;
    }
    if ((table.fields().bits(*found) & bit_epoch) != epoch) {
        remove(*found, removal_cause::flushed);
        return std::nullopt;
    }
    if (is_due(table.fields().expiry(*found), now)) {
        cas_changes(*found, now);
        remove(*found, removal_cause::expired);
        return std::nullopt;
    }
    return found;
}

void shard::impl::remove(slot s, removal_cause cause) noexcept {
    const bool fetched = table.fields().has(s, bit_fetched);
    switch (cause) {
        case removal_cause::expired:
            ++counters.expired;
            counters.expired_unfetched += fetched ? 0 : 1;
            break;
        case removal_cause::evicted:
            ++counters.evicted;
            counters.evicted_unfetched += fetched ? 0 : 1;
            break;
        case removal_cause::deleted:
            ++counters.deleted;
            break;
        case removal_cause::flushed:
            ++counters.flushed;
            break;
    }
    policy->on_remove(s, cause);
    counters.wiped_bytes += table.remove(s);
}

void shard::impl::overwrite(slot s) noexcept {
    ++counters.overwritten;
    policy->on_remove(s, removal_cause::deleted);
    counters.wiped_bytes += table.remove(s);
}

void shard::impl::evict(slot s, const instant& now) noexcept {
    if ((table.fields().bits(s) & bit_epoch) != epoch) {
        remove(s, removal_cause::flushed);
        return;
    }
    counters.evicted_live += is_due(table.fields().expiry(s), now) ? 0 : 1;
    cas_changes(s, now);
    remove(s, removal_cause::evicted);
}

store_outcome shard::impl::replace(std::optional<slot>& old, entry_content content,
                                   const entry_birth& birth, const instant& now, slot& placed) {
    if (!entry_table::takes(content.key)) {
        return store_outcome::too_large;
    }
    if (old) {
        cas_changes(*old, now);
    }
    content.cas = cas_for_new(birth.new_cas, now);
    if (content.value.size() > options.value_bytes_max || !table.fits_alone(content)) {
        return store_outcome::too_large;
    }
    if (!options.evict && !table.fits(content, old)) {
        return store_outcome::no_memory;
    }
    if (old) {
        overwrite(*old);
        old.reset();
    }
    std::optional<slot> made;
    while (!table.fits(content, std::nullopt) || !(made = table.insert(content))) {
        const std::optional<slot> victim = options.evict ? policy->victim() : std::nullopt;
        if (!victim) {
            return store_outcome::no_memory;
        }
        evict(*victim, now);
    }
    placed = *made;
    slot_fields& fields = table.fields();
    fields.set_bits(placed, static_cast<std::uint8_t>(fields.bits(placed) | birth.bits | epoch));
    fields.set_expiry(placed, birth.expiry);
    fields.set_stored(placed, static_cast<std::uint32_t>(now.boot_seconds() & 0xff'ffff));
    fields.set_access(placed, access_units(now));
    ++counters.items_total;
    const std::int64_t lifetime =
        birth.expiry == expiry_never ? 0 : seconds_left(birth.expiry, now);
    policy->on_insert({placed, content.key.hash, table.charge(placed),
                       static_cast<std::uint32_t>(lifetime), birth.hint});
    return store_outcome::stored;
}

void shard::impl::touch(slot s, const time_to_live& ttl, const instant& now) noexcept {
    table.fields().set_expiry(s, expiry_at(now, ttl));
}

void shard::impl::note_hit(slot s, std::uint64_t hint, const instant& now) noexcept {
    table.fields().change(s, bit_fetched, true);
    table.fields().set_access(s, access_units(now));
    policy->on_hit(s, hint);
}

std::int64_t shard::impl::age(slot s, const instant& now) const noexcept {
    constexpr std::uint32_t modulus = 0x100'0000;
    constexpr std::uint32_t ahead_max = 60;
    const auto seconds = static_cast<std::uint32_t>(now.boot_seconds()) % modulus;
    const std::uint32_t age = (seconds - table.fields().stored(s)) % modulus;
    return std::int64_t{age} - (age >= modulus - ahead_max ? modulus : 0);
}

std::uint64_t shard::impl::cas_of(slot s, const instant& now) const noexcept {
    if (!options.use_cas) {
        return 0;
    }
    if (const std::uint64_t own = table.cas(s)) {
        return own;
    }
    return static_cast<std::uint64_t>(now.boot_seconds() - age(s, now) + 1) << 32;
}

std::uint64_t shard::impl::show_cas(slot s, const instant& now) noexcept {
    table.fields().change(s, bit_cas_seen, true);
    return cas_of(s, now);
}

// The entry is about to be replaced, or to change in place.
void shard::impl::cas_changes(slot s, const instant& now) noexcept {
    if (table.fields().has(s, bit_cas_seen) && age(s, now) <= 0) {
        contended_second = std::max(contended_second, now.boot_seconds() - age(s, now));
    }
}

std::uint64_t shard::impl::next_cas(const instant& now) noexcept {
    const std::uint64_t least = static_cast<std::uint64_t>(now.boot_seconds() + 1) << 32;
    last_cas = std::max(last_cas, least) + 1;
    return last_cas;
}

std::uint64_t shard::impl::cas_for_new(const std::optional<std::uint64_t>& asked,
                                       const instant& now) noexcept {
    if (!options.use_cas) {
        return 0;
    }
    if (asked) {
        return *asked;
    }
    return contended_second >= now.boot_seconds() ? next_cas(now) : 0;
}

entry_view shard::impl::view(slot s, bool show, const instant& now) noexcept {
    const slot_fields& fields = table.fields();
    entry_view entry;
    entry.value = table.value(s);
    entry.client_flags = table.client_flags(s);
    entry.cas = show ? show_cas(s, now) : 0;
    entry.ttl = seconds_left(fields.expiry(s), now);
    entry.age = static_cast<std::uint32_t>(std::max<std::int64_t>(0, age(s, now)));
    const auto units = static_cast<std::uint16_t>(access_units(now) - fields.access(s));
    entry.since_access = std::min<std::uint32_t>(units * 64u, entry.age);
    entry.fetched = fields.has(s, bit_fetched);
    entry.stale = fields.has(s, bit_stale);
    entry.win_sent = fields.has(s, bit_win_sent);
    return entry;
}

void shard::impl::count_refusal(store_outcome outcome) noexcept {
    counters.refused_too_large += outcome == store_outcome::too_large ? 1 : 0;
    counters.refused_no_memory += outcome == store_outcome::no_memory ? 1 : 0;
}

// A tick: what a flush left, then the blocks whose earliest expiry has come, in turn.
bool shard::impl::expire(const instant& now, std::size_t entries_max) noexcept {
    advance(now);
    std::size_t removed = sweep_flushed(entries_max);
    if (sweep_next < sweep_end) {
        return true;
    }
    slot_fields& fields = table.fields();
    const std::uint32_t blocks =
        (table.slots_used() + slot_fields::block_slots - 1) / slot_fields::block_slots;
    std::size_t scans = 0;
    for (std::uint32_t i = 0; i < blocks; ++i) {
        expire_cursor = expire_cursor < blocks ? expire_cursor : 0;
        if (is_block_due(fields.block_minimum(expire_cursor), now)) {
            if (removed >= entries_max || scans >= entries_max) {
                return true;
            }
            ++scans;
            removed += expire_block(expire_cursor, now, entries_max - removed);
            if (is_block_due(fields.block_minimum(expire_cursor), now)) {
                return true;
            }
        }
        ++expire_cursor;
    }
    table.give_back();
    return false;
}

std::size_t shard::impl::expire_block(std::uint32_t block, const instant& now,
                                      std::size_t max) noexcept {
    const slot first = block * slot_fields::block_slots;
    const slot_fields& fields = table.fields();
    std::size_t removed = 0;
    for (slot s = first; s < first + slot_fields::block_slots && removed < max; ++s) {
        if (fields.held(s) && is_due(fields.expiry(s), now)) {
            cas_changes(s, now);
            remove(s, removal_cause::expired);
            ++removed;
        }
    }
    table.fields().update_block_minimum(block);
    return removed;
}

}  // namespace tlscache::store
