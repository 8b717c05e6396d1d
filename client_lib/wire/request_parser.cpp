#include "client_lib/wire/request_parser.hpp"

#include <cstring>
#include <string_view>

#include "client_lib/wire/base64.hpp"
#include "client_lib/wire/command_line.hpp"

// A connection's bytes are one of: a command line, a line and its data block, a key list (taken
// key by key, so that it may be longer than any buffer), or what is left of something refused.
//
//   refused store with a readable length   one error at once, its block is swallowed
//   refused store without one              one error, then the connection ends: nobody knows
//                                          where the next command begins
//   block without its line end             the same
//
// So what somebody stored never runs as a command, whatever was wrong with its line.
//
// Lines are parsed anew when more bytes have come; only what is whole is changed (a base64 key is
// decoded over itself), so a restart sees the same bytes.

namespace tlscache::wire {
namespace {

constexpr std::size_t line_end_bytes = 2;  // CR LF behind a data block

std::string_view text_of(std::span<char> input) noexcept {
    return {input.data(), input.size()};
}

void decode_key(request& out) noexcept {
    // The key is a view into the parser's input, which the caller lends for change.
    char* const text = const_cast<char*>(out.key.data());
    out.key = {text, base64_decode(out.key, text)};
}

// The value that a set was to replace goes, as in memcached: nobody must go on finding it.
void refuse_too_large(request& out) noexcept {
    const bool drops = out.op == verb::set || out.op == verb::ms || out.op == verb::ts;
    if (drops && out.key_base64) {
        decode_key(out);
    }
    const std::string_view key = out.key;
    refuse(out, refusal::too_large, too_large_error);
    out.drop_key = drops;
    out.key = drops ? key : std::string_view();
}

refusal other_protocol(char first) noexcept {
    switch (static_cast<unsigned char>(first)) {
        case 0x16:  // a TLS record with a ClientHello, RFC 8446 5.1
            return refusal::other_tls;
        case 0x80:  // memcached's binary protocol
            return refusal::other_binary;
        case '*':  // an array of RESP
            return refusal::other_resp;
        default:
            return refusal::none;
    }
}

struct list_head {
    verb op;
    std::size_t size;  // up to where the keys begin
    std::int64_t exptime = 0;
    bool bad_exptime = false;
};

// The beginning of a key list that has at least one blank behind what belongs to its head.
bool read_list_head(std::string_view input, list_head& head) noexcept {
    const std::size_t begin = input.find_first_not_of(' ');
    if (begin == std::string_view::npos || input[begin] != 'g') {
        return false;
    }
    const std::size_t end = input.find(' ', begin);
    if (end == std::string_view::npos) {
        return false;
    }
    const std::string_view word = input.substr(begin, end - begin);
    if (word == "get" || word == "gets") {
        head = {word == "get" ? verb::get : verb::gets, end};
        return true;
    }
    if (word != "gat" && word != "gats") {
        return false;
    }
    const std::size_t number = input.find_first_not_of(' ', end);
    if (number == std::string_view::npos) {
        return false;
    }
    const std::size_t number_size = token_end(input.substr(number));
    if (number_size == std::string_view::npos) {
        return false;
    }
    std::string_view digits = input.substr(number, number_size);
    if (input[number + number_size] == '\n' && digits.ends_with('\r')) {
        digits.remove_suffix(1);
    }
    if (digits.empty()) {
        return false;
    }
    const auto exptime = read_number<std::int64_t>(digits);
    head = {word == "gat" ? verb::gat : verb::gats, number + digits.size(), exptime.value_or(0),
            !exptime};
    return true;
}

// Bytes of the line end at `at`, 0 if there is none.
std::size_t end_of_line_at(std::string_view text, std::size_t at) noexcept {
    if (text[at] == '\n') {
        return 1;
    }
    return text.substr(at, line_end_bytes) == "\r\n" ? line_end_bytes : 0;
}

std::string_view without_line_end(std::string_view line) noexcept {
    // "\r\n" alone is the word "\r" to memcached: an unknown command either way.
    if (line.size() > 1 && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

}  // namespace

request_parser::status request_parser::parse(std::span<char> input, request& out,
                                             std::size_t& consumed, std::size_t& needed) {
    consumed = 0;
    needed = 0;
    if (fresh_ && !input.empty()) {
        fresh_ = false;
        const refusal other = other_protocol(input.front());
        if (other != refusal::none) {
            out.clear();
            refuse(out, other, {});
            out.close = true;
            consumed = input.size();
            return status::parsed;
        }
    }
    if (swallow_ != 0) {
        if (!swallow(input, consumed)) {
            out.clear();
            refuse(out, refusal::bad_data, {});
            out.close = true;
            return status::parsed;
        }
        if (swallow_ != 0) {
            return status::needs_more;
        }
    }
    if (skip_line_ && !skip_line(input, consumed)) {
        return status::needs_more;
    }
    if (in_key_list_) {
        return list_item(input, out, consumed);
    }
    return line(input, out, consumed, needed);
}

bool request_parser::swallow(std::span<char> input, std::size_t& consumed) noexcept {
    const std::size_t block = swallow_ > line_end_bytes ? swallow_ - line_end_bytes : 0;
    consumed = block < input.size() ? block : input.size();
    swallow_ -= consumed;
    while (swallow_ != 0 && swallow_ <= line_end_bytes && consumed < input.size()) {
        if (input[consumed] != (swallow_ == line_end_bytes ? '\r' : '\n')) {
            swallow_ = 0;
            return false;
        }
        ++consumed;
        --swallow_;
    }
    return true;
}

bool request_parser::skip_line(std::span<char> input, std::size_t& consumed) noexcept {
    const std::size_t end = text_of(input).find('\n', consumed);
    skip_line_ = end == std::string_view::npos;
    consumed = skip_line_ ? input.size() : end + 1;
    return !skip_line_;
}

request_parser::status request_parser::line(std::span<char> input, request& out,
                                            std::size_t& consumed, std::size_t& needed) {
    const std::string_view text = text_of(input).substr(consumed);
    list_head head{};
    if (read_list_head(text, head)) {
        in_key_list_ = true;
        first_key_ = true;
        list_op_ = head.op;
        list_exptime_ = head.exptime;
        consumed += head.size;
        if (head.bad_exptime) {
            return refuse_list(out, refusal::bad_line, bad_exptime_error);
        }
        return list_item(input, out, consumed);
    }
    const std::size_t end = text.substr(0, line_bytes_max + 1).find('\n');
    if (end == std::string_view::npos) {
        if (text.size() <= line_bytes_max) {
            return status::needs_more;
        }
        out.clear();
        refuse(out, refusal::line_too_long, "CLIENT_ERROR line too long");
        out.close = true;
        consumed = input.size();
        return status::parsed;
    }
    out.clear();
    const data_block block = read_command_line(without_line_end(text.substr(0, end)), out);
    if (block.expected) {
        return with_block(text, end + 1, block.size, out, consumed, needed);
    }
    if (out.op != verb::invalid && out.key_base64) {
        decode_key(out);
    }
    consumed += end + 1;
    return status::parsed;
}

request_parser::status request_parser::with_block(std::string_view text, std::size_t line_bytes,
                                                  std::optional<std::size_t> block, request& out,
                                                  std::size_t& consumed, std::size_t& needed) {
    if (!block || *block > value_bytes_hard_max) {
        if (out.op != verb::invalid) {
            refuse(out, refusal::too_large, too_large_error);
        }
        out.close = true;
        consumed += line_bytes;
        return status::parsed;
    }
    if (out.op != verb::invalid && *block > value_bytes_max_) {
        refuse_too_large(out);
    }
    if (out.op == verb::invalid) {
        swallow_ = *block + line_end_bytes;
        consumed += line_bytes;
        return status::parsed;
    }
    const std::size_t whole = line_bytes + *block + line_end_bytes;
    if (text.size() < whole) {
        needed = whole;
        return status::needs_more;
    }
    consumed += whole;
    if (text.substr(line_bytes + *block, line_end_bytes) != "\r\n") {
        refuse(out, refusal::bad_data, bad_data_error);
        out.close = true;
        return status::parsed;
    }
    out.value = text.substr(line_bytes, *block);
    if (out.key_base64) {
        decode_key(out);
    }
    return status::parsed;
}

request_parser::status request_parser::refuse_list(request& out, refusal why,
                                                   std::string_view error) noexcept {
    out.clear();
    refuse(out, why, error);
    in_key_list_ = false;
    skip_line_ = true;
    return status::parsed;
}

request_parser::status request_parser::list_item(std::span<char> input, request& out,
                                                 std::size_t& consumed) {
    const std::string_view text = text_of(input);
    std::size_t begin = text.find_first_not_of(' ', consumed);
    if (begin == std::string_view::npos || text.substr(begin) == "\r") {
        consumed = begin == std::string_view::npos ? text.size() : begin;
        return status::needs_more;
    }
    consumed = begin;
    const std::size_t line_end = end_of_line_at(text, begin);
    if (line_end != 0) {
        consumed += line_end;
        in_key_list_ = false;
        out.clear();
        if (first_key_ && (list_op_ == verb::get || list_op_ == verb::gets)) {
            refuse(out, refusal::bad_line, "ERROR");
        } else {
            out.op = list_op_;
            out.first_key = first_key_;
        }
        return status::parsed;
    }
    // A key, and the blank or the CR LF behind it.
    const std::size_t window = key_bytes_max + line_end_bytes;
    const std::size_t end = token_end(text.substr(begin, window));
    if (end == std::string_view::npos) {
        return text.size() - begin < window
                   ? status::needs_more
                   : refuse_list(out, refusal::key_too_long, bad_line_error);
    }
    std::string_view key = text.substr(begin, end);
    if (text[begin + end] == '\n' && key.back() == '\r') {
        key.remove_suffix(1);
    }
    if (key.size() > key_bytes_max) {
        return refuse_list(out, refusal::key_too_long, bad_line_error);
    }
    out.clear();
    out.op = list_op_;
    out.key = key;
    out.exptime = list_exptime_;
    out.first_key = first_key_;
    first_key_ = false;
    consumed = begin + key.size();
    const std::size_t next = text.find_first_not_of(' ', consumed);
    const std::size_t rest = next == std::string_view::npos ? 0 : end_of_line_at(text, next);
    if (rest != 0) {
        consumed = next + rest;
        in_key_list_ = false;
    }
    out.last_key = rest != 0;
    return status::parsed;
}

}  // namespace tlscache::wire
