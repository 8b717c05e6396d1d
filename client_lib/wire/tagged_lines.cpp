#include <algorithm>
#include <bitset>

#include "client_lib/wire/base64.hpp"
#include "client_lib/wire/command_line.hpp"

// The extension commands of PROTOCOL.md section 2.

namespace tlscache::wire {
namespace {

constexpr std::string_view bad_flag_error = "CLIENT_ERROR invalid flag";
constexpr std::size_t hint_digits = 16;
constexpr std::size_t flight_key_bytes = 32;
constexpr std::int64_t ttl_max = 0x3fff'ffff;  // 34 years; the store keeps no more

bool read_hint(std::string_view digits, std::uint64_t& hint) noexcept {
    const char* const end = digits.data() + digits.size();
    const auto [last, error] = std::from_chars(digits.data(), end, hint, 16);
    return digits.size() == hint_digits && error == std::errc() && last == end;
}

bool read_ttl(std::string_view digits, meta_flags& meta) noexcept {
    meta.ttl = read_number<std::int64_t>(digits);
    return meta.ttl && *meta.ttl >= 1 && *meta.ttl <= ttl_max;
}

bool take_flag(std::string_view flag, request& out) noexcept {
    const std::string_view token = flag.substr(1);
    switch (flag.front()) {
        case 'q':
            out.meta.quiet = true;
            return token.empty();
        case 'k':
            out.meta.echoes = true;
            return token.empty();
        case 'O':
            out.meta.echoes = true;
            return !token.empty() && flag.size() <= opaque_bytes_max;
        case 'h':
            return read_hint(token, out.meta.hint);
        case 'T':
            return out.op == verb::ts && read_ttl(token, out.meta);
        case 'J':
            out.meta.judge = true;
            return out.op == verb::tg && base64_check(token) == flight_key_bytes;
        default:
            return false;
    }
}

bool take_flags(request& out) noexcept {
    std::bitset<256> seen;
    flag_reader flags(out.meta.text);
    for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
        const auto name = static_cast<unsigned char>(flag.front());
        if (seen[name] || !take_flag(flag, out)) {
            return false;
        }
        seen[name] = true;
    }
    return true;
}

}  // namespace

data_block read_tagged(line_reader& args, request& out) noexcept {
    out.meta = {};
    data_block block;
    if (out.op == verb::tk) {
        return block;
    }
    out.key = args.next();
    if (out.op == verb::ts) {
        block.expected = true;
        block.size = read_number<std::size_t>(args.next());
        if (!block.size) {
            refuse(out, refusal::bad_line, bad_line_error);
            return block;
        }
    }
    out.meta.text = args.rest();
    if (base64_check(out.key) != tagged_key_bytes) {
        refuse(out, refusal::bad_line, "CLIENT_ERROR bad key");
        return block;
    }
    out.key_base64 = true;
    if (!take_flags(out)) {
        refuse(out, refusal::bad_line, bad_flag_error);
    } else if (out.op == verb::ts && !out.meta.ttl) {
        refuse(out, refusal::bad_line, "CLIENT_ERROR T flag required");
    }
    return block;
}

}  // namespace tlscache::wire
