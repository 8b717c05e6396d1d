#pragma once

// What is asked and what must come back, as bytes. Item i has a key (32 hex characters of
// splitmix64) and a value of 200 bytes that follows from the key, so every reply is known whole
// before it arrives and nothing has to be remembered.
//
// Plain functions and objects: no I/O, no clock; random bits come from the seed alone.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tlscache::bench {

inline constexpr std::size_t key_bytes = 32;
inline constexpr std::size_t value_bytes = 200;
inline constexpr std::size_t multiget_keys = 32;
// The time to live of every set, in seconds: that of a TLS session, longer than any run.
inline constexpr std::string_view ttl_seconds = "7200";

enum class protocol {
    text,  // memcached's classic commands
    meta,  // memcached's meta commands
    raw,   // the floor server's: the bytes of text, one fixed reply for each kind of request
};

enum class operation { get, set, multiget };

// Sebastiano Vigna's splitmix64: a bijection of 64 bits, so that no two items share a key.
constexpr std::uint64_t splitmix64(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

std::string key_of(std::uint64_t item);
std::string value_of(std::uint64_t item);

// The replies that a batch of requests must get, byte for byte. A part ends at `end`; if it
// carries a value, that begins at `value_begin`, else value_begin == end.
struct reply_part {
    std::size_t value_begin;
    std::size_t end;
};
struct expected_replies {
    std::string bytes;
    std::vector<reply_part> parts;

    void clear() {
        bytes.clear();
        parts.clear();
    }
};

// Appends one request for the given items (multiget: all in one request, else exactly one) and
// what must be answered when all of them are there.
void append_exchange(protocol spoken, operation asked, const std::vector<std::uint64_t>& items,
                     std::string& request, expected_replies& expected);

// What a connection sends in one write before it waits for all the replies.
struct shape {
    std::string_view name;
    operation asked;
    std::size_t depth;     // requests in a batch
    unsigned set_percent;  // of the requests that are sets instead
};

// In the order of the table.
const std::vector<shape>& all_shapes();
std::optional<shape> shape_named(std::string_view name);

// Makes batches of one shape: uniform random items, or each item once in order (to fill).
class batch_maker {
  public:
    batch_maker(const shape& made, protocol spoken, std::uint64_t items, std::uint64_t seed)
        : shape_(made), protocol_(spoken), items_(items), random_(seed) {}

    // A set of each of the items, in order; then make() returns 0.
    static batch_maker filling(protocol spoken, std::uint64_t items);

    // Replaces the contents of both by the next batch. Returns its operations: a multiget counts
    // its keys, everything else its requests.
    std::size_t make(std::string& request, expected_replies& expected);

  private:
    std::uint64_t random_below(std::uint64_t bound) noexcept;
    std::uint64_t next_item() noexcept;

    shape shape_;
    protocol protocol_;
    std::uint64_t items_;
    std::uint64_t random_;
    std::optional<std::uint64_t> next_in_order_;
    std::vector<std::uint64_t> chosen_;
};

}  // namespace tlscache::bench
