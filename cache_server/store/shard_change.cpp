// What requests do to entries, as memcached 1.6 means them; each function is one command of the
// shard. Where memcached's order of steps shows in its answers, it is kept:
//
// - a cas that does not match is `exists` for set, replace, append and prepend; add ignores it;
// - a set with a cas, or a replace, of a missing key is `not_found` if a cas was asked for;
// - a set that has no room removes the value that was there, so that nobody reads the old one;
// - a number is changed in place if it is not longer than the old text, padded with blanks.

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

#include "cache_server/store/shard_impl.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::store {

namespace {

// What memcached's strtoull takes: leading blanks, a sign, digits, then a blank or the end.
std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
    const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (negative || text.front() == '+')) {
        text.remove_prefix(1);
    }
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || (stop != end && !is_space(*stop)) || (negative && number != 0)) {
        return std::nullopt;
    }
    return number;
}

set_status set_status_of(store_outcome outcome) noexcept {
    switch (outcome) {
        case store_outcome::stored:
            return set_status::stored;
        case store_outcome::too_large:
            return set_status::too_large;
        case store_outcome::no_memory:
            break;
    }
    return set_status::no_memory;
}

}  // namespace

get_status shard::impl::find(const tlscache::store::key& key, const access& how, const instant& now,
                             entry_view& entry) {
    advance(now);
    const std::optional<slot> found = live(key, now);
    if (!found) {
        if (!how.vivify) {
            return get_status::miss;
        }
        slot placed = 0;
        std::optional<slot> none;
        const store_outcome outcome =
            replace(none, {key, {}}, {expiry_at(now, *how.vivify), bit_win_sent, {}, how.hint}, now,
                    placed);
        if (outcome != store_outcome::stored) {
            count_refusal(outcome);
            return get_status::no_memory;
        }
        entry = view(placed, how.show_cas, now);
        entry.win_sent = false;
        return get_status::vivified;
    }
    const std::int64_t ttl = seconds_left(table.fields().expiry(*found), now);
    if (how.touch) {
        touch(*found, *how.touch, now);
    }
    entry = view(*found, how.show_cas, now);
    const bool low = how.recache_below && ttl != time_to_live::forever && ttl < *how.recache_below;
    const bool won = (low || entry.stale) && !entry.win_sent;
    if (won) {
        table.fields().change(*found, bit_win_sent, true);
    }
    if (!how.no_bump) {
        note_hit(*found, how.hint, now);
    }
    return won ? get_status::won : get_status::hit;
}

// An answer without storing, if there is one. `stale`: store, but as stale.
std::optional<set_result> shard::impl::refuse_set(const set_request& request,
                                                  std::optional<slot> old, bool& stale,
                                                  const instant& now) {
    const bool add = request.mode == set_mode::add;
    if (old) {
        if (add) {
            note_hit(*old, request.hint, now);  // as memcached: a failed add is a use
            return set_result{set_status::not_stored, 0};
        }
        const bool appends = request.mode == set_mode::append || request.mode == set_mode::prepend;
        if (!request.compare_cas || (appends && *request.compare_cas == 0)) {
            return std::nullopt;
        }
        const std::uint64_t cas = cas_of(*old, now);
        if (*request.compare_cas == cas && cas != 0) {
            return std::nullopt;
        }
        stale = request.invalidate && !appends && *request.compare_cas != 0 &&
                *request.compare_cas < cas;
        return stale ? std::nullopt : std::optional(set_result{set_status::exists, 0});
    }
    switch (request.mode) {
        case set_mode::add:
            return std::nullopt;
        case set_mode::set:
        case set_mode::replace:
            if (request.compare_cas) {
                return set_result{set_status::not_found, 0};
            }
            return request.mode == set_mode::set
                       ? std::nullopt
                       : std::optional(set_result{set_status::not_stored, 0});
        case set_mode::append:
        case set_mode::prepend:
            break;
    }
    return request.vivify ? std::nullopt : std::optional(set_result{set_status::not_stored, 0});
}

