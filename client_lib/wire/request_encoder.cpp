#include "client_lib/wire/request_encoder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "client_lib/wire/base64.hpp"

// A request is a line made in one piece on the stack (its longest form is below line_room), then,
// for stores, the data block. One append each, so the buffer grows at most once.

namespace tlscache::wire {
namespace {

constexpr std::size_t line_room = 128;  // "ts", 24 of key, 20 of size, 20 of ttl, 17 of hint
constexpr std::string_view line_end = "\r\n";

class line {
  public:
    line(std::string_view verb, tagged_key key) {
        text(verb);
        base64_encode(as_text(key), end_);
        end_ += base64_size(tagged_key_bytes);
    }
    line& text(std::string_view part) {
        end_ = std::copy(part.begin(), part.end(), end_);
        return *this;
    }
    line& number(std::uint64_t value) {
        end_ = std::to_chars(end_, bytes_.data() + bytes_.size(), value).ptr;
        return *this;
    }
    line& hex(std::uint64_t value) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            *end_++ = "0123456789abcdef"[(value >> shift) & 0xf];
        }
        return *this;
    }
    std::string_view view() const {
        return {bytes_.data(), static_cast<std::size_t>(end_ - bytes_.data())};
    }

  private:
    std::array<char, line_room> bytes_;
    char* end_ = bytes_.data();
};

void append_store(const line& head, byte_view value, buffer& out) {
    out.prepare(head.view().size() + value.size() + line_end.size());
    out.append(head.view());
    if (!value.empty()) {
        out.append(as_text(value));
    }
    out.append(line_end);
}

std::uint64_t ttl_on_wire(std::int64_t ttl) {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(ttl, 1, store_ttl_max));
}

}  // namespace

void encode_tagged_get(tagged_key key, buffer& out) {
    out.append(line("tg ", key).text(line_end).view());
}

void encode_tagged_set(tagged_key key, byte_view value, std::int64_t ttl, std::uint64_t hint,
                       buffer& out) {
    line head("ts ", key);
    head.text(" ").number(value.size()).text(" T").number(ttl_on_wire(ttl));
    if (hint != 0) {
        head.text(" h").hex(hint);
    }
    append_store(head.text(line_end), value, out);
}

void encode_meta_get(tagged_key key, buffer& out) {
    out.append(line("mg ", key).text(" b v t\r\n").view());
}

void encode_meta_set(tagged_key key, byte_view value, std::int64_t ttl, buffer& out) {
    line head("ms ", key);
    head.text(" ").number(value.size()).text(" b T").number(ttl_on_wire(ttl));
    append_store(head.text(line_end), value, out);
}

void encode_meta_delete(tagged_key key, buffer& out) {
    out.append(line("md ", key).text(" b\r\n").view());
}

void encode_meta_noop(buffer& out) {
    out.append("mn\r\n");
}

}  // namespace tlscache::wire
