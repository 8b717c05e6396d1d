// A file appears whole or not at all: it is written beside its place, made durable, and then
// linked (which fails if the name is taken) or renamed over the old one.

#include "client_lib/session/keygen.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "client_lib/session/base64.hpp"
#include "client_lib/session/crypto.hpp"

namespace tlscache::session {

namespace {

using write_result = boost::system::result<void, key_file_error>;

key_file_error failure(const std::string& path, std::string_view what, int code) {
    return {fmt::format("{}: {}: {}", path, what, std::generic_category().message(code))};
}

void append(secure_bytes& out, std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
}

void append_key(secure_bytes& out, const root_bytes& key) {
    const secure_bytes line = base64_encode(key);
    out.insert(out.end(), line.begin(), line.end());
    out.push_back('\n');
}

// 0, or errno.
int write_all(int file, byte_view data) {
    while (!data.empty()) {
        const ssize_t done = ::write(file, data.data(), data.size());
        if (done < 0 && errno != EINTR) {
            return errno;
        }
        data = data.subspan(done > 0 ? static_cast<std::size_t>(done) : 0);
    }
    return ::fsync(file) == 0 ? 0 : errno;
}

// The name is random, so that no other process waits for it.
std::optional<std::string> name_beside(const std::string& path) {
    std::array<std::uint8_t, 8> random;
    if (!random_bytes(random)) {
        return std::nullopt;
    }
    std::string name = path + ".";
    for (const std::uint8_t byte : random) {
        name += fmt::format("{:02x}", byte);
    }
    return name;
}

write_result put_in_place(const std::string& path, byte_view data, existing_file existing) {
    const std::optional<std::string> beside = name_beside(path);
    if (!beside) {
        return key_file_error{path + ": no random bytes to be had"};
    }
    const int file = ::open(beside->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                            S_IRUSR | S_IWUSR);
    if (file < 0) {
        return failure(path, "cannot be written", errno);
    }
    int code = write_all(file, data);
    ::close(file);
    if (code == 0 && existing == existing_file::replace) {
        code = ::rename(beside->c_str(), path.c_str()) == 0 ? 0 : errno;
    } else if (code == 0) {
        code = ::link(beside->c_str(), path.c_str()) == 0 ? 0 : errno;
    }
    if (code != 0 || existing == existing_file::refuse) {
        ::unlink(beside->c_str());
    }
    if (code == EEXIST) {
        return key_file_error{path + ": is there already, nothing was changed"};
    }
    if (code != 0) {
        return failure(path, "cannot be written", code);
    }
    return {};
}

}  // namespace

write_result generate_cluster_key(const std::string& path,
                                  const std::optional<key_schedule>& schedule) {
    root_list root(1);
    if (!random_bytes(root[0]) || all_zero(root[0])) {
        return key_file_error{path + ": no random bytes to be had"};
    }
    secure_bytes text;
    append(text,
           "# Keys of a cluster's TLS sessions: for frontends only, never for nodes.\n"
           "# The first root issues, all accept.\n");
    if (schedule) {
        append(text, fmt::format("period {}\nlifetime {}\n", schedule->period, schedule->lifetime));
    }
    append_key(text, root[0]);
    // What would be refused when read is not written.
    if (auto checked = parse_key_file(text, path); checked.has_error()) {
        return checked.error();
    }
    return put_in_place(path, text, existing_file::refuse);
}

write_result write_node_key(const std::string& cluster_key_path, const std::string& node_key_path,
                            existing_file existing) {
    file_identity read;
    auto cluster = read_key_file(cluster_key_path, read);
    if (cluster.has_error()) {
        return cluster.error();
    }
    secure_bytes text;
    append(
        text,
        "# Keys of the connections between frontends and nodes, a line per root of cluster.key.\n");
    root_list node(1);
    for (const root_bytes& root : cluster->roots) {
        if (!derive_node_key(root, node[0])) {
            return key_file_error{node_key_path + ": the key could not be derived"};
        }
        append_key(text, node[0]);
    }
    return put_in_place(node_key_path, text, existing);
}

}  // namespace tlscache::session
