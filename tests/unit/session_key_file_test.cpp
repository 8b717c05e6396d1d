// cluster.key: what is refused and how it is said, and what happens when the file changes.

#include "client_lib/session/key_file.hpp"

#include <sys/wait.h>

#include "client_lib/session/base64.hpp"
#include "client_lib/session/file_key_source.hpp"
#include "tests/unit/session_support.hpp"

using namespace tlscache;
using namespace tlscache::session;

namespace {

constexpr unix_seconds now = 1'700'000'000;

std::string root_line(std::uint8_t number, std::size_t size = 32) {
    const secure_bytes line = base64_encode(std::vector<std::uint8_t>(size, number));
    return std::string(line.begin(), line.end()) + "\n";
}

std::string refusal(std::string_view text) {
    const auto parsed = parse_key_file(as_bytes(text), "cluster.key");
    return parsed.has_error() ? parsed.error().text : "";
}

// A source, what it logged, and the words of a test about it.
struct watched_source {
    explicit watched_source(std::string path)
        : source(std::move(path), "shop",
                 [this](std::string_view line) { lines.emplace_back(line); }) {}

    std::string issuing() {
        const auto ring = source.keys(now);
        return ring ? std::string(as_text(ring->issuing->seal)) : "";
    }
    // What is logged by one refresh.
    std::vector<std::string> refresh() {
        lines.clear();
        source.refresh(now);
        return lines;
    }

    std::vector<std::string> lines;
    file_key_source source;
};

std::string issuing_of(std::uint8_t root) {
    tests::fixed_source source("shop", tests::usual_schedule, {root});
    return std::string(as_text(source.keys(now)->issuing->seal));
}

using log_lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a key file with comments, blanks, a schedule and roots is read in order") {
    const std::string text =
        "# who may read this may read all\r\n\n period  1800 \nlifetime\t7201\n" + root_line(5) +
        "  # the old one\n  " + root_line(6);
    const auto parsed = parse_key_file(as_bytes(text), "cluster.key");
    REQUIRE(parsed.has_value());
    CHECK(parsed->schedule.period == 1800);
    CHECK(parsed->schedule.lifetime == 7201);
    REQUIRE(parsed->roots.size() == 2);
    CHECK(parsed->roots[0][31] == 5);
    CHECK(parsed->roots[1][0] == 6);
}

TEST_CASE("without a schedule the period is an hour and the lifetime two") {
    const std::string text = root_line(5);
    const auto parsed = parse_key_file(as_bytes(text).first(text.size() - 1), "cluster.key");
    REQUIRE(parsed.has_value());
    CHECK(parsed->schedule.period == 3600);
    CHECK(parsed->schedule.lifetime == 7200);
}

TEST_CASE("each mistake in a key file is told with file, line and reason") {
    const std::string good = root_line(5);
    CHECK(refusal(good).empty());
    CHECK(refusal("") == "cluster.key: no root in it");
    CHECK(refusal("# nothing\nperiod 60\n") == "cluster.key: no root in it");
    CHECK(refusal("\n" + root_line(5, 31)) ==
          "cluster.key:2: the root has 31 bytes, it must have 32");
    CHECK(refusal(root_line(5, 33)) == "cluster.key:1: the root has 33 bytes, it must have 32");
    CHECK(refusal(root_line(0)) == "cluster.key:1: the root is all zero");
    CHECK(refusal("#\n" + good + "\n" + root_line(6) + good) ==
          "cluster.key:5: the root repeats that of line 2");
    CHECK(refusal("secret!\n") == "cluster.key:1: the root is not base64");
    CHECK(refusal(good.substr(0, 43)) == "cluster.key:1: the root is not base64");
    CHECK(refusal("Period 60\n") == "cluster.key:1: neither period, lifetime nor a root");
    CHECK(refusal("period 3601\n" + good) ==
          "cluster.key:1: period is above the cap of 3600 seconds");
    CHECK(refusal("period 99999999999999999999\n" + good) ==
          "cluster.key:1: period is above the cap of 3600 seconds");
    CHECK(refusal("lifetime 86401\n" + good) ==
          "cluster.key:1: lifetime is above the cap of 86400 seconds");
    for (const std::string_view number : {"", " 0", " -1", " 1h", " 1 2", " +5", " 0x10"}) {
        CHECK(refusal("period" + std::string(number) + "\n" + good) ==
              "cluster.key:1: period needs a whole number of seconds, at least 1");
    }
    CHECK(refusal("period 60\nperiod 60\n" + good) ==
          "cluster.key:2: period was given in line 1 already");
    CHECK(refusal(good + "lifetime 60\n") ==
          "cluster.key:2: lifetime must stand before the first root");
    CHECK(refusal("period 60\nlifetime 2881\n" + good) ==
          "cluster.key: a lifetime of 2881 seconds is above the cap of 48 periods");
    CHECK(refusal("period 60\nlifetime 2880\n" + good).empty());
    CHECK(refusal("period 3600\nlifetime 86400\n" + good).empty());
}

