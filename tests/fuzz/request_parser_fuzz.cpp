// Bytes of a stranger through the request parser: it never reads beyond them, always comes to an
// end, and finds the same wherever they are cut. The first byte says where.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client_lib/wire/base64.hpp"
#include "client_lib/wire/request_parser.hpp"

namespace {

using tlscache::wire::request;
using tlscache::wire::request_parser;

void demand(bool held) {
    if (!held) {
        std::abort();
    }
}

void check(const request& found) {
    demand(found.key.size() <= tlscache::wire::key_bytes_max);
    demand(found.value.size() <= tlscache::wire::value_bytes_default);
    if (found.op == tlscache::wire::verb::invalid) {
        demand(found.why != tlscache::wire::refusal::none);
        demand(found.error.size() < 128);
    }
}

// Everything found, as one text; keys that were empty ends of lists leave no trace.
std::string parse(std::string_view first, std::string_view second) {
    request_parser parser;
    std::string found;
    // A heap copy of the exact size, so that the sanitizer sees a read beyond it.
    std::string input(first);
    for (const std::string_view next : {second, std::string_view()}) {
        for (;;) {
            request one;
            std::size_t consumed = 0;
            std::size_t needed = 0;
            const auto status = parser.parse(input, one, consumed, needed);
            demand(consumed <= input.size());
            if (status == request_parser::status::needs_more) {
                demand(needed == 0 || needed > input.size() - consumed);
                input.erase(0, consumed);
                break;
            }
            check(one);
            demand(consumed != 0 || one.close || one.op == tlscache::wire::verb::invalid);
            if (!one.key.empty() || one.op == tlscache::wire::verb::invalid) {
                found += std::to_string(static_cast<int>(one.op));
                found += std::string(one.key) + "|" + std::string(one.value) + "|";
                found += std::string(one.meta.text) + "|" + std::string(one.error) + "\n";
            }
            if (one.close) {
                return found + "closed";
            }
            input.erase(0, consumed);
        }
        input += next;
    }
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
    const std::size_t at = (std::size_t{data[0]} << 8 | data[1]) % (bytes.size() + 1);
    demand(parse(bytes, {}) == parse(bytes.substr(0, at), bytes.substr(at)));

    const auto decoded = tlscache::wire::base64_check(bytes);
    if (decoded) {
        std::string memory(bytes);
        demand(tlscache::wire::base64_decode(memory, memory.data()) == *decoded);
        tlscache::wire::base64_encode(std::string_view(memory.data(), *decoded), memory.data());
        demand(memory == bytes);
    }
    return 0;
}
