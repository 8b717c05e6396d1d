#pragma once

// A policy with the least around it that a cache is: names, charges, a capacity.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugins/registry.hpp"

namespace tlscache::test {

class tiny_cache {
  public:
    tiny_cache(store::policy_factory make, std::uint64_t capacity)
        : capacity_(capacity), policy_(make({slots_max, capacity})) {
        for (store::slot s = slots_max; s-- > 0;) {
            free_.push_back(s);
        }
    }

    // Read-through: a miss is admitted unless it is larger than the cache. True: hit.
    bool read(const std::string& name, std::uint32_t charge) {
        const auto at = held_.find(name);
        if (at != held_.end()) {
            policy_->on_hit(at->second.slot, 0);
            return true;
        }
        if (charge > capacity_) {
            return false;
        }
        while (used_ + charge > capacity_) {
            drop(policy_->victim().value(), store::removal_cause::evicted);
        }
        const store::slot s = free_.back();
        free_.pop_back();
        held_[name] = {s, charge};
        names_[s] = name;
        used_ += charge;
        policy_->on_insert({s, std::hash<std::string>{}(name), charge, 0, 0});
        return false;
    }
    void drop(store::slot s, store::removal_cause cause) {
        const std::string name = names_.at(s);
        used_ -= held_.at(name).charge;
        held_.erase(name);
        names_.erase(s);
        free_.push_back(s);
        policy_->on_remove(s, cause);
    }
    bool has(const std::string& name) const { return held_.count(name) != 0; }
    std::uint64_t used() const { return used_; }

    static constexpr std::uint32_t slots_max = 1'000;

  private:
    struct entry {
        store::slot slot;
        std::uint32_t charge;
    };
    std::uint64_t capacity_;
    std::uint64_t used_ = 0;
    std::unique_ptr<store::eviction_policy> policy_;
    std::map<std::string, entry> held_;
    std::map<store::slot, std::string> names_;
    std::vector<store::slot> free_;
};

}  // namespace tlscache::test
