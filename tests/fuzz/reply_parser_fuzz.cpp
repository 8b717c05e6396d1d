#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "client_lib/wire/reply_parser.hpp"

// First byte: what was asked. The rest: what a node says to it, once whole and once byte by byte.
// Both must come to the same end, inside the bytes that came.

namespace {

using tlscache::wire::asked;
using tlscache::wire::reply;
using tlscache::wire::reply_parser;

constexpr std::uint8_t kinds = 6;
constexpr std::size_t value_bytes_max = 64;

struct result {
    reply_parser::status status = reply_parser::status::needs_more;
    reply value;
    std::size_t consumed = 0;
};

void must(bool good) {
    if (!good) {
        std::abort();
    }
}

result parse(reply_parser& parser, std::string_view input, asked what) {
    result out;
    std::size_t needed = 0;
    out.status = parser.parse(input, what, out.value, out.consumed, needed);
    if (out.status == reply_parser::status::needs_more) {
        must(needed > input.size());
        must(needed <= tlscache::wire::reply_line_bytes_max + value_bytes_max + 4);
    } else if (out.status == reply_parser::status::parsed) {
        must(out.consumed != 0 && out.consumed <= input.size());
        must(out.value.value.size() <= value_bytes_max);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto what = static_cast<asked>(data[0] % kinds);
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    reply_parser whole(value_bytes_max);
    const result expected = parse(whole, input, what);
    reply_parser bytewise(value_bytes_max);
    result got;
    for (std::size_t n = 0; n <= input.size(); ++n) {
        got = parse(bytewise, input.substr(0, n), what);
        if (got.status != reply_parser::status::needs_more) {
            break;
        }
    }
    must(got.status == expected.status);
    must(got.consumed == expected.consumed);
    must(got.status != reply_parser::status::parsed || got.value.kind == expected.value.kind);
    must(got.status != reply_parser::status::parsed || got.value.value == expected.value.value);
    return 0;
}
