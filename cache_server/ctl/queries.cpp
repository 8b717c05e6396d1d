// Entries are asked for by the meta get, whose answer tells all about an entry without its value.

#include "cache_server/ctl/queries.hpp"

#include <algorithm>
#include <charconv>

#include "client_lib/wire/base64.hpp"
#include "client_lib/wire/limits.hpp"

namespace tlscache::ctl {
namespace {

// A node answers with fewer; more is not a node.
constexpr std::size_t statistics_rows_max = 10'000;

template <class T>
bool number(std::string_view text, T& out) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && stop == text.data() + text.size();
}

std::string_view next_word(std::string_view& rest) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

bool read_flag(std::string_view flag, found_entry& entry) {
    const std::string_view rest = flag.substr(1);
    switch (flag.front()) {
        case 's':
            return number(rest, entry.bytes);
        case 't':
            return number(rest, entry.ttl);
        case 'l':
            return number(rest, entry.since_access);
        case 'f':
            return number(rest, entry.client_flags);
        case 'c':
            return number(rest, entry.cas);
        case 'h':
            entry.fetched = rest == "1";
            return true;
        default:
            return true;  // stale, win and other marks that nobody asked for
    }
}

}  // namespace

bool valid_key(const entry_query& query) {
    const std::string_view key = query.key;
    const bool printable =
        std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c != 0x7f; });
    return printable && !key.empty() && key.size() <= wire::key_bytes_max &&
           (!query.base64 || wire::base64_check(key).has_value());
}

std::optional<found_entry> parse_entry_line(std::string_view line) {
    found_entry entry;
    const std::string_view code = next_word(line);
    if (code == "EN") {
        return entry;
    }
    if (code == "VA" ? !number(next_word(line), entry.bytes) : code != "HD") {
        return std::nullopt;
    }
    if (entry.bytes > wire::value_bytes_hard_max) {
        return std::nullopt;
    }
    while (!line.empty()) {
        const std::string_view flag = next_word(line);
        if (!flag.empty() && !read_flag(flag, entry)) {
            return std::nullopt;
        }
    }
    entry.found = true;
    return entry;
}

std::optional<found_entry> ask_entry(connection& node, const entry_query& query) {
    std::string request = "mg " + query.key + " s t l f c h";
    request += query.base64 ? " b" : "";
    request += query.with_value ? " v\r\n" : "\r\n";
    if (!node.send(request)) {
        return std::nullopt;
    }
    const auto line = node.read_line();
    auto entry = line ? parse_entry_line(*line) : std::nullopt;
    if (entry && entry->found && query.with_value) {
        const auto block = node.read_bytes(entry->bytes + 2);
        if (!block || !block->ends_with("\r\n")) {
            return std::nullopt;
        }
        const byte_view value = as_bytes(block->substr(0, entry->bytes));
        entry->value.assign(value.begin(), value.end());
    }
    return entry;
}

std::optional<statistics_rows> ask_statistics(connection& node, std::string_view group) {
    std::string request = "stats";
    request += group.empty() ? "" : " " + std::string(group);
    if (!node.send(request + "\r\n")) {
        return std::nullopt;
    }
    statistics_rows rows;
    while (const auto line = node.read_line()) {
        std::string_view rest = *line;
        const std::string_view word = next_word(rest);
        if (word == "END" || word == "RESET") {
            return rows;
        }
        if (word != "STAT" || rows.size() == statistics_rows_max) {
            return std::nullopt;
        }
        const std::string name(next_word(rest));
        rows.emplace_back(name, rest);
    }
    return std::nullopt;
}

std::optional<flush_answer> ask_flush(connection& node) {
    if (!node.send("flush_all\r\n")) {
        return std::nullopt;
    }
    const auto line = node.read_line();
    if (!line) {
        return std::nullopt;
    }
    return *line == "OK" ? flush_answer::flushed : flush_answer::refused;
}

}  // namespace tlscache::ctl