TEST_CASE("at most eight roots are taken") {
    std::string text;
    for (std::uint8_t number = 1; number <= 8; ++number) {
        text += root_line(number);
    }
    CHECK(refusal(text).empty());
    CHECK(refusal(text + root_line(9)) == "cluster.key:9: more than 8 roots");
}

TEST_CASE("no refusal tells anything of the secret") {
    const std::string secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I";
    for (const std::string& text :
         {secret + "\n", secret + "= x\n", "x" + secret + "=\n", "period " + secret + "\n"}) {
        const std::string told = refusal(text);
        CHECK_FALSE(told.empty());
        CHECK(told.find("c2Vj") == std::string::npos);
    }
}

TEST_CASE("base64 takes the canonical form only") {
    const auto decoded = [](std::string_view text) {
        const auto bytes = base64_decode(as_bytes(text));
        return bytes ? std::string(as_text(*bytes)) : "refused";
    };
    CHECK(decoded("") == "");
    CHECK(decoded("Zg==") == "f");
    CHECK(decoded("Zm8=") == "fo");
    CHECK(decoded("Zm9vYmFy") == "foobar");
    CHECK(decoded("+/+/") == "\xfb\xff\xbf");
    for (const std::string_view bad :
         {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Z=g=", "Zm8-", "Zm 8", "Zm8\n"}) {
        CHECK(decoded(bad) == "refused");
    }
    auto random = tests::seeded_generator();
    for (std::size_t size = 0; size < 100; ++size) {
        secure_bytes bytes(size);
        tests::fill_random(random, bytes);
        CHECK(base64_decode(base64_encode(bytes)) == bytes);
    }
}

TEST_CASE("a file that others may touch is refused, whatever they may do with it") {
    const tests::scratch_folder folder;
    for (const ::mode_t mode : {0644u, 0640u, 0660u, 0604u, 0602u, 0601u, 0610u, 0620u, 0666u}) {
        const std::string path = folder.write("cluster.key", root_line(5), mode);
        watched_source watched(path);
        char text[8];
        std::snprintf(text, sizeof(text), "%04o", mode);
        const std::string told = path + ": mode " + text + " lets others at it, it must be 0600";
        CHECK(watched.lines == log_lines{told});
        CHECK(watched.source.error() == told);
        CHECK(watched.issuing().empty());
    }
    for (const ::mode_t mode : {0600u, 0400u}) {
        watched_source watched(folder.write("cluster.key", root_line(5), mode));
        CHECK(watched.source.error().empty());
        CHECK(watched.issuing() == issuing_of(5));
    }
}

TEST_CASE("what is no regular file is refused without waiting") {
    const tests::scratch_folder folder;
    const std::string pipe = folder.file("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(watched_source(pipe).source.error() == pipe + ": not a regular file");
    const std::string none = folder.file("none");
    CHECK(watched_source(none).source.error() ==
          none + ": cannot be opened: No such file or directory");
    const std::string large = folder.write("large", std::string(65'537, '#'));
    CHECK(watched_source(large).source.error() == large + ": larger than 65536 bytes");
    CHECK(watched_source(folder.file("")).source.error() ==
          folder.file("") + ": not a regular file");
}

TEST_CASE("a file that changes is read again, one that does not is not") {
    const tests::scratch_folder folder;
    const std::string path = folder.write("cluster.key", root_line(5));
    watched_source watched(path);
    const auto ring = watched.source.keys(now);
    CHECK(watched.refresh().empty());
    CHECK(watched.source.keys(now) == ring);
    folder.write("cluster.key", root_line(6) + root_line(5));
    CHECK(watched.issuing() == issuing_of(5));
    CHECK(watched.refresh() == log_lines{path + ": read again, 2 root(s)"});
    CHECK(watched.issuing() == issuing_of(6));
    CHECK(watched.source.keys(now)->find(ring->issuing->key_id.data()) != nullptr);
    folder.write("cluster.key", root_line(6));
    watched.refresh();
    CHECK(watched.source.keys(now)->find(ring->issuing->key_id.data()) == nullptr);
}

TEST_CASE("a bad file leaves the keys in use and is told once") {
    const tests::scratch_folder folder;
    const std::string path = folder.write("cluster.key", root_line(5));
    watched_source watched(path);
    const std::string kept = "; the keys read before stay in use";

    folder.write("cluster.key", "rubbish\n");
    CHECK(watched.refresh() == log_lines{path + ":1: the root is not base64" + kept});
    CHECK(watched.refresh().empty());
    folder.write("cluster.key", "other rubbish\n");
    CHECK(watched.refresh() == log_lines{path + ":1: neither period, lifetime nor a root" + kept});
    folder.write("cluster.key", root_line(6), 0644);
    CHECK(watched.refresh() ==
          log_lines{path + ": mode 0644 lets others at it, it must be 0600" + kept});
    REQUIRE(::unlink(path.c_str()) == 0);
    CHECK(watched.refresh() ==
          log_lines{path + ": cannot be opened: No such file or directory" + kept});
    CHECK(watched.refresh().empty());
    CHECK(watched.issuing() == issuing_of(5));

    // A permission that is taken back is seen as well.
    folder.write("cluster.key", root_line(6));
    CHECK(watched.refresh() == log_lines{path + ": read again, 1 root(s)"});
    CHECK(watched.source.error().empty());
    CHECK(watched.issuing() == issuing_of(6));
    REQUIRE(::chmod(path.c_str(), 0604) == 0);
    CHECK(watched.refresh().size() == 1);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    CHECK(watched.refresh() == log_lines{path + ": read again, 1 root(s)"});
}

TEST_CASE("a process that may no longer read the file keeps its roots and says so once") {
    const tests::scratch_folder folder;
    const std::string path = folder.write("cluster.key", root_line(5));
    watched_source watched(path);
    if (::geteuid() != 0) {
        REQUIRE(::chmod(path.c_str(), 0) == 0);
    } else {
        // Root may read everything: a child becomes nobody instead, as servers do after start.
        const ::pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const bool dropped = ::setgid(65534) == 0 && ::setuid(65534) == 0;
            // The folder of mode 0700 is closed to it, so even looking at the file fails.
            const log_lines first = watched.refresh();
            const bool good = dropped && first.size() == 1 &&
                              first[0] == path + ": cannot be opened: Permission denied" +
                                              "; the keys read before stay in use" &&
                              watched.refresh().empty() && watched.issuing() == issuing_of(5);
            ::_exit(good ? 0 : 1);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        return;
    }
    CHECK(watched.refresh() == log_lines{path + ": cannot be opened: Permission denied" +
                                         "; the keys read before stay in use"});
    CHECK(watched.refresh().empty());
    CHECK(watched.issuing() == issuing_of(5));
}

TEST_CASE("a source without a usable file has no keys, and has them once the file is there") {
    const tests::scratch_folder folder;
    watched_source watched(folder.file("cluster.key"));
    CHECK(watched.source.keys(now) == nullptr);
    folder.write("cluster.key", root_line(5));
    CHECK(watched.source.keys(now) == nullptr);
    watched.refresh();
    CHECK(watched.issuing() == issuing_of(5));
}

TEST_CASE("the schedule of the file is that of the keys") {
    const tests::scratch_folder folder;
    watched_source watched(folder.write("cluster.key", "period 10\nlifetime 25\n" + root_line(5)));
    const auto ring = watched.source.keys(now);
    REQUIRE(ring);
    CHECK(ring->lifetime == 25);
    CHECK(ring->issuing->period == now / 10);
    CHECK(ring->accepted.size() == 5);
}

TEST_CASE("a namespace that is empty or too long is refused by the source") {
    CHECK_THROWS_AS(file_key_source("none", ""), std::invalid_argument);
    CHECK_THROWS_AS(file_key_source("none", std::string(129, 'n')), std::invalid_argument);
}