set_result shard::impl::set(const set_request& request, const instant& now) {
    advance(now);
    std::optional<slot> old = live(request.key, now);
    bool stale = false;
    if (const auto refused = refuse_set(request, old, stale, now)) {
        return *refused;
    }
    if (old && (request.mode == set_mode::append || request.mode == set_mode::prepend)) {
        return append(request, *old, now);
    }
    const auto refuse = [&](store_outcome why) {
        count_refusal(why);
        if (old && request.mode == set_mode::set) {
            overwrite(*old);
        }
        return set_result{set_status_of(why), 0};
    };
    if (request.ttl.seconds == 0 && !stale) {
        if (request.value.size() > options.value_bytes_max) {
            return refuse(store_outcome::too_large);
        }
        if (old) {
            cas_changes(*old, now);
            overwrite(*old);
        }
        return {set_status::stored, request.show_cas ? next_cas(now) : 0};
    }
    entry_birth birth{expiry_at(now, request.ttl), 0, request.new_cas, request.hint};
    if (stale) {
        birth.expiry = table.fields().expiry(*old);
        birth.bits =
            static_cast<std::uint8_t>(bit_stale | (table.fields().bits(*old) & bit_win_sent));
    }
    slot placed = 0;
    const store_outcome outcome =
        replace(old, {request.key, request.value, request.client_flags}, birth, now, placed);
    if (outcome == store_outcome::stored) {
        return {set_status::stored, request.show_cas ? show_cas(placed, now) : 0};
    }
    return refuse(outcome);
}

// Keeps flags, expiry and marks of the old entry.
set_result shard::impl::append(const set_request& request, slot s, const instant& now) {
    std::optional<slot> old = s;
    const std::string_view held = table.value(s);
    const bool at_end = request.mode == set_mode::append;
    const std::string_view head = at_end ? held : request.value;
    const std::string_view tail = at_end ? request.value : held;
    store_outcome outcome = store_outcome::too_large;
    slot placed = 0;
    if (head.size() + tail.size() <= options.value_bytes_max) {
        secure_bytes joined(head.begin(), head.end());
        joined.reserve(head.size() + tail.size());
        joined.insert(joined.end(), tail.begin(), tail.end());
        const slot_fields& fields = table.fields();
        const std::uint32_t flags = table.client_flags(s);
        const auto marks =
            static_cast<std::uint8_t>(fields.bits(s) & (bit_fetched | bit_stale | bit_win_sent));
        outcome = replace(old, {request.key, as_text(joined), flags},
                          {fields.expiry(s), marks, request.new_cas, request.hint}, now, placed);
    }
    if (outcome != store_outcome::stored) {
        count_refusal(outcome);
        return {set_status_of(outcome), 0};
    }
    return {set_status::stored, request.show_cas ? show_cas(placed, now) : 0};
}

erase_status shard::impl::erase(const erase_request& request, const instant& now) {
    advance(now);
    const std::optional<slot> found = live(request.key, now);
    if (!found) {
        return erase_status::not_found;
    }
    if (request.compare_cas && *request.compare_cas != 0 &&
        *request.compare_cas != cas_of(*found, now)) {
        return erase_status::exists;
    }
    if (request.make_stale || request.drop_value) {
        return keep_as_stale(request, *found, now);
    }
    cas_changes(*found, now);
    remove(*found, removal_cause::deleted);
    return erase_status::erased;
}

// Stays as an entry that the next reader may recache: with a new cas, without the old win, and
// without its value if that was asked.
erase_status shard::impl::keep_as_stale(const erase_request& request, slot s, const instant& now) {
    const slot_fields& fields = table.fields();
    entry_birth birth{fields.expiry(s), fields.bits(s), request.new_cas, 0};
    birth.bits &= bit_fetched | bit_stale | bit_win_sent;
    if (request.make_stale) {
        birth.bits = static_cast<std::uint8_t>((birth.bits | bit_stale) & ~bit_win_sent);
        if (request.stale_ttl) {
            birth.expiry = expiry_at(now, *request.stale_ttl);
        }
    }
    std::optional<slot> old = s;
    secure_bytes kept;
    std::uint32_t flags = 0;
    if (!request.drop_value) {
        const byte_view value = as_bytes(table.value(s));
        kept.assign(value.begin(), value.end());
        flags = table.client_flags(s);
    }
    slot placed = 0;
    const store_outcome outcome =
        replace(old, {request.key, as_text(kept), flags}, birth, now, placed);
    if (outcome != store_outcome::stored) {
        count_refusal(outcome);
        if (old) {
            remove(*old, removal_cause::deleted);  // gone is better than still valid
        }
    }
    return erase_status::erased;
}

