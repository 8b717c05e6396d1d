// Two steps: the TOML tree becomes a config, key by key, each with its line; then the config is
// judged by the same rules as one that a program filled in, and a fault gets its key's line.

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "client_lib/tls/config_check.hpp"
#include "client_lib/tls/limits.hpp"
#include "client_lib/transport/limits.hpp"

namespace tlscache {

namespace {

constexpr const char* default_path = "/etc/tlscache/client.toml";

class toml_reader {
  public:
    toml_reader(const std::string& path, const toml::table& root) : path_(path), root_(root) {}

    config read() {
        config out;
        for (const auto& [key, value] : root_) {
            read_key(std::string(key.str()), value, out);
        }
        if (const tls::config_fault fault = tls::find_fault(out); !fault.key.empty()) {
            const toml::node* culprit = root_.get(fault.key);
            fail(culprit == nullptr ? root_ : *culprit, fault.key, fault.text);
        }
        return out;
    }

  private:
    [[noreturn]] void fail(const toml::node& at, std::string_view key,
                           std::string_view text) const {
        throw error(fmt::format("{}:{}: {}: {}", path_, at.source().begin.line, key, text));
    }

    void read_key(const std::string& key, const toml::node& value, config& out) const {
        if (key == "namespace") {
            out.namespace_name = text(key, value);
        } else if (key == "ring") {
            out.ring = text(key, value);
        } else if (key == "key_file") {
            out.key_file = text(key, value);
        } else if (key == "mode") {
            out.mode = text(key, value);
        } else if (key == "deadline_ms") {
            out.deadline_ms = number(key, value, 1);
        } else if (key == "replicas") {
            out.replicas = number(key, value, 1);
        } else if (key == "tickets") {
            out.tickets = number(key, value, 0);
        } else if (key == "single_use") {
            out.single_use = truth(key, value);
        } else if (key == "allow_no_ems") {
            out.allow_no_ems = truth(key, value);
        } else if (key == "sni_groups") {
            read_groups(key, value, out);
        } else if (key == "nodes") {
            read_nodes(key, value, out);
        } else {
            fail(value, key, "no such key");
        }
    }

    std::string text(std::string_view key, const toml::node& value) const {
        if (const auto* found = value.as_string()) {
            return found->get();
        }
        fail(value, key, "must be a text in quotes");
    }

    bool truth(std::string_view key, const toml::node& value) const {
        if (const auto* found = value.as_boolean()) {
            return found->get();
        }
        fail(value, key, "must be true or false");
    }

    unsigned number(std::string_view key, const toml::node& value, std::int64_t smallest) const {
        const auto* found = value.as_integer();
        if (found == nullptr || found->get() < smallest ||
            found->get() > std::numeric_limits<int>::max()) {
            fail(value, key, fmt::format("must be a whole number of at least {}", smallest));
        }
        return static_cast<unsigned>(found->get());
    }

    void read_groups(std::string_view key, const toml::node& value, config& out) const {
        const auto* groups = value.as_table();
        if (groups == nullptr) {
            fail(value, key, "must be a table of lists of names");
        }
        for (const auto& [group, names] : *groups) {
            const std::string name = fmt::format("{}.{}", key, group.str());
            if (!names.is_array()) {
                fail(names, name, "must be a list of names");
            }
            auto& members = out.sni_groups[std::string(group.str())];
            for (const toml::node& each : *names.as_array()) {
                members.push_back(text(name, each));
            }
        }
    }

    void read_nodes(std::string_view key, const toml::node& value, config& out) const {
        const auto* nodes = value.as_array();
        if (nodes == nullptr) {
            fail(value, key, "must be tables, [[nodes]]");
        }
        for (const toml::node& each : *nodes) {
            const auto* table = each.as_table();
            if (table == nullptr) {
                fail(each, key, "must be tables, [[nodes]]");
            }
            node made;
            for (const auto& [name, field] : *table) {
                const std::string full = fmt::format("{}.{}", key, name.str());
                if (name == "name") {
                    made.name = text(full, field);
                } else if (name == "address") {
                    made.address = text(full, field);
                } else if (name == "weight") {
                    made.weight = field.is_number() ? field.value<double>().value_or(0) : 0;
                } else {
                    fail(field, full, "no such key");
                }
            }
            out.nodes.push_back(made);
        }
    }

