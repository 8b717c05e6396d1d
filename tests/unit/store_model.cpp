#include "tests/unit/store_model.hpp"

#include <cerrno>
#include <cstdlib>

namespace tlscache::test {

namespace {

std::optional<std::uint64_t> number_of(const std::string& text) {
    // As memcached 1.6 reads it: strtoull, then a blank or the end, and no negative numbers.
    char* end = nullptr;
    errno = 0;
    const std::uint64_t number = std::strtoull(text.c_str(), &end, 10);
    const bool ends = *end == '\0' || *end == ' ' || (*end >= '\t' && *end <= '\r');
    const bool negative =
        text.substr(0, static_cast<std::size_t>(end - text.c_str())).find('-') != std::string::npos;
    if (errno != 0 || end == text.c_str() || !ends || (negative && number != 0)) {
        return std::nullopt;
    }
    return number;
}

}  // namespace

// Half seconds, rounded up: the contract leaves up to a second, and the test of lifetimes holds
// the store to that; here the rounding is known.
std::int64_t store_model::gone_at(const store::time_to_live& ttl, const store::instant& now) {
    constexpr std::int64_t half = 500'000'000;
    if (ttl.seconds == store::time_to_live::forever) {
        return -1;
    }
    const std::int64_t start = (now.boot_ns + (ttl.seconds == 0 ? 0 : half - 1)) / half * half;
    return start + ttl.seconds * 2 * half;
}

store::get_status store_model::get(const name& key, const store::access& how,
                                   const store::instant& now, model_entry& seen) {
    model_entry* e = live(key, now);
    if (e == nullptr) {
        if (!how.vivify) {
            return store::get_status::miss;
        }
        model_entry made;
        made.gone_at_ns = gone_at(*how.vivify, now);
        made.stored_ns = now.boot_ns;
        seen = made;
        made.win = true;
        entries_[key] = made;
        return store::get_status::vivified;
    }
    const std::int64_t left_ns = e->gone_at_ns - now.boot_ns;
    const bool low = how.recache_below && e->gone_at_ns != -1 &&
                     (left_ns + 499'999'999) / 1'000'000'000 < *how.recache_below;
    if (how.touch) {
        e->gone_at_ns = gone_at(*how.touch, now);
    }
    seen = *e;
    const bool won = (low || e->stale) && !e->win;
    e->win = e->win || won;
    e->fetched = e->fetched || !how.no_bump;
    return won ? store::get_status::won : store::get_status::hit;
}

store::set_status store_model::set(const name& key, const store::set_request& request,
                                   const store::instant& now) {
    using store::set_mode;
    using store::set_status;
    model_entry* old = live(key, now);
    const bool appends = request.mode == set_mode::append || request.mode == set_mode::prepend;
    model_entry made;
    made.gone_at_ns = gone_at(request.ttl, now);
    made.flags = request.client_flags;
    made.value = request.value;
    if (old == nullptr) {
        if (request.mode != set_mode::add && request.compare_cas && !appends) {
            return set_status::not_found;
        }
        if (request.mode == set_mode::replace || (appends && !request.vivify)) {
            return set_status::not_stored;
        }
    } else if (request.mode == set_mode::add) {
        old->fetched = true;
        return set_status::not_stored;
    } else if (!(appends && request.compare_cas == 0) && cas_differs(request.compare_cas, *old)) {
        if (!request.invalidate || appends || *request.compare_cas == 0 ||
            *request.compare_cas > old->cas) {
            return set_status::exists;
        }
        made.gone_at_ns = old->gone_at_ns;
        made.stale = true;
        made.win = old->win;
    }
    if (old != nullptr && appends) {
        const std::string part(request.value);
        made = *old;
        made.value = request.mode == set_mode::append ? old->value + part : part + old->value;
    }
    if (made.value.size() > value_bytes_max_) {
        if (request.mode == set_mode::set) {
            entries_.erase(key);
        }
        return set_status::too_large;
    }
    made.stored_ns = now.boot_ns;
    made.cas = request.new_cas.value_or(0);
    entries_[key] = made;
    return set_status::stored;
}

store::erase_status store_model::erase(const name& key, const store::erase_request& request,
                                       const store::instant& now) {
    model_entry* e = live(key, now);
    if (e == nullptr) {
        return store::erase_status::not_found;
    }
    if (request.compare_cas != 0 && cas_differs(request.compare_cas, *e)) {
        return store::erase_status::exists;
    }
    if (!request.make_stale && !request.drop_value) {
        entries_.erase(key);
        return store::erase_status::erased;
    }
    if (request.make_stale) {
        e->stale = true;
        e->win = false;
        if (request.stale_ttl) {
            e->gone_at_ns = gone_at(*request.stale_ttl, now);
        }
    }
    if (request.drop_value) {
        e->value.clear();
        e->flags = 0;
    }
    e->stored_ns = now.boot_ns;
    e->cas = request.new_cas.value_or(0);
    return store::erase_status::erased;
}

store::arithmetic_status store_model::calculate(const name& key,
                                                const store::arithmetic_request& request,
                                                const store::instant& now, std::string& number) {
    model_entry* e = live(key, now);
    if (e == nullptr) {
        if (!request.initial) {
            return store::arithmetic_status::not_found;
        }
        model_entry made;
        made.value = number = std::to_string(*request.initial);
        made.gone_at_ns = gone_at(request.vivify_ttl, now);
        made.stored_ns = now.boot_ns;
        made.cas = request.new_cas.value_or(0);
        entries_[key] = made;
        return store::arithmetic_status::done;
    }
    if (request.compare_cas != 0 && cas_differs(request.compare_cas, *e)) {
        return store::arithmetic_status::exists;
    }
    const std::optional<std::uint64_t> old = number_of(e->value);
    if (!old) {
        return store::arithmetic_status::not_a_number;
    }
    std::uint64_t result = *old + request.delta;
    if (request.decrement) {
        result = *old < request.delta ? 0 : *old - request.delta;
    }
    number = std::to_string(result);
    if (number.size() <= e->value.size()) {
        e->value = number + std::string(e->value.size() - number.size(), ' ');
        e->fetched = true;
    } else {
        e->value = number;
    }
    if (request.touch) {
        e->gone_at_ns = gone_at(*request.touch, now);
    }
    e->stored_ns = now.boot_ns;
    e->cas = request.new_cas.value_or(0);
    return store::arithmetic_status::done;
}

}  // namespace tlscache::test
