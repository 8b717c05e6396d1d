// The store against a map with a clock: random operations of every kind, every policy, with room
// for everything (then the answers are equal) and without (then only evictions may differ, and
// each of them is accounted for).

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>

#include "tests/unit/store_model.hpp"
#include "tests/unit/store_support.hpp"

namespace tlscache::test {

namespace {

constexpr std::size_t value_bytes_max = 16'384;

store::store_options options_for(std::size_t bytes_max, const char* policy) {
    store::store_options options = cache::with(bytes_max, policy);
    options.value_bytes_max = value_bytes_max;
    return options;
}

// Plays one run; a difference fails with the step's number.
class player {
  public:
    // `rush`: in how many percent of the steps time passes; the slower, the fuller it gets.
    player(std::size_t bytes_max, const char* policy, std::uint64_t run_seed, std::uint64_t keys,
           unsigned rush)
        : random_(run_seed),
          keys_(keys),
          rush_(rush),
          cache_(options_for(bytes_max, policy)),
          model_(value_bytes_max) {}

    void play(std::uint64_t steps) {
        for (step_ = 0; step_ < steps; ++step_) {
            play_one();
            if (step_ % 4096 == 0) {
                check_totals();
            }
        }
        check_totals();
        cache_.pass(1);
        cache_.tick();
        check_all();
    }

  private:
    std::uint64_t pick(std::uint64_t n) { return random_() % n; }
    bool chance(unsigned percent) { return pick(100) < percent; }
    void expect(bool ok, const char* what) {
        if (!ok) {
            FAIL("step ", step_, ": ", std::string(what));
        }
    }

    store_model::name name() {
        const std::uint64_t n = pick(keys_);
        std::string bytes = "key-" + std::to_string(n);
        if (n % 3 == 0) {
            bytes.resize(18, '#');
            return {bytes, chance(50)};
        }
        if (n % 17 == 0) {
            bytes.resize(250, 'k');
        }
        return {bytes, false};
    }
    store::key key(const store_model::name& n) const { return cache_.key(n.first, n.second); }

