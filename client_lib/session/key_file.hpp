#pragma once

// cluster.key: lines of text; `#` begins a comment line. First, optionally, `period SECONDS` and
// `lifetime SECONDS`, then a root a line: base64 (RFC 4648, padded) of 32 bytes. The first root
// issues, all accept.

#include <sys/types.h>

#include <boost/system/result.hpp>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "client_lib/session/derive.hpp"
#include "client_lib/session/limits.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

struct key_file {
    key_schedule schedule{period_seconds_default, lifetime_seconds_default};
    root_list roots;
};

// One line, beginning with the file's name, and its line's number where there is one. Never any
// of what the file holds.
struct key_file_error {
    std::string text;
};

// Tells whether a file is the one that was read before.
struct file_identity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    mode_t mode = 0;
    std::timespec modified{};
    std::timespec changed{};
    int error = 0;  // errno, if it can't be looked at
    bool operator==(const file_identity& other) const noexcept;
};

file_identity identify(const std::string& path) noexcept;

// `path` serves messages only.
boost::system::result<key_file, key_file_error> parse_key_file(byte_view text,
                                                               std::string_view path);

// Refuses what is no regular file, and a file with any permission for group or others. `read` is
// set to what was read, or could not be.
boost::system::result<key_file, key_file_error> read_key_file(const std::string& path,
                                                              file_identity& read);

}  // namespace tlscache::session
