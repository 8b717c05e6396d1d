#include "client_lib/wire/reply_encoder.hpp"

// The classic replies in full; those of the meta commands are put together by the daemon from the
// writer's parts, in the order of the request's flags.

namespace tlscache::wire {

reply_writer& reply_writer::hex32(std::uint32_t value) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    for (unsigned shift = 32; shift != 0; shift -= 4) {
        character(digits[(value >> (shift - 4)) & 0xf]);
    }
    return *this;
}

reply_writer& reply_writer::key(std::string_view key, bool base64) noexcept {
    if (!base64) {
        return text(key);
    }
    base64_encode(key, at_);
    at_ += base64_size(key.size());
    return *this;
}

void append_line(buffer& out, std::string_view line) {
    char* const to = out.prepare(line.size() + 2);
    std::memcpy(to, line.data(), line.size());
    std::memcpy(to + line.size(), "\r\n", 2);
    out.commit(line.size() + 2);
}

void append_value(buffer& out, std::string_view key, std::uint32_t client_flags,
                  std::string_view value, std::optional<std::uint64_t> cas) {
    reply_writer reply(out, value.size());
    reply.text("VALUE ").text(key).character(' ').number(client_flags);
    reply.character(' ').number(value.size());
    if (cas) {
        reply.character(' ').number(*cas);
    }
    reply.end_line().block(value).commit();
}

void append_stat(buffer& out, std::string_view name, std::string_view value) {
    reply_writer reply(out, name.size() + value.size());
    reply.text("STAT ").text(name).character(' ').text(value).end_line().commit();
}

}  // namespace tlscache::wire
