#pragma once

// What a shard must answer, written as a map with a clock: no memory, no policy, no layout.
// A test plays the same random operations on both.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "cache_server/store/shard.hpp"
#include "cache_server/store/time.hpp"

namespace tlscache::test {

struct model_entry {
    std::string value;
    std::uint32_t flags = 0;
    std::int64_t gone_at_ns = -1;  // -1: never
    std::int64_t stored_ns = 0;
    bool fetched = false;
    bool stale = false;
    bool win = false;
    std::uint64_t cas = 0;  // 0: not told yet since the last change
};

class store_model {
  public:
    explicit store_model(std::size_t value_bytes_max) : value_bytes_max_(value_bytes_max) {}

    using name = std::pair<std::string, bool>;  // key bytes, tagged

    // The entry if it is alive.
    model_entry* live(const name& key, const store::instant& now) {
        advance(now);
        const auto at = entries_.find(key);
        if (at == entries_.end()) {
            return nullptr;
        }
        if (at->second.gone_at_ns != -1 && at->second.gone_at_ns <= now.boot_ns) {
            entries_.erase(at);
            return nullptr;
        }
        return &at->second;
    }
    void forget(const name& key) { entries_.erase(key); }

    void flush(const store::instant& now, std::uint64_t delay) {
        flush_at_ns_ = now.boot_ns + static_cast<std::int64_t>(delay) * 1'000'000'000;
        advance(now);
    }
    void advance(const store::instant& now) {
        if (flush_at_ns_ != -1 && flush_at_ns_ <= now.boot_ns) {
            flush_at_ns_ = -1;
            entries_.clear();
        }
    }

    store::get_status get(const name& key, const store::access& how, const store::instant& now,
                          model_entry& seen);
    store::set_status set(const name& key, const store::set_request& request,
                          const store::instant& now);
    store::erase_status erase(const name& key, const store::erase_request& request,
                              const store::instant& now);
    store::arithmetic_status calculate(const name& key, const store::arithmetic_request& request,
                                       const store::instant& now, std::string& number);

    std::size_t alive(const store::instant& now) {
        advance(now);
        std::size_t count = 0;
        for (auto at = entries_.begin(); at != entries_.end();) {
            const bool gone = at->second.gone_at_ns != -1 && at->second.gone_at_ns <= now.boot_ns;
            at = gone ? entries_.erase(at) : std::next(at);
            count += gone ? 0 : 1;
        }
        return count;
    }
    const std::map<name, model_entry>& entries() const { return entries_; }

  private:
    static std::int64_t gone_at(const store::time_to_live& ttl, const store::instant& now);
    bool cas_differs(const std::optional<std::uint64_t>& asked, const model_entry& e) const {
        return asked && *asked != e.cas;
    }

    std::size_t value_bytes_max_;
    std::int64_t flush_at_ns_ = -1;
    std::map<name, model_entry> entries_;
};

}  // namespace tlscache::test
