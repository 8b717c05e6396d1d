// NAME=ADDRESS first, then options parted by commas; an address has no comma.

#include "bench/load/server_spec.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tlscache::bench {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number > 0;
}

bool apply_option(std::string_view key, std::string_view value, server_spec& spec) {
    if (key == "pid") {
        return parse_number(value, spec.pid);
    }
    if (key == "depth") {
        return parse_number(value, spec.only_depth.emplace());
    }
    if (key != "proto") {
        return false;
    }
    spec.spoken = value == "meta"  ? protocol::meta
                  : value == "raw" ? protocol::raw
                                   : protocol::text;
    return value == "text" || value == "meta" || value == "raw";
}

}  // namespace

std::string_view name_of(transport carried) {
    return carried == transport::tcp ? "tcp" : "unix";
}

boost::system::result<server_spec, spec_error> parse_server_spec(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
        return spec_error{fmt::format("{}: not NAME=ADDRESS,pid=N", text)};
    }
    server_spec spec;
    spec.name = text.substr(0, equals);
    std::string_view rest = text.substr(equals + 1);
    const std::size_t address_end = rest.find(',');
    spec.address = rest.substr(0, address_end);
    spec.carried = spec.address.starts_with("unix:") ? transport::unix_socket : transport::tcp;
    if (spec.address.find(':') == std::string::npos) {
        return spec_error{fmt::format("{}: address is not host:port or unix:/path", text)};
    }
    while (rest.find(',') != std::string_view::npos) {
        rest.remove_prefix(rest.find(',') + 1);
        const std::string_view option = rest.substr(0, rest.find(','));
        const std::size_t sign = option.find('=');
        if (sign == std::string_view::npos ||
            !apply_option(option.substr(0, sign), option.substr(sign + 1), spec)) {
            return spec_error{fmt::format("{}: unknown option or bad value '{}'", text, option)};
        }
    }
    if (spec.pid == 0) {
        return spec_error{fmt::format("{}: pid=N is missing", text)};
    }
    return spec;
}

}  // namespace tlscache::bench
