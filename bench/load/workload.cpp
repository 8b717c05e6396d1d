// Everything that either side says is a function of the item's number:
//
//   k = splitmix64(i)        key   = hex(k) hex(splitmix64(k))
//                            value = splitmix64(k + 1 * step), splitmix64(k + 2 * step), ...
//
// The values are binary and contain line ends now and then, which a server must not mind. The
// same item always has the same value, so gets and sets of many connections may overlap.

#include "bench/load/workload.hpp"

#include <array>
#include <cstring>

namespace tlscache::bench {
namespace {

constexpr std::uint64_t value_step = 0xd1342543de82ef95;
static_assert(value_bytes % sizeof(std::uint64_t) == 0);

void append_hex(std::uint64_t word, std::string& out) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::array<char, 16> text{};
    for (std::size_t i = text.size(); i-- > 0; word >>= 4) {
        text[i] = digits[word & 15];
    }
    out.append(text.data(), text.size());
}

void append_key(std::uint64_t item, std::string& out) {
    const std::uint64_t first = splitmix64(item);
    append_hex(first, out);
    append_hex(splitmix64(first), out);
}

void append_value(std::uint64_t item, std::string& out) {
    std::array<std::uint64_t, value_bytes / sizeof(std::uint64_t)> words{};
    std::uint64_t state = splitmix64(item);
    for (std::uint64_t& word : words) {
        state += value_step;
        word = splitmix64(state);
    }
    std::array<char, value_bytes> bytes{};
    std::memcpy(bytes.data(), words.data(), bytes.size());
    out.append(bytes.data(), bytes.size());
}

void end_part(expected_replies& expected) {
    expected.parts.push_back({expected.bytes.size(), expected.bytes.size()});
}

void expect_value(protocol spoken, std::uint64_t item, expected_replies& expected) {
    if (spoken == protocol::meta) {
        expected.bytes += "VA 200\r\n";
    } else {
        expected.bytes += "VALUE ";
        append_key(item, expected.bytes);
        expected.bytes += " 0 200\r\n";
    }
    const std::size_t begin = expected.bytes.size();
    append_value(item, expected.bytes);
    expected.bytes += "\r\n";
    expected.parts.push_back({begin, expected.bytes.size()});
}

void append_get(protocol spoken, std::uint64_t item, std::string& request,
                expected_replies& expected) {
    request += spoken == protocol::meta ? "mg " : "get ";
    append_key(item, request);
    request += spoken == protocol::meta ? " v\r\n" : "\r\n";
    // The floor server keeps nothing: all its replies carry item 0.
    expect_value(spoken, spoken == protocol::raw ? 0 : item, expected);
    if (spoken != protocol::meta) {
        expected.bytes += "END\r\n";
        expected.parts.back().end = expected.bytes.size();
    }
}

void append_set(protocol spoken, std::uint64_t item, std::string& request,
                expected_replies& expected) {
    request += spoken == protocol::meta ? "ms " : "set ";
    append_key(item, request);
    if (spoken == protocol::meta) {
        request.append(" 200 T").append(ttl_seconds).append("\r\n");
    } else {
        request.append(" 0 ").append(ttl_seconds).append(" 200\r\n");
    }
    append_value(item, request);
    request += "\r\n";
    expected.bytes += spoken == protocol::meta ? "HD\r\n" : "STORED\r\n";
    end_part(expected);
}

void append_multiget(protocol spoken, const std::vector<std::uint64_t>& items, std::string& request,
                     expected_replies& expected) {
    // The floor server tells kinds of request apart by their first byte.
    request += spoken == protocol::raw ? "met" : spoken == protocol::text ? "get" : "";
    for (const std::uint64_t item : items) {
        request += spoken == protocol::meta ? "mg " : " ";
        append_key(item, request);
        if (spoken == protocol::meta) {
            request += " v q\r\n";
        }
        expect_value(spoken, spoken == protocol::raw ? 0 : item, expected);
    }
    request += spoken == protocol::meta ? "mn\r\n" : "\r\n";
    expected.bytes += spoken == protocol::meta ? "MN\r\n" : "END\r\n";
    end_part(expected);
}

}  // namespace

std::string key_of(std::uint64_t item) {
    std::string key;
    append_key(item, key);
    return key;
}

std::string value_of(std::uint64_t item) {
    std::string value;
    append_value(item, value);
    return value;
}

void append_exchange(protocol spoken, operation asked, const std::vector<std::uint64_t>& items,
                     std::string& request, expected_replies& expected) {
    switch (asked) {
        case operation::get:
            return append_get(spoken, items.front(), request, expected);
        case operation::set:
            return append_set(spoken, items.front(), request, expected);
        case operation::multiget:
            return append_multiget(spoken, items, request, expected);
    }
}

const std::vector<shape>& all_shapes() {
    static const std::vector<shape> shapes = {
        {"get-d1", operation::get, 1, 0},      {"get-d32", operation::get, 32, 0},
        {"set-d1", operation::set, 1, 0},      {"set-d32", operation::set, 32, 0},
        {"mix-d1", operation::get, 1, 10},     {"mix-d32", operation::get, 32, 10},
        {"mget32", operation::multiget, 1, 0},
    };
    return shapes;
}

std::optional<shape> shape_named(std::string_view name) {
    for (const shape& each : all_shapes()) {
        if (each.name == name) {
            return each;
        }
    }
    return std::nullopt;
}

batch_maker batch_maker::filling(protocol spoken, std::uint64_t items) {
    batch_maker made({"fill", operation::set, 32, 0}, spoken, items, 0);
    made.next_in_order_ = 0;
    return made;
}

// Multiply and shift: uniform to within bound / 2^64, and no division.
std::uint64_t batch_maker::random_below(std::uint64_t bound) noexcept {
    __extension__ using uint128 = unsigned __int128;
    return static_cast<std::uint64_t>((uint128{splitmix64(random_++)} * bound) >> 64);
}

std::uint64_t batch_maker::next_item() noexcept {
    return next_in_order_ ? (*next_in_order_)++ : random_below(items_);
}

std::size_t batch_maker::make(std::string& request, expected_replies& expected) {
    request.clear();
    expected.clear();
    const std::size_t keys = shape_.asked == operation::multiget ? multiget_keys : 1;
    std::size_t operations = 0;
    for (std::size_t i = 0; i < shape_.depth; ++i) {
        if (next_in_order_ == items_) {
            break;
        }
        chosen_.clear();
        for (std::size_t k = 0; k < keys; ++k) {
            chosen_.push_back(next_item());
        }
        const bool set = shape_.set_percent > 0 && random_below(100) < shape_.set_percent;
        append_exchange(protocol_, set ? operation::set : shape_.asked, chosen_, request, expected);
        operations += keys;
    }
    return operations;
}

}  // namespace tlscache::bench
