// Bytes an entry and nanoseconds a call of the bare store.
//
// Bytes are the memory that is there after filling, as the store accounts for it and as the
// kernel counts it (RssAnon and RssShmem before and after), less key and value, per entry. Times
// are CPU times of one thread; lookups come in an order that is not the order of storing, and copy
// the value as a reply would. "batch" prefetches 16 keys before it looks them up.

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>

#include "cache_server/store/store.hpp"
#include "plugins/registry.hpp"

namespace {

using namespace tlscache;

std::uint64_t scrambled(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebu;
    return x ^ (x >> 31);
}

std::size_t resident_bytes() {
    std::ifstream status("/proc/self/status");
    std::string word;
    std::size_t sum = 0;
    while (status >> word) {
        if (word == "RssAnon:" || word == "RssShmem:") {
            std::size_t kibibytes = 0;
            status >> kibibytes;
            sum += kibibytes * 1024;
        }
    }
    return sum;
}

// The n-th key, without a table of them.
std::string_view key_of(std::uint64_t n, std::size_t bytes, std::array<char, 64>& room) {
    for (std::size_t i = 0; i < room.size(); i += 8) {
        const std::uint64_t part = scrambled(n * 8 + i + 1);
        std::memcpy(room.data() + i, &part, 8);
    }
    return {room.data(), bytes};
}

// CPU time, so that other jobs on the machine count little.
double thread_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class F>
double ns_each(std::uint64_t count, F&& body) {
    const double begin = thread_ns();
    body();
    return (thread_ns() - begin) / static_cast<double>(count);
}

struct workload {
    std::size_t key_bytes;
    std::size_t value_bytes;
};

class run {
  public:
    run(const workload& load, std::uint64_t count, store::policy_factory policy)
        : load_(load), count_(count), before_(resident_bytes()), entries_(options(policy), now_) {}

    void fill() {
        const std::string value(load_.value_bytes, 'v');
        for (std::uint64_t n = 0; n < count_; ++n) {
            store::set_request request;
            request.key = key(n, 0);
            request.value = value;
            request.ttl = {7'200};
            request.show_cas = false;
            entries_.shard_of(request.key.hash).set(request, now_);
        }
    }
    std::uint64_t look_up(std::uint64_t batch) {
        std::uint64_t hits = 0;
        for (std::uint64_t n = 0; n < count_; n += batch) {
            std::array<store::key, batch_max> keys;
            for (std::uint64_t i = 0; i < batch; ++i) {
                keys[i] = key((n + i) * 514'229 % count_, i);
                if (batch > 1) {
                    entries_.prepare(keys[i].hash);
                }
            }
            for (std::uint64_t i = 0; i < batch; ++i) {
                hits += get(keys[i]) ? 1 : 0;
            }
        }
        return hits;
    }
    void report(double set_ns, double get_ns, double batch_ns, std::uint64_t hits) const {
        const store::statistics s = entries_.collect();
        const auto items = static_cast<double>(s.items);
        const auto payload = static_cast<double>(load_.key_bytes + load_.value_bytes);
        fmt::print(
            "{:>3}+{:<4} {:>9} entries, {:>6.1f} B/entry over payload accounted, {:>6.1f} "
            "by RSS; set {:>5.0f} ns, get {:>5.0f} ns, batch of 16 {:>5.0f} ns; {} hits, "
            "{} moved\n",
            load_.key_bytes, load_.value_bytes, s.items,
            static_cast<double>(s.bytes_resident) / items - payload,
            static_cast<double>(resident_bytes() - before_) / items - payload, set_ns, get_ns,
            batch_ns, hits, s.moved);
    }

    static constexpr std::uint64_t batch_max = 16;

  private:
    store::store_options options(store::policy_factory policy) const {
        store::store_options o;
        o.bytes_max = (count_ * (load_.key_bytes + load_.value_bytes + 50) + (16u << 20)) & ~0xfffu;
        o.policy = policy;
        o.lock_memory = store::lock_memory_mode::off;
        return o;
    }
    store::key key(std::uint64_t n, std::uint64_t room) {
        const std::string_view bytes = key_of(n, load_.key_bytes, rooms_[room]);
        return {bytes, entries_.hash(bytes, false), false};
    }
    bool get(const store::key& k) {
        store::access how;
        how.show_cas = false;
        const auto copy = [&](const store::entry_view& e, store::get_status) {
            std::memcpy(reply_.data(), e.value.data(), e.value.size());
        };
        return entries_.shard_of(k.hash).get(k, how, now_, copy) == store::get_status::hit;
    }

    workload load_;
    std::uint64_t count_;
    std::size_t before_;
    store::instant now_{1'000'000'000'000, 0};
    store::store entries_;
    std::array<std::array<char, 64>, batch_max> rooms_{};
    std::array<char, 4096> reply_{};
};

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t asked = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    const std::uint64_t count = asked / run::batch_max * run::batch_max;
    const auto policy = plugins::find_eviction_policy(argc > 2 ? argv[2] : "lru");
    if (policy == nullptr || count == 0) {
        fmt::print(stderr, "usage: store_cost [ENTRIES [POLICY]]\n");
        return 2;
    }
    for (const workload& load : {workload{32, 200}, workload{18, 111}, workload{18, 93}}) {
        run one(load, count, policy);
        std::uint64_t hits = 0;
        const double set_ns = ns_each(count, [&] { one.fill(); });
        const double get_ns = ns_each(count, [&] { hits = one.look_up(1); });
        const double batch_ns = ns_each(count, [&] { one.look_up(run::batch_max); });
        one.report(set_ns, get_ns, batch_ns, hits);
    }
    return 0;
}