arithmetic_status shard::impl::calculate(const arithmetic_request& request, const instant& now,
                                         entry_view& entry) {
    advance(now);
    const std::optional<slot> found = live(request.key, now);
    if (!found) {
        return request.initial ? start_number(request, now, entry) : arithmetic_status::not_found;
    }
    if (request.compare_cas && *request.compare_cas != 0 &&
        *request.compare_cas != cas_of(*found, now)) {
        return arithmetic_status::exists;
    }
    const std::optional<std::uint64_t> old = parse_number(table.value(*found));
    if (!old) {
        return arithmetic_status::not_a_number;
    }
    const std::uint64_t result =
        request.decrement ? *old - std::min(*old, request.delta) : *old + request.delta;
    return write_number(request, *found, result, now, entry);
}

arithmetic_status shard::impl::start_number(const arithmetic_request& request, const instant& now,
                                            entry_view& entry) {
    const char* const end = std::to_chars(number, number + sizeof number, *request.initial).ptr;
    slot placed = 0;
    std::optional<slot> none;
    const store_outcome outcome =
        replace(none, {request.key, {number, static_cast<std::size_t>(end - number)}},
                {expiry_at(now, request.vivify_ttl), 0, request.new_cas, 0}, now, placed);
    if (outcome != store_outcome::stored) {
        count_refusal(outcome);
        return outcome == store_outcome::too_large ? arithmetic_status::too_large
                                                   : arithmetic_status::no_memory;
    }
    entry = view(placed, true, now);
    return arithmetic_status::done;
}

arithmetic_status shard::impl::write_number(const arithmetic_request& request, slot s,
                                            std::uint64_t result, const instant& now,
                                            entry_view& entry) {
    const char* const end = std::to_chars(number, number + sizeof number, result).ptr;
    const std::string_view text(number, static_cast<std::size_t>(end - number));
    slot_fields& fields = table.fields();
    if (request.touch) {
        touch(s, *request.touch, now);
    }
    cas_changes(s, now);
    const std::uint64_t cas = cas_for_new(request.new_cas, now);
    const std::size_t held = table.value(s).size();
    if (text.size() <= held && (cas == 0 || table.has_extra(s))) {
        std::memcpy(table.value_data(s), text.data(), text.size());
        std::memset(table.value_data(s) + text.size(), ' ', held - text.size());
        fields.set_stored(s, static_cast<std::uint32_t>(now.boot_seconds() & 0xff'ffff));
        if (table.has_extra(s)) {
            table.set_cas(s, cas);
        }
        note_hit(s, 0, now);
    } else {
        secure_bytes padded(text.begin(), text.end());
        padded.resize(std::max(text.size(), held), ' ');
        const int used = text.size() <= held ? static_cast<int>(bit_fetched) : 0;
        const auto marks = static_cast<std::uint8_t>(
            used | (fields.bits(s) & (bit_fetched | bit_stale | bit_win_sent)));
        std::optional<slot> old = s;
        const store_outcome outcome =
            replace(old, {request.key, as_text(padded), table.client_flags(s)},
                    {fields.expiry(s), marks, request.new_cas, 0}, now, s);
        if (outcome != store_outcome::stored) {
            count_refusal(outcome);
            return outcome == store_outcome::too_large ? arithmetic_status::too_large
                                                       : arithmetic_status::no_memory;
        }
    }
    entry = view(s, true, now);
    entry.value = text;
    return arithmetic_status::done;
}

}  // namespace tlscache::store
