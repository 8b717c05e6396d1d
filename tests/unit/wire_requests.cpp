#include "tests/unit/wire_requests.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace tlscache::testing {

std::string describe(const wire::request& request) {
    const wire::meta_flags& meta = request.meta;
    std::string text = fmt::format(
        "op {} key '{}'{}{} first {} last {} noreply {} flags {} exptime {} cas {} delta {} value "
        "'{}'",
        static_cast<int>(request.op), request.key, request.key_base64 ? " base64" : "",
        request.tagged() ? " tagged" : "", request.first_key, request.last_key, request.noreply,
        request.client_flags, request.exptime, request.cas, request.delta, request.value);
    if (request.op > wire::verb::mn && request.op < wire::verb::tk) {
        text += fmt::format(
            " meta '{}' q{} v{} u{} I{} x{} J{} echo{} M{} F{} T{} N{} R{} C{} E{} J{} D{} h{}",
            meta.text, meta.quiet, meta.value, meta.no_bump, meta.set_stale, meta.drop_value,
            meta.judge, meta.echoes, static_cast<int>(meta.mode), meta.client_flags,
            meta.ttl.value_or(-99), meta.vivify_ttl.value_or(-99), meta.recache.value_or(-99),
            meta.compare_cas.value_or(99), meta.new_cas.value_or(99), meta.initial, meta.delta,
            meta.hint);
    }
    return text + fmt::format(" argument '{}' error '{}' why {} drop {} close {}", request.argument,
                              request.error, static_cast<int>(request.why), request.drop_key,
                              request.close);
}

parsed_requests parse_pieces(const std::vector<std::string_view>& pieces,
                             std::size_t value_bytes_max) {
    wire::request_parser parser(value_bytes_max);
    parsed_requests all;
    std::string input;
    for (const std::string_view piece : pieces) {
        input += piece;
        for (;;) {
            wire::request request;
            std::size_t consumed = 0;
            std::size_t needed = 0;
            const auto status = parser.parse(input, request, consumed, needed);
            REQUIRE(consumed <= input.size());
            if (status == wire::request_parser::status::needs_more) {
                input.erase(0, consumed);
                // What it says it needs is more than it has.
                REQUIRE((needed == 0 || needed > input.size()));
                break;
            }
            all.requests.push_back(describe(request));
            input.erase(0, consumed);
            if (request.close) {
                all.closed = true;
                all.rest = input;
                return all;
            }
        }
    }
    all.rest = input;
    return all;
}

parsed_requests parse_whole(std::string_view bytes, std::size_t value_bytes_max) {
    return parse_pieces({bytes}, value_bytes_max);
}

}  // namespace tlscache::testing
