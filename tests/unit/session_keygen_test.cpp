// What `tlscachectl keygen` writes.

#include "client_lib/session/keygen.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "client_lib/session/base64.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;
using tests::scratch_folder;

namespace {

std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

::mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777u;
}

std::vector<std::string> key_lines(const std::string& path) {
    std::ifstream in(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line[0] != '#') {
            lines.push_back(line);
        }
    }
    return lines;
}

key_file read(const std::string& path) {
    file_identity ignored;
    auto file = read_key_file(path, ignored);
    REQUIRE(file.has_value());
    return std::move(*file);
}

std::size_t files_in(const scratch_folder& folder) {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder.file("")), {}));
}

}  // namespace

TEST_CASE("a fresh cluster key has mode 0600 whatever the umask, and one root that is new") {
    const scratch_folder folder;
    const ::mode_t before = ::umask(0);
    REQUIRE(generate_cluster_key(folder.file("a")).has_value());
    REQUIRE(generate_cluster_key(folder.file("b")).has_value());
    ::umask(before);
    CHECK(mode_of(folder.file("a")) == 0600);
    const key_file a = read(folder.file("a"));
    const key_file b = read(folder.file("b"));
    REQUIRE(a.roots.size() == 1);
    CHECK(a.roots[0] != b.roots[0]);
    CHECK(a.schedule.period == 3600);
    CHECK(files_in(folder) == 2);
}

TEST_CASE("a cluster key carries the schedule that was asked for, within the caps") {
    const scratch_folder folder;
    const std::string path = folder.file("cluster.key");
    const auto refused = generate_cluster_key(path, key_schedule{7200, 7200});
    REQUIRE(refused.has_error());
    CHECK(refused.error().text == path + ":3: period is above the cap of 3600 seconds");
    CHECK(files_in(folder) == 0);
    REQUIRE(generate_cluster_key(path, key_schedule{600, 900}).has_value());
    CHECK(read(path).schedule.period == 600);
    CHECK(read(path).schedule.lifetime == 900);
}

TEST_CASE("a key file that is there is never overwritten") {
    const scratch_folder folder;
    const std::string path = folder.write("cluster.key", "precious\n");
    const auto again = generate_cluster_key(path);
    REQUIRE(again.has_error());
    CHECK(again.error().text == path + ": is there already, nothing was changed");
    CHECK(content(path) == "precious\n");
    // Nor is what a link points to.
    const std::string link = folder.file("link");
    REQUIRE(::symlink("elsewhere", link.c_str()) == 0);
    CHECK(generate_cluster_key(link).has_error());
    CHECK(files_in(folder) == 2);
}

TEST_CASE("a folder that is not there is told") {
    const scratch_folder folder;
    const std::string path = folder.file("none/cluster.key");
    const auto made = generate_cluster_key(path);
    REQUIRE(made.has_error());
    CHECK(made.error().text == path + ": cannot be written: No such file or directory");
}

TEST_CASE("node.key has a line per root, derived and in order, and opens no session") {
    const scratch_folder folder;
    const std::string cluster = folder.file("cluster.key");
    const std::string node = folder.file("node.key");
    const auto line = [](std::uint8_t number) {
        const secure_bytes text = base64_encode(std::vector<std::uint8_t>(32, number));
        return std::string(text.begin(), text.end()) + "\n";
    };
    folder.write("cluster.key", line(1) + line(2));
    REQUIRE(write_node_key(cluster, node).has_value());
    CHECK(mode_of(node) == 0600);
    const auto lines = key_lines(node);
    REQUIRE(lines.size() == 2);
    for (std::uint8_t number = 1; number <= 2; ++number) {
        root_bytes root;
        root_bytes derived;
        root.fill(number);
        REQUIRE(derive_node_key(root, derived));
        const secure_bytes text = base64_encode(derived);
        CHECK(lines[number - 1u] == as_text(text));
        CHECK(content(node).find(line(number)) == std::string::npos);
    }
    // It is a key file of the same shape.
    CHECK(read(node).roots.size() == 2);
}

TEST_CASE("node.key is replaced only when told, and then whole") {
    const scratch_folder folder;
    const std::string cluster = folder.file("cluster.key");
    const std::string node = folder.write("node.key", "old\n");
    REQUIRE(generate_cluster_key(cluster).has_value());
    CHECK(write_node_key(cluster, node).has_error());
    CHECK(content(node) == "old\n");
    REQUIRE(write_node_key(cluster, node, existing_file::replace).has_value());
    CHECK(key_lines(node).size() == 1);
    CHECK(files_in(folder) == 2);
}

TEST_CASE("node.key is not made from a cluster key that others may read") {
    const scratch_folder folder;
    REQUIRE(generate_cluster_key(folder.file("cluster.key")).has_value());
    REQUIRE(::chmod(folder.file("cluster.key").c_str(), 0640) == 0);
    CHECK(write_node_key(folder.file("cluster.key"), folder.file("node.key")).has_error());
    CHECK(files_in(folder) == 1);
}
