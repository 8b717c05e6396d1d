// The expected replies are known whole, so checking is comparing: `position_` is how many bytes of
// them have come. Only when they differ does the kind of fault matter, and then the part that the
// difference lies in tells it.

#include "bench/load/reply_checker.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tlscache::bench {

void reply_checker::restart() noexcept {
    position_ = 0;
    what_.clear();
}

reply_checker::verdict reply_checker::feed(std::string_view bytes) {
    const std::string_view left = std::string_view(expected_.bytes).substr(position_);
    const std::size_t both = std::min(left.size(), bytes.size());
    if (left.substr(0, both) != bytes.substr(0, both)) {
        const auto differ = std::mismatch(bytes.begin(), bytes.begin() + both, left.begin());
        const auto same = static_cast<std::size_t>(differ.first - bytes.begin());
        position_ += same;
        describe(bytes.substr(same));
        return verdict::wrong;
    }
    position_ += both;
    if (bytes.size() > both) {
        what_ = fmt::format("more than was asked for: \"{}\"", printable(bytes.substr(both), 60));
        return verdict::wrong;
    }
    return position_ == expected_.bytes.size() ? verdict::complete : verdict::needs_more;
}

void reply_checker::describe(std::string_view got) {
    std::size_t begin = 0;
    std::size_t part = 0;
    while (expected_.parts[part].end <= position_) {
        begin = expected_.parts[part++].end;
    }
    const std::size_t value_begin = expected_.parts[part].value_begin;
    const std::size_t value_end = std::min(value_begin + value_bytes, expected_.parts[part].end);
    // What came equals what was expected up to position_, so the reply as it came is both joined.
    const std::string_view expected(expected_.bytes);
    const std::string reply =
        std::string(expected.substr(begin, position_ - begin)).append(got.substr(0, 60));

    std::string_view fault = "unexpected reply";
    if (value_begin <= position_ && position_ < value_end) {
        fault = "wrong value";
    } else if (reply.starts_with("EN") || reply.starts_with("MN")) {
        fault = "miss";
    }
    const std::size_t shown = std::max(begin, position_ < 40 ? 0 : position_ - 40);
    what_ = fmt::format("{} in reply {} of {}, byte {}: expected \"{}\", came \"{}\"", fault,
                        part + 1, expected_.parts.size(), position_ - begin,
                        printable(expected.substr(shown), 70),
                        printable(std::string_view(reply).substr(shown - begin), 70));
}

std::string printable(std::string_view bytes, std::size_t length_max) {
    std::string text;
    for (const char c : bytes.substr(0, length_max)) {
        if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
            text += c;
        } else {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return text;
}

}  // namespace tlscache::bench
