// The parser sees bytes only and is fuzzed; the reader is the one place of this folder with I/O.
// Root bytes pass through erased buffers only, hence read() and no stream.

#include "client_lib/session/key_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>

#include "client_lib/session/base64.hpp"
#include "client_lib/session/crypto.hpp"

namespace tlscache::session {

namespace {

using read_result = boost::system::result<key_file, key_file_error>;

class parser {
  public:
    explicit parser(std::string_view path) : path_(path) {}

    // False: error() says why.
    bool line(std::string_view text);
    bool end();

    key_file take() { return std::move(file_); }
    key_file_error error() const { return {error_}; }

  private:
    bool fail(std::string_view what) {
        error_ = fmt::format("{}:{}: {}", path_, line_, what);
        return false;
    }
    bool fail_whole(std::string_view what) {
        error_ = fmt::format("{}: {}", path_, what);
        return false;
    }
    bool seconds(std::string_view name, std::string_view text, std::int64_t cap,
                 std::optional<std::size_t>& given, std::int64_t& out);
    bool root(std::string_view text);

    std::string_view path_;
    std::string error_;
    std::size_t line_ = 0;
    std::optional<std::size_t> period_line_;
    std::optional<std::size_t> lifetime_line_;
    std::array<std::size_t, roots_max> root_lines_{};
    key_file file_;
};

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool parser::line(std::string_view text) {
    ++line_;
    text = trim(text);
    if (text.empty() || text.front() == '#') {
        return true;
    }
    const std::size_t blank = text.find_first_of(" \t");
    const std::string_view word = text.substr(0, blank);
    const std::string_view rest =
        blank == std::string_view::npos ? std::string_view() : trim(text.substr(blank));
    if (word == "period") {
        return seconds(word, rest, period_seconds_max, period_line_, file_.schedule.period);
    }
    if (word == "lifetime") {
        return seconds(word, rest, lifetime_seconds_max, lifetime_line_, file_.schedule.lifetime);
    }
    return rest.empty() ? root(text) : fail("neither period, lifetime nor a root");
}

bool parser::seconds(std::string_view name, std::string_view text, std::int64_t cap,
                     std::optional<std::size_t>& given, std::int64_t& out) {
    if (!file_.roots.empty()) {
        return fail(fmt::format("{} must stand before the first root", name));
    }
    if (given) {
        return fail(fmt::format("{} was given in line {} already", name, *given));
    }
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    if (text.empty() || stop != end || (code == std::errc() && value < 1)) {
        return fail(fmt::format("{} needs a whole number of seconds, at least 1", name));
    }
    if (code != std::errc() || value > cap) {
        return fail(fmt::format("{} is above the cap of {} seconds", name, cap));
    }
    given = line_;
    out = value;
    return true;
}

bool parser::root(std::string_view text) {
    const std::optional<secure_bytes> decoded = base64_decode(as_bytes(text));
    if (!decoded) {
        return fail("the root is not base64");
    }
    if (decoded->size() != sizeof(root_bytes)) {
        return fail(fmt::format("the root has {} bytes, it must have {}", decoded->size(),
                                sizeof(root_bytes)));
    }
    if (all_zero(*decoded)) {
        return fail("the root is all zero");
    }
    for (std::size_t i = 0; i < file_.roots.size(); ++i) {
        if (equal_secret(file_.roots[i], *decoded)) {
            return fail(fmt::format("the root repeats that of line {}", root_lines_[i]));
        }
    }
    if (file_.roots.size() == roots_max) {
        return fail(fmt::format("more than {} roots", roots_max));
    }
    if (file_.roots.empty()) {
        file_.roots.reserve(roots_max);
    }
    root_lines_[file_.roots.size()] = line_;
    std::memcpy(file_.roots.emplace_back().data(), decoded->data(), sizeof(root_bytes));
    return true;
}

bool parser::end() {
    if (file_.roots.empty()) {
        return fail_whole("no root in it");
    }
    const key_schedule& schedule = file_.schedule;
    if (schedule.lifetime > schedule.period * older_periods_max) {
        return fail_whole(fmt::format("a lifetime of {} seconds is above the cap of {} periods",
                                      schedule.lifetime, older_periods_max));
    }
    return true;
}

std::string failure(const std::string& path, std::string_view what, int code) {
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(code));
}

file_identity identity_of(const struct stat& status) noexcept {
    file_identity identity;
    identity.device = status.st_dev;
    identity.inode = status.st_ino;
    identity.size = status.st_size;
    identity.mode = status.st_mode;
    identity.modified = status.st_mtim;
    identity.changed = status.st_ctim;
    return identity;
}

class descriptor {
  public:
    explicit descriptor(int value) noexcept : value_(value) {}
    ~descriptor() {
        if (value_ >= 0) {
            ::close(value_);
        }
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const noexcept { return value_; }

  private:
    int value_;
};

// One byte above the limit tells that the file is too long. Returns errno.
int read_all(int file, secure_bytes& out) {
    out.resize(key_file_bytes_max + 1);
    std::size_t size = 0;
    while (size < out.size()) {
        const ssize_t got = ::read(file, out.data() + size, out.size() - size);
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        if (got == 0) {
            break;
        }
        size += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    out.resize(size);
    return 0;
}

}  // namespace

bool file_identity::operator==(const file_identity& other) const noexcept {
    const auto same = [](const std::timespec& a, const std::timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return device == other.device && inode == other.inode && size == other.size &&
           mode == other.mode && error == other.error && same(modified, other.modified) &&
           same(changed, other.changed);
}

file_identity identify(const std::string& path) noexcept {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        file_identity none;
        none.error = errno;
        return none;
    }
    return identity_of(status);
}

read_result parse_key_file(byte_view text, std::string_view path) {
    parser lines(path);
    std::string_view left = as_text(text);
    while (!left.empty()) {
        const std::size_t end = left.find('\n');
        if (!lines.line(left.substr(0, end))) {
            return lines.error();
        }
        left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    }
    if (!lines.end()) {
        return lines.error();
    }
    return lines.take();
}

read_result read_key_file(const std::string& path, file_identity& read) {
    read = {};
    // Without waiting: a pipe would otherwise block the open.
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
        const int code = errno;
        read = identify(path);
        return key_file_error{failure(path, "cannot be opened", code)};
    }
    read = identity_of(status);
    if (!S_ISREG(status.st_mode)) {
        return key_file_error{fmt::format("{}: not a regular file", path)};
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return key_file_error{fmt::format("{}: mode {:04o} lets others at it, it must be 0600",
                                          path, status.st_mode & 07777u)};
    }
    secure_bytes text;
    if (const int code = read_all(file.get(), text); code != 0) {
        return key_file_error{failure(path, "cannot be read", code)};
    }
    if (text.size() > key_file_bytes_max) {
        return key_file_error{fmt::format("{}: larger than {} bytes", path, key_file_bytes_max)};
    }
    return parse_key_file(text, path);
}

}  // namespace tlscache::session
