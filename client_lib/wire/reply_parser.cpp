#include "client_lib/wire/reply_parser.hpp"

#include <charconv>
#include <limits>

// A reply is a line and, for a hit, a data block of the length that the line names. The search for
// the line's end goes on where it stopped; the line itself is read again each time, which is
// bounded, because a caller comes back only with the bytes that `needed` asks for, or a byte later
// at worst.
//
// A line is cut into words at single blanks. Fields that the grammar names must be there, in order;
// behind them later versions may add more (PROTOCOL.md section 2).

namespace tlscache::wire {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::int64_t seconds_max = 0x7fff'ffff;  // of TTL and age: sums of them can't overflow

class words {
  public:
    explicit words(std::string_view line) : rest_(line) {}

    // The next word; empty at the end, or where two blanks meet, which no reply has.
    std::string_view next() {
        const std::size_t blank = rest_.find(' ');
        const std::string_view word = rest_.substr(0, blank);
        rest_ = blank == std::string_view::npos ? std::string_view{} : rest_.substr(blank + 1);
        trailing_blank_ = blank != std::string_view::npos && rest_.empty();
        return word;
    }
    // All that is left is well formed: words of visible characters between single blanks.
    bool rest_is_words() {
        while (!rest_.empty()) {
            if (next().empty()) {
                return false;
            }
        }
        return !trailing_blank_;
    }
    bool at_end() const { return rest_.empty() && !trailing_blank_; }

  private:
    std::string_view rest_;
    bool trailing_blank_ = false;
};

template <class Number>
bool read_number(std::string_view word, Number& out, int base = 10) {
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, out, base);
    return error == std::errc{} && stop == end && !word.empty();
}

// A word of one letter and a number.
template <class Number>
bool read_field(std::string_view word, char letter, Number& out, int base = 10) {
    return !word.empty() && word[0] == letter && read_number(word.substr(1), out, base);
}

bool read_ttl(std::string_view word, std::int64_t& ttl) {
    return read_field(word, 't', ttl) && ttl >= -1 && ttl <= seconds_max;
}

// " n1700000000 r1a2b3c4d e7" and what later versions add.
bool read_node(words& line, reply& out) {
    const std::string_view time = line.next();
    const std::string_view ring = line.next();
    const std::string_view epoch = line.next();
    out.extended = true;
    return read_field(time, 'n', out.node_time) && out.node_time >= 0 && ring.size() == 9 &&
           read_field(ring, 'r', out.ring_version, 16) && read_field(epoch, 'e', out.epoch) &&
           line.rest_is_words();
}

bool read_size(std::string_view word, std::size_t size_max, std::size_t& size) {
    std::uint32_t value = 0;
    if (!read_number(word, value) || value > size_max) {
        return false;
    }
    size = value;
    return true;
}

bool read_tagged_get(std::string_view head, words& line, std::size_t size_max, reply& out,
                     std::size_t& size) {
    if (head == "TN") {
        out.kind = reply_kind::miss;
        return read_node(line, out);
    }
    out.kind = reply_kind::hit;
    return head == "TV" && read_size(line.next(), size_max, size) &&
           read_ttl(line.next(), out.ttl) && read_field(line.next(), 'a', out.age) &&
           out.age >= 0 && out.age <= seconds_max && read_node(line, out);
}

// "VA 5 t60" and, after somebody's "md I", " W X" or " X Z": stale, so it counts as a miss.
bool read_meta_get(std::string_view head, words& line, std::size_t size_max, reply& out,
                   std::size_t& size) {
    if (head == "EN") {
        out.kind = reply_kind::miss;
        return line.at_end();
    }
    out.kind = reply_kind::hit;
    if (head != "VA" || !read_size(line.next(), size_max, size)) {
        return false;
    }
    bool has_ttl = false;
    while (!line.at_end()) {
        const std::string_view word = line.next();
        if (word == "X") {
            out.kind = reply_kind::miss;
        } else if (read_ttl(word, out.ttl)) {
            has_ttl = true;
        } else if (word != "W" && word != "Z" && word != "b") {
            return false;
        }
    }
    return has_ttl;
}

bool read_done(std::string_view head, std::string_view done, std::string_view not_done, words& line,
               reply& out) {
    out.kind = head == done ? reply_kind::done : reply_kind::not_done;
    return (head == done || head == not_done) && line.rest_is_words();
}

bool read_line(std::string_view text, asked request, std::size_t size_max, reply& out,
               std::size_t& size) {
    words line(text);
    const std::string_view head = line.next();
    if (head == "SERVER_ERROR") {
        out.kind = reply_kind::server_error;
        return true;
    }
    if (text == "ERROR" && request == asked::tagged_get) {
        out.kind = reply_kind::unknown_command;
        return true;
    }
    switch (request) {
        case asked::tagged_get:
            return read_tagged_get(head, line, size_max, out, size);
        case asked::meta_get:
            return read_meta_get(head, line, size_max, out, size);
        case asked::tagged_set:
            out.kind = head == "HD" ? reply_kind::done : reply_kind::not_done;
            return (head == "HD" || head == "NS") && read_node(line, out);
        case asked::meta_set:
            return read_done(head, "HD", "NS", line, out);
        case asked::meta_delete:
            return read_done(head, "HD", "NF", line, out);
        case asked::meta_noop:
            return read_done(head, "MN", "MN", line, out);
    }
    return false;
}

}  // namespace

reply_parser::status reply_parser::parse(std::string_view input, asked request, reply& out,
                                         std::size_t& consumed, std::size_t& needed) {
    consumed = 0;
    needed = 0;
    const std::size_t feed = input.find('\n', scanned_);
    if (feed == std::string_view::npos) {
        scanned_ = input.size();
        needed = scanned_ + 1;
        return scanned_ > reply_line_bytes_max ? status::bad : status::needs_more;
    }
    scanned_ = feed;
    if (feed == 0 || feed > reply_line_bytes_max || input[feed - 1] != '\r') {
        return status::bad;
    }
    out = reply{};
    constexpr std::size_t no_block = std::numeric_limits<std::size_t>::max();
    std::size_t size = no_block;
    if (!read_line(input.substr(0, feed - 1), request, value_bytes_max_, out, size)) {
        return status::bad;
    }
    std::size_t end = feed + 1;
    if (size != no_block) {
        const std::size_t value = end;
        end += size + line_end.size();
        if (input.size() < end) {
            needed = end;
            return status::needs_more;
        }
        if (input.substr(value + size, line_end.size()) != line_end) {
            return status::bad;
        }
        out.value = input.substr(value, size);
    }
    scanned_ = 0;
    consumed = end;
    return status::parsed;
}

}  // namespace tlscache::wire
