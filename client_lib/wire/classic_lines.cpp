#include <array>

#include "client_lib/wire/command_line.hpp"

// The classic commands. memcached decides by the number of tokens first ("ERROR"), then by their
// contents ("CLIENT_ERROR ..."); "noreply" counts only where the number was right. A store tells
// the length of its block even when it is refused, so that the block can be swallowed.

namespace tlscache::wire {
namespace {

constexpr std::size_t tokens_max = 8;

// Arguments behind the verb; `count` goes on counting those that do not fit.
struct arguments {
    std::array<std::string_view, tokens_max> tokens;
    std::size_t count = 0;

    explicit arguments(line_reader& args) noexcept {
        for (std::string_view token = args.next(); !token.empty(); token = args.next()) {
            if (count < tokens_max) {
                tokens[count] = token;
            }
            ++count;
        }
    }
    std::string_view operator[](std::size_t i) const noexcept { return tokens[i]; }
    bool ends_with_noreply() const noexcept {
        return count != 0 && count <= tokens_max && tokens[count - 1] == "noreply";
    }
    bool within(std::size_t least, std::size_t most) const noexcept {
        return count >= least && count <= most;
    }
};

void refuse_count(request& out) noexcept {
    refuse(out, refusal::bad_line, "ERROR");
}

bool take_key(std::string_view key, request& out) noexcept {
    if (key.size() > key_bytes_max) {
        refuse(out, refusal::key_too_long, bad_line_error);
        return false;
    }
    out.key = key;
    return true;
}

void read_touch(const arguments& args, request& out) noexcept {
    if (!args.within(2, 3)) {
        return refuse_count(out);
    }
    out.noreply = args.ends_with_noreply();
    if (!take_key(args[0], out)) {
        return;
    }
    const auto exptime = read_number<std::int64_t>(args[1]);
    if (!exptime) {
        return refuse(out, refusal::bad_line, bad_exptime_error);
    }
    out.exptime = *exptime;
}

void read_arithmetic(const arguments& args, request& out) noexcept {
    if (!args.within(2, 3)) {
        return refuse_count(out);
    }
    out.noreply = args.ends_with_noreply();
    if (!take_key(args[0], out)) {
        return;
    }
    const auto delta = read_number<std::uint64_t>(args[1]);
    if (!delta) {
        return refuse(out, refusal::bad_line, "CLIENT_ERROR invalid numeric delta argument");
    }
    out.delta = *delta;
}

void read_delete(const arguments& args, request& out) noexcept {
    if (!args.within(1, 3)) {
        return refuse_count(out);
    }
    if (args.count > 1) {
        const bool zero = args[1] == "0";
        out.noreply = args.ends_with_noreply();
        if (args.count == 2 ? !zero && !out.noreply : !zero || !out.noreply) {
            return refuse(out, refusal::bad_line,
                          "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]");
        }
    }
    take_key(args[0], out);
}

void read_flush_all(const arguments& args, request& out) noexcept {
    if (!args.within(0, 2)) {
        return refuse_count(out);
    }
    out.noreply = args.ends_with_noreply();
    if (args.count == (out.noreply ? 1 : 0)) {
        return;
    }
    const auto exptime = read_number<std::int64_t>(args[0]);
    if (!exptime) {
        return refuse(out, refusal::bad_line, bad_exptime_error);
    }
    out.exptime = *exptime;
}

void read_verbosity(const arguments& args, request& out) noexcept {
    if (!args.within(1, 2)) {
        return refuse_count(out);
    }
    out.noreply = args.ends_with_noreply();
    const auto level = read_number<std::uint32_t>(args[0]);
    if (!level) {
        return refuse(out, refusal::bad_line, bad_line_error);
    }
    out.delta = *level;
}

}  // namespace

data_block read_store(line_reader& line, request& out) noexcept {
    const arguments args(line);
    data_block block{true, std::nullopt};
    if (args.count > 3) {
        block.size = read_number<std::size_t>(args[3]);
    }
    const std::size_t least = out.op == verb::cas ? 5 : 4;
    if (!args.within(least, least + 1)) {
        refuse_count(out);
        return block;
    }
    out.noreply = args.ends_with_noreply();
    const auto flags = read_number<std::uint32_t>(args[1]);
    const auto exptime = read_number<std::int64_t>(args[2]);
    if (!take_key(args[0], out)) {
        return block;
    }
    if (!flags || !exptime || !block.size) {
        refuse(out, refusal::bad_line, bad_line_error);
        return block;
    }
    out.client_flags = *flags;
    out.exptime = *exptime;
    if (out.op == verb::cas) {
        const auto cas = read_number<std::uint64_t>(args[4]);
        if (!cas) {
            refuse(out, refusal::bad_line, bad_line_error);
            return block;
        }
        out.cas = *cas;
    }
    return block;
}

void read_classic(line_reader& line, request& out) noexcept {
    out.argument = line.rest();
    switch (out.op) {
        case verb::touch:
            return read_touch(arguments(line), out);
        case verb::incr:
        case verb::decr:
            return read_arithmetic(arguments(line), out);
        case verb::del:
            return read_delete(arguments(line), out);
        case verb::flush_all:
            return read_flush_all(arguments(line), out);
        case verb::verbosity:
            return read_verbosity(arguments(line), out);
        case verb::get:
        case verb::gets:
        case verb::gat:
        case verb::gats:
            return refuse_count(out);
        default:
            return;
    }
}

}  // namespace tlscache::wire
