#pragma once

// Makes cluster.key and node.key. Frontends get cluster.key, nodes only node.key, out of which
// no session key can be derived. Blocking; for tools.

#include <boost/system/result.hpp>
#include <optional>
#include <string>

#include "client_lib/session/key_file.hpp"

namespace tlscache::session {

// Writes a new file of mode 0600 with one fresh random root, and the schedule if one is given
// (within the caps of limits.hpp). A file that is there is never touched: its roots would be lost.
boost::system::result<void, key_file_error> generate_cluster_key(
    const std::string& path, const std::optional<key_schedule>& schedule = std::nullopt);

// What to do if node.key is there. It holds nothing that cluster.key can't give again.
enum class existing_file { refuse, replace };

// Writes a line per root of cluster.key, in its order: base64 of HKDF(root, "transport"), 0600.
boost::system::result<void, key_file_error> write_node_key(
    const std::string& cluster_key_path, const std::string& node_key_path,
    existing_file existing = existing_file::refuse);

}  // namespace tlscache::session
