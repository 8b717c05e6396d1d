#include "cache_server/ctl/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "client_lib/wire/base64.hpp"

namespace tlscache::ctl {
namespace {

using nlohmann::ordered_json;

// Names and values come from the wire: what is not UTF-8 must not end the tool.
std::string dump(const ordered_json& document) {
    return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

ordered_json value_of(const std::string& text) {
    std::int64_t whole = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, whole);
    return error == std::errc{} && stop == end ? ordered_json(whole) : ordered_json(text);
}

}  // namespace

std::string show_entry(const entry_query& query, const found_entry& entry) {
    const std::string ttl = entry.ttl < 0 ? "for ever" : fmt::format("{} s", entry.ttl);
    return fmt::format(
        "key          {}\nbytes        {}\nleft         {}\nlast access  {} s ago\n"
        "fetched      {}\nflags        {}\ncas          {}\n",
        query.key, entry.bytes, ttl, entry.since_access, entry.fetched ? "yes" : "no",
        entry.client_flags, entry.cas);
}

std::string show_statistics(const statistics_rows& rows) {
    std::size_t width = 0;
    for (const auto& row : rows) {
        width = std::max(width, row.first.size());
    }
    std::string out;
    for (const auto& [name, value] : rows) {
        out += fmt::format("{:<{}}  {}\n", name, width, value);
    }
    return out;
}

std::string json_entry(const entry_query& query, const found_entry& entry) {
    ordered_json document{{"key", query.key}, {"base64", query.base64}, {"found", entry.found}};
    if (entry.found) {
        document["bytes"] = entry.bytes;
        document["ttl_seconds"] = entry.ttl < 0 ? ordered_json(nullptr) : ordered_json(entry.ttl);
        document["last_access_seconds"] = entry.since_access;
        document["fetched"] = entry.fetched;
        document["flags"] = entry.client_flags;
        document["cas"] = entry.cas;
        if (query.with_value) {
            std::string text(wire::base64_size(entry.value.size()), '\0');
            wire::base64_encode(as_text(entry.value), text.data());
            document["value_base64"] = text;
        }
    }
    return dump(document);
}

std::string json_statistics(const statistics_rows& rows) {
    ordered_json document = ordered_json::object();
    for (const auto& [name, value] : rows) {
        document[name] = value_of(value);
    }
    return dump(document);
}

std::string json_keys(const std::string& cluster_file, bool made, const std::string& node_file) {
    return dump(
        {{"cluster_key", cluster_file}, {"cluster_key_made", made}, {"node_key", node_file}});
}

std::string json_flag(const char* name, bool value) {
    return dump({{name, value}});
}

}  // namespace tlscache::ctl