    const std::string& path_;
    const toml::table& root_;
};

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string content(tls::config_bytes_max + 1, '\0');
    if (!in || (in.read(content.data(), static_cast<std::streamsize>(content.size())), in.bad())) {
        throw error(fmt::format("{}:0: the file can't be read", path));
    }
    content.resize(static_cast<std::size_t>(in.gcount()));
    if (content.size() > tls::config_bytes_max) {
        throw error(
            fmt::format("{}:0: the file is larger than {} bytes", path, tls::config_bytes_max));
    }
    return content;
}

bool is_lower_name(const std::string& name) {
    return !name.empty() && name.size() <= tls::sni_bytes_max &&
           std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}

tls::config_fault find_group_fault(const config& settings) {
    std::set<std::string> seen;
    for (const auto& [group, names] : settings.sni_groups) {
        if (group.empty() || group.size() > tls::sni_bytes_max - 1) {  // behind an '@' in the seal
            return {"sni_groups", fmt::format("\"{}\" is no name for a group", group)};
        }
        for (const std::string& name : names) {
            if (!is_lower_name(name)) {
                return {"sni_groups",
                        fmt::format("\"{}\" in {} is no lower-case server name", name, group)};
            }
            if (!seen.insert(name).second) {
                return {"sni_groups", fmt::format("\"{}\" is named twice", name)};
            }
        }
    }
    if (seen.size() > tls::sni_names_max) {
        return {"sni_groups", fmt::format("more than {} names", tls::sni_names_max)};
    }
    return {};
}

tls::config_fault find_node_fault(const config& settings) {
    if (settings.ring.empty() == settings.nodes.empty()) {
        return {"ring", "either a ring file or nodes must be given"};
    }
    if (settings.nodes.size() > transport::ring_nodes_max) {
        return {"nodes", fmt::format("more than {}", transport::ring_nodes_max)};
    }
    for (const node& each : settings.nodes) {
        if (each.name.empty() || each.address.empty() || !(each.weight > 0)) {
            return {"nodes", "each needs a name, an address, and a weight above 0"};
        }
    }
    return {};
}

}  // namespace

config config::from_toml(const std::string& path) {
    std::string chosen = path;
    if (chosen.empty()) {
        const char* named = std::getenv("TLSCACHE_CONFIG");
        chosen = named != nullptr && *named != '\0' ? named : default_path;
    }
    const std::string content = read_file(chosen);
    try {
        const toml::table root = toml::parse(content, chosen);
        return toml_reader(chosen, root).read();
    } catch (const toml::parse_error& e) {
        throw error(fmt::format("{}:{}: {}", chosen, e.source().begin.line, e.description()));
    }
}

tls::config_fault tls::find_fault(const config& settings) {
    if (settings.namespace_name.empty()) {
        return {"namespace", "must be given: sessions are shared by all of a namespace"};
    }
    if (settings.mode != "stateful") {
        return {"mode", fmt::format("\"{}\" is not known; \"stateful\" is", settings.mode)};
    }
    if (settings.deadline_ms > deadline_max_ms) {
        return {"deadline_ms", fmt::format("must be at most {}", deadline_max_ms)};
    }
    if (settings.replicas < 1 || settings.replicas > replicas_max) {
        return {"replicas", fmt::format("must be 1 to {}", replicas_max)};
    }
    if (settings.tickets > tickets_max) {
        return {"tickets", fmt::format("must be at most {}", tickets_max)};
    }
    if (config_fault fault = find_node_fault(settings); !fault.key.empty()) {
        return fault;
    }
    return find_group_fault(settings);
}

void tls::check_config(const config& settings) {
    if (const config_fault fault = find_fault(settings); !fault.key.empty()) {
        throw error(fault.key + ": " + fault.text);
    }
}

}  // namespace tlscache
