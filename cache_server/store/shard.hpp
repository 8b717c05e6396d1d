#pragma once

// One shard: what it holds, for how long, in how much memory. All calls take the shard's lock for
// their own duration; time comes in as a parameter.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "cache_server/store/eviction_policy.hpp"
#include "cache_server/store/statistics.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache::store {

// A key as requests carry it. Tagged (the library's 18-byte keys) and other keys are different key
// spaces: the same bytes in both are two entries.
struct key {
    std::string_view bytes;
    std::uint64_t hash = 0;
    bool tagged = false;
};

// Time to live in seconds from now. `forever` is memcached's exptime 0; 0 is gone at once.
struct time_to_live {
    static constexpr std::int64_t forever = -1;
    // Longest that is kept apart from forever; longer ones are cut to it (34 years).
    static constexpr std::int64_t seconds_max = 0x3fff'ffff;
    std::int64_t seconds = forever;
};

// An entry as a callback sees it, under the lock.
struct entry_view {
    std::string_view value;
    std::uint32_t client_flags = 0;
    std::uint64_t cas = 0;
    std::int64_t ttl = time_to_live::forever;  // seconds left, rounded as memcached's `t` shows it
    std::uint32_t age = 0;                     // seconds since it was stored
    std::uint32_t since_access = 0;            // seconds since the last fetch or store
    bool fetched = false;                      // had been fetched before this access
    bool stale = false;                        // meta: invalidated by md I / ms I
    bool win_sent = false;                     // meta: somebody was told to recache
};

// How a fetch changes the entry. Meta `mg` uses all of it; `get` none.
struct access {
    std::optional<time_to_live> touch;          // gat, touch, mg T
    std::optional<time_to_live> vivify;         // mg N: make an empty entry on a miss
    std::optional<std::int64_t> recache_below;  // mg R: win if ttl is below
    bool no_bump = false;                       // mg without a fetch: neither fetched nor hit
    std::uint64_t hint = 0;
    bool show_cas = true;  // false where the reply has none: such entries keep no cas
};

enum class get_status : std::uint8_t { miss, hit, won, vivified, no_memory };

enum class set_mode : std::uint8_t { set, add, replace, append, prepend };
enum class set_status : std::uint8_t {
    stored,
    not_stored,
    exists,
    not_found,
    too_large,
    no_memory
};

struct set_request {
    tlscache::store::key key;
    std::string_view value;
    std::uint32_t client_flags = 0;
    time_to_live ttl;
    set_mode mode = set_mode::set;
    bool vivify = false;                       // ms append/prepend with N
    std::optional<std::uint64_t> compare_cas;  // cas, ms C
    std::optional<std::uint64_t> new_cas;      // ms E
    bool invalidate = false;                   // ms I: an older cas stores as stale
    std::uint64_t hint = 0;
    bool show_cas = true;  // false where the reply has none: such entries keep no cas
};
struct set_result {
    set_status status = set_status::stored;
    std::uint64_t cas = 0;  // 0 if it was not stored, not asked for, or -C is on
};

struct erase_request {
    tlscache::store::key key;
    std::optional<std::uint64_t> compare_cas;
    std::optional<std::uint64_t> new_cas;   // md E (with stale)
    std::optional<time_to_live> stale_ttl;  // md I T: keep as stale with this TTL
    bool make_stale = false;                // md I
    bool drop_value = false;                // md x
};
enum class erase_status : std::uint8_t { erased, not_found, exists };

struct arithmetic_request {
    tlscache::store::key key;
    std::uint64_t delta = 1;
    bool decrement = false;                // stops at 0; incr wraps at 2^64
    std::optional<std::uint64_t> initial;  // ma N J: autovivify
    time_to_live vivify_ttl;
    std::optional<time_to_live> touch;  // ma T
    std::optional<std::uint64_t> compare_cas;
    std::optional<std::uint64_t> new_cas;
};
enum class arithmetic_status : std::uint8_t {
    done,
    not_found,
    not_a_number,
    exists,
    too_large,
    no_memory
};

class shard {
  public:
    shard(const shard&) = delete;
    shard& operator=(const shard&) = delete;
    ~shard();

    void prepare(std::uint64_t key_hash) const noexcept;
    void prepare_entry(std::uint64_t key_hash) const noexcept;

    // on_entry(const entry_view&, get_status) runs under the lock, on hit, won or vivified.
    template <class F>
    get_status get(const tlscache::store::key& key, const access& how, const instant& now,
                   F&& on_entry) {
        std::scoped_lock guard(mutex_);
        entry_view entry;
        const get_status status = find(key, how, now, entry);
        if (status != get_status::miss && status != get_status::no_memory) {
            on_entry(static_cast<const entry_view&>(entry), status);
        }
        return status;
    }

    set_result set(const set_request& request, const instant& now);
    erase_status erase(const erase_request& request, const instant& now);

    // on_entry(const entry_view&) runs under the lock with the new number as its value, when done.
    template <class F>
    arithmetic_status arithmetic(const arithmetic_request& request, const instant& now,
                                 F&& on_entry) {
        std::scoped_lock guard(mutex_);
        entry_view entry;
        const arithmetic_status status = calculate(request, now, entry);
        if (status == arithmetic_status::done) {
            on_entry(static_cast<const entry_view&>(entry));
        }
        return status;
    }

    // Removes and erases at most entries_max entries that are due; true if more are due.
    bool expire(const instant& now, std::size_t entries_max) noexcept;

    statistics collect() const noexcept;

  private:
    friend class store;
    struct impl;
    explicit shard(std::unique_ptr<impl> state);

    // See store::flush.
    void flush(const instant& now, std::uint64_t delay_seconds) noexcept;

    get_status find(const tlscache::store::key& key, const access& how, const instant& now,
                    entry_view& entry);
    arithmetic_status calculate(const arithmetic_request& request, const instant& now,
                                entry_view& entry);

    mutable std::mutex mutex_;
    std::unique_ptr<impl> impl_;
};

}  // namespace tlscache::store
