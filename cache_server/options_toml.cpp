// The file of --config: the long option names as keys, one table, no sections. A value's type must
// fit its option; the first mistake ends it, told with file, line and key.

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cache_server/options_table.hpp"

namespace tlscache {
namespace {

std::string_view kind_name(value_kind kind) {
    switch (kind) {
        case value_kind::flag:
            return "true or false";
        case value_kind::level:
        case value_kind::number:
            return "a number";
        case value_kind::size:
            return "a number or a text";
        case value_kind::text:
            return "a text";
        case value_kind::list:
            return "a text or a list of texts";
    }
    return "";
}

// The value as the command line would have it; nullopt if its type does not fit.
std::optional<std::vector<std::string>> values_of(const toml::node& node, value_kind kind) {
    using list = std::vector<std::string>;
    if (kind == value_kind::flag) {
        const auto value = node.value_exact<bool>();
        return value ? std::optional(list{*value ? "true" : "false"}) : std::nullopt;
    }
    if (node.is_integer() &&
        (kind == value_kind::level || kind == value_kind::number || kind == value_kind::size)) {
        return list{fmt::to_string(node.value_or(std::int64_t{0}))};
    }
    if (node.is_string() &&
        (kind == value_kind::size || kind == value_kind::text || kind == value_kind::list)) {
        return list{node.value_or(std::string())};
    }
    if (const toml::array* array = node.as_array(); array && kind == value_kind::list) {
        list all;
        for (const toml::node& one : *array) {
            if (!one.is_string()) {
                return std::nullopt;
            }
            all.push_back(one.value_or(std::string()));
        }
        return all;
    }
    return std::nullopt;
}

std::optional<std::string> apply_key(options& base, std::string_view key, const toml::node& node,
                                     const name_list& eviction_names) {
    const option_spec* row = find_option(key);
    if (row == nullptr) {
        return "there is no such key";
    }
    const auto values = values_of(node, row->kind);
    if (!values) {
        return fmt::format("expected {}", kind_name(row->kind));
    }
    if (row->name == "listen") {
        base.listen.clear();
    }
    for (const std::string& value : *values) {
        if (auto wrong = row->apply(base, value, eviction_names)) {
            return wrong;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> apply_toml(options& base, std::string_view text,
                                      const std::string& file_name,
                                      const name_list& eviction_names) {
    toml::table root;
    try {
        root = toml::parse(text, file_name);
    } catch (const toml::parse_error& error) {
        return fmt::format("{}:{}: {}", file_name, error.source().begin.line, error.description());
    }
    // In the order of the file, so that the first mistake in it is the one that is told.
    std::vector<std::pair<std::uint32_t, std::string>> order;
    for (const auto& entry : root) {
        order.emplace_back(entry.second.source().begin.line, std::string(entry.first.str()));
    }
    std::sort(order.begin(), order.end());
    for (const auto& [line, key] : order) {
        const std::string place = fmt::format("{}:{}: key '{}'", file_name, line, key);
        if (auto wrong = apply_key(base, key, *root.get(key), eviction_names)) {
            return fmt::format("{}: {}", place, *wrong);
        }
        base.places[find_option(key)->name] = place;
    }
    return std::nullopt;
}

std::optional<std::string> read_config_file(const std::string& file_name) {
    std::ifstream file(file_name, std::ios::binary);
    std::string text(limits::config_bytes_max + 1, '\0');
    if (!file) {
        return std::nullopt;
    }
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || static_cast<std::size_t>(file.gcount()) > limits::config_bytes_max) {
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace tlscache