    std::string value() {
        if (chance(30)) {
            return std::to_string(random_() >> pick(64));
        }
        if (chance(4)) {
            const char* const odd[] = {"",
                                       " 7",
                                       "12 x",
                                       "-1",
                                       "+5",
                                       "0012",
                                       "99999999999999999999",
                                       "18446744073709551615",
                                       "1x",
                                       "-0"};
            return odd[pick(std::size(odd))];
        }
        const std::size_t most = chance(5) ? value_bytes_max + 200 : 400;
        return std::string(pick(most), static_cast<char>('a' + pick(26)));
    }
    store::time_to_live ttl() {
        return {chance(40) ? store::time_to_live::forever
                           : static_cast<std::int64_t>(chance(3) ? 0 : 1 + pick(30))};
    }
    // Mostly the right one, if it is known.
    std::optional<std::uint64_t> cas_guess(const store_model::name& n) {
        if (!chance(25)) {
            return std::nullopt;
        }
        const model_entry* const e = model_.live(n, cache_.now);
        if (e != nullptr && e->cas == 0) {
            show_cas(n);
        }
        if (e != nullptr && chance(70)) {
            return e->cas;
        }
        return chance(20) ? 0 : 1 + pick(1'000);
    }
    std::optional<std::uint64_t> new_cas() {
        return chance(5) ? std::optional<std::uint64_t>(1'000 + pick(1'000'000)) : std::nullopt;
    }

    // Learns the entry's cas, which must be one that this key never had, unless it was asked for.
    void learn_cas(const store_model::name& n, std::uint64_t cas) {
        model_entry* const e = model_.live(n, cache_.now);
        if (e == nullptr || cas == 0) {
            return;
        }
        if (e->cas != 0) {
            expect(e->cas == cas, "cas changed by itself, or is not the one asked for");
        } else {
            expect(cas > last_cas_[n], "cas not larger than the one before");
            last_cas_[n] = cas;
            e->cas = cas;
        }
    }
    void show_cas(const store_model::name& n) {
        store::access quietly;
        quietly.no_bump = true;
        const store::key k = key(n);
        cache_.shard_of(k).get(k, quietly, cache_.now,
                               [&](const store::entry_view& e, store::get_status status) {
                                   model_entry* const m = model_.live(n, cache_.now);
                                   m->win = m->win || status == store::get_status::won;
                                   learn_cas(n, e.cas);
                               });
    }

    // If the store no longer has what the model has, it must have been evicted.
    void account_for_eviction(const store_model::name& n) {
        if (model_.live(n, cache_.now) == nullptr) {
            return;
        }
        store::access quietly;
        quietly.no_bump = true;
        quietly.show_cas = false;
        const store::key k = key(n);
        const auto on_entry = [&](const store::entry_view&, store::get_status status) {
            model_entry* const m = model_.live(n, cache_.now);
            m->win = m->win || status == store::get_status::won;
        };
        if (cache_.shard_of(k).get(k, quietly, cache_.now, on_entry) == store::get_status::miss) {
            ++evictions_seen_;
            expect(evictions_seen_ <= cache_.entries.collect().evicted, "lost, but not evicted");
            model_.forget(n);
        }
    }

    void play_one() {
        if (chance(rush_)) {
            cache_.now.boot_ns += static_cast<std::int64_t>(pick(second_ns));
        }
        if (pick(50'000 / rush_) == 0) {
            const std::uint64_t delay = pick(4);
            cache_.entries.flush(cache_.now, delay);
            model_.flush(cache_.now, delay);
        }
        if (chance(1)) {
            cache_.entries.expire(cache_.now, 1 + pick(50));
        }
        const store_model::name n = name();
        account_for_eviction(n);
        const std::uint64_t what = pick(100);
        if (what < 35) {
            get(n);
        } else if (what < 75) {
            set(n);
        } else if (what < 85) {
            erase(n);
        } else {
            calculate(n);
        }
    }

    void get(const store_model::name& n) {
        store::access how;
        how.no_bump = chance(20);
        how.show_cas = chance(30);
        if (chance(10)) {
            how.touch = ttl();
        }
        if (chance(10)) {
            how.vivify = store::time_to_live{static_cast<std::int64_t>(1 + pick(30))};
        }
        if (chance(10)) {
            how.recache_below = static_cast<std::int64_t>(pick(40));
        }
        model_entry wanted;
        const store::get_status status = model_.get(n, how, cache_.now, wanted);
        const store::key k = key(n);
        const auto compare = [&](const store::entry_view& e, store::get_status) {
            expect(e.value == wanted.value, "get: value");
            expect(e.client_flags == wanted.flags, "get: flags");
            expect(e.fetched == wanted.fetched, "get: fetched");
            expect(e.stale == wanted.stale, "get: stale");
            expect(e.win_sent == wanted.win, "get: win");
            expect(e.age == cache_.now.boot_seconds() - wanted.stored_ns / second_ns, "get: age");
            const std::int64_t left = wanted.gone_at_ns - cache_.now.boot_ns;
            expect(wanted.gone_at_ns == -1
                       ? e.ttl == -1
                       : e.ttl == std::max<std::int64_t>(0, (left + 499'999'999) / second_ns),
                   "get: ttl");
            learn_cas(n, e.cas);
        };
        expect(cache_.shard_of(k).get(k, how, cache_.now, compare) == status, "get: status");
    }

    void set(const store_model::name& n) {
        const std::string bytes = value();
        store::set_request request;
        request.key = key(n);
        request.value = bytes;
        request.client_flags = chance(20) ? static_cast<std::uint32_t>(random_()) : 0;
        request.ttl = ttl();
        request.mode = chance(60) ? store::set_mode::set : static_cast<store::set_mode>(pick(5));
        request.vivify = chance(20);
        request.compare_cas = cas_guess(n);
        request.new_cas = new_cas();
        request.invalidate = chance(20);
        request.show_cas = chance(30);
        const store::set_status status = model_.set(n, request, cache_.now);
        const store::set_result result = cache_.set(request);
        if (result.status != status) {
            FAIL("step ", step_, ": set: status ", static_cast<int>(result.status),
                 ", the model's ", static_cast<int>(status), ", value of ", bytes.size(),
                 " bytes, mode ", static_cast<int>(request.mode));
        }
        expect(request.show_cas || result.cas == 0, "set: cas shown");
        if (status == store::set_status::stored) {
            learn_cas(n, result.cas);
        }
    }

    void erase(const store_model::name& n) {
        store::erase_request request;
        request.compare_cas = cas_guess(n);
        request.make_stale = chance(40);
        request.drop_value = chance(20);
        request.new_cas = request.make_stale || request.drop_value ? new_cas() : std::nullopt;
        if (request.make_stale && chance(50)) {
            request.stale_ttl = ttl();
        }
        request.key = key(n);
        const store::erase_status status = model_.erase(n, request, cache_.now);
        expect(cache_.shard_of(request.key).erase(request, cache_.now) == status, "erase: status");
    }

    void calculate(const store_model::name& n) {
        store::arithmetic_request request;
        request.key = key(n);
        request.delta = random_() >> pick(64);
        request.decrement = chance(50);
        request.compare_cas = cas_guess(n);
        request.new_cas = new_cas();
        if (chance(30)) {
            request.initial = random_() >> pick(64);
            request.vivify_ttl = ttl();
            request.vivify_ttl.seconds += request.vivify_ttl.seconds == 0 ? 1 : 0;
        }
        if (chance(20)) {
            request.touch = ttl();
        }
        std::string number;
        const auto status = model_.calculate(n, request, cache_.now, number);
        const auto compare = [&](const store::entry_view& e) {
            expect(e.value == number, "arithmetic: number");
            learn_cas(n, e.cas);
        };
        expect(cache_.shard_of(request.key).arithmetic(request, cache_.now, compare) == status,
               "arithmetic: status");
    }

    void check_totals() {
        const store::statistics s = cache_.entries.collect();
        expect(s.bytes <= s.bytes_max && s.bytes_resident <= s.bytes_max,
               "more bytes than allowed");
        expect(s.items_total ==
                   s.items + s.expired + s.evicted + s.deleted + s.overwritten + s.flushed,
               "entries that went without a cause");
    }

    void check_all() {
        const std::uint64_t unseen = cache_.entries.collect().evicted - evictions_seen_;
        const std::size_t before = model_.alive(cache_.now);
        const auto copy = model_.entries();
        for (const auto& held : copy) {
            account_for_eviction(held.first);
        }
        const std::size_t alive = model_.alive(cache_.now);
        expect(before - alive <= unseen, "lost at the end");
        expect(cache_.entries.collect().items == alive, "items at the end");
        evicted = cache_.entries.collect().evicted;
    }

    std::mt19937_64 random_;
    std::uint64_t keys_;
    unsigned rush_;
    cache cache_;
    store_model model_;
    std::map<store_model::name, std::uint64_t> last_cas_;
    std::uint64_t step_ = 0;
    std::uint64_t evictions_seen_ = 0;

  public:
    std::uint64_t evicted = 0;
};

}  // namespace

TEST_CASE("the store answers as a map with a clock would, whatever is asked, under every policy") {
    const auto policies = plugins::eviction_policies();
    const std::uint64_t each = operations(1'000'000) / policies.size() / 2;
    MESSAGE("seed ", seed(), ", ", each, " operations per run");
    for (const auto& policy : policies) {
        CAPTURE(policy.name);
        player roomy(16 * mebibyte, policy.name.data(), seed(), 300, 10);
        roomy.play(each);
        CHECK(roomy.evicted == 0);
        player tight(mebibyte, policy.name.data(), seed() + 1, 5'000, 1);
        tight.play(each);
        CHECK((tight.evicted > 0 || each < 50'000));
    }
}

}  // namespace tlscache::test
