#pragma once

// Counts what this thread allocates. It replaces operator new in every program that links it.

namespace tlscache::testing {

// While one lives, allocations of its thread are counted; one at a time.
class allocation_count {
  public:
    allocation_count() noexcept;
    ~allocation_count();
    allocation_count(const allocation_count&) = delete;
    allocation_count& operator=(const allocation_count&) = delete;

    int so_far() const noexcept;

    // Clang's sanitizers bring an operator new of their own; nothing is counted beside it.
    static bool possible() noexcept;
};

}  // namespace tlscache::testing
