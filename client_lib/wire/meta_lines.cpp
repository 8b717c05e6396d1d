#include <bitset>

#include "client_lib/wire/base64.hpp"
#include "client_lib/wire/command_line.hpp"

// The meta commands. All share one set of flags: a flag that is known but means nothing to a verb
// is taken and ignored. A token that can't be read is noted and reading goes on, so that the last
// fault names the error, as in memcached; md and ma have one sentence for all of them.

namespace tlscache::wire {
namespace {

constexpr std::string_view bad_token_error = "CLIENT_ERROR bad token in command line format";

// memcached's limit on the tokens of a meta line, the verb included.
constexpr std::size_t meta_tokens_max = 19;

bool known_flag(char flag, verb op) noexcept {
    if (flag == 'E') {
        return op != verb::mg;
    }
    if (flag == 'x') {
        return op == verb::md;
    }
    return std::string_view("bNTRlOPLkstcfvhuqFCMJDI").find(flag) != std::string_view::npos;
}

class flag_parser {
  public:
    explicit flag_parser(request& out) noexcept : out_(out), meta_(out.meta) {}

    // False: the line is refused without reading further.
    bool take(std::string_view flag) noexcept {
        const char name = flag.front();
        const auto code = static_cast<unsigned char>(name);
        if (code >= 127 || seen_[code]) {
            return fail("CLIENT_ERROR duplicate flag");
        }
        seen_[code] = true;
        if (!known_flag(name, out_.op)) {
            return fail("CLIENT_ERROR invalid flag");
        }
        if (!read_switch(name)) {
            read_token(name, flag.substr(1));
        }
        return true;
    }

    bool failed() const noexcept { return failed_; }
    std::string_view error() const noexcept { return error_; }

  private:
    bool fail(std::string_view error) noexcept {
        failed_ = true;
        error_ = error;
        return false;
    }

    // Flags without a token.
    bool read_switch(char name) noexcept {
        switch (name) {
            case 'b':
                out_.key_base64 = true;
                if (!base64_check(out_.key)) {
                    fail("CLIENT_ERROR error decoding key");
                }
                return true;
            case 'v':
                return meta_.value = true;
            case 'u':
                return meta_.no_bump = true;
            case 'q':
                return meta_.quiet = true;
            case 'I':
                return meta_.set_stale = true;
            case 'x':
                return meta_.drop_value = true;
            case 'O':
            case 'k':
            case 's':
            case 't':
            case 'c':
            case 'f':
            case 'h':
            case 'l':
                return meta_.echoes = true;
            case 'P':
            case 'L':
                return true;
            default:
                return false;
        }
    }

    void read_token(char name, std::string_view token) noexcept {
        switch (name) {
            case 'N':
                return number(token, meta_.vivify_ttl, bad_token_error);
            case 'T':
                return number(token, meta_.ttl, bad_token_error);
            case 'R':
                return number(token, meta_.recache, bad_token_error);
            case 'C':
                return number(token, meta_.compare_cas, bad_token_error);
            case 'E':
                return number(token, meta_.new_cas, bad_token_error);
            case 'F':
                // memcached has no sentence of its own for F: the one before it stands.
                return number(token, meta_.client_flags, error_);
            case 'J':
                return number(token, meta_.initial, "CLIENT_ERROR invalid numeric initial value");
            case 'D':
                return number(token, meta_.delta, "CLIENT_ERROR invalid numeric delta value");
            default:  // 'M'
                if (token.size() == 1) {
                    meta_.mode = token.front();
                } else {
                    fail("CLIENT_ERROR incorrect length for M token");
                }
        }
    }

    template <class Number>
    void number(std::string_view token, std::optional<Number>& to,
                std::string_view error) noexcept {
        to = read_number<Number>(token);
        if (!to) {
            fail(error);
        }
    }
    template <class Number>
    void number(std::string_view token, Number& to, std::string_view error) noexcept {
        const auto value = read_number<Number>(token);
        if (value) {
            to = *value;
        } else {
            fail(error);
        }
    }

    request& out_;
    meta_flags& meta_;
    std::bitset<128> seen_;
    bool failed_ = false;
    std::string_view error_ = bad_line_error;
};

bool mode_known(verb op, char mode) noexcept {
    if (mode == 0 || op == verb::mg || op == verb::md) {
        return true;
    }
    const std::string_view modes = op == verb::ms ? "EAPRS" : "I+D-";
    return modes.find(mode) != std::string_view::npos;
}

// What can be wrong with flags that could be read.
std::string_view fault_of(const request& out) noexcept {
    flag_reader flags(out.meta.text);
    for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
        if (flag.front() == 'O' && flag.size() > opaque_bytes_max) {
            return "CLIENT_ERROR opaque token too long";
        }
    }
    if (!mode_known(out.op, out.meta.mode)) {
        return out.op == verb::ms ? "CLIENT_ERROR invalid mode for ms M token"
                                  : "CLIENT_ERROR invalid mode for ma M token";
    }
    return {};
}

// "me" knows one flag, b in the first place, and ignores all others.
void read_meta_debug(line_reader& args, request& out) noexcept {
    if (args.next() != "b") {
        return;
    }
    out.key_base64 = true;
    if (!base64_check(out.key)) {
        refuse(out, refusal::bad_line, bad_line_error);
    }
}

bool take_meta_key(line_reader& args, request& out) noexcept {
    out.key = args.next();
    if (out.key.empty()) {
        refuse(out, refusal::bad_line, out.op == verb::me ? bad_line_error : "ERROR");
        return false;
    }
    return true;
}

}  // namespace

bool read_meta_flags(std::string_view text, request& out) noexcept {
    out.meta.text = text;
    std::size_t tokens = out.op == verb::ms ? 3 : 2;
    flag_reader counted(text);
    while (!counted.next().empty()) {
        ++tokens;
    }
    if (tokens > meta_tokens_max) {
        refuse(out, refusal::bad_line,
               out.op == verb::mg ? "CLIENT_ERROR options flags are too long"
                                  : "CLIENT_ERROR options flags too long");
        return false;
    }
    flag_parser parser(out);
    flag_reader flags(text);
    for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
        if (!parser.take(flag)) {
            break;
        }
    }
    if (parser.failed()) {
        const bool one_sentence = out.op == verb::md || out.op == verb::ma;
        refuse(out, refusal::bad_line,
               one_sentence ? "CLIENT_ERROR invalid or duplicate flag" : parser.error());
        return false;
    }
    const std::string_view fault = fault_of(out);
    if (!fault.empty()) {
        refuse(out, refusal::bad_line, fault);
        return false;
    }
    return true;
}

data_block read_meta(line_reader& args, request& out) noexcept {
    out.meta = {};
    data_block block;
    block.expected = out.op == verb::ms;
    if (!take_meta_key(args, out)) {
        return block;
    }
    std::string_view size;
    if (block.expected) {
        size = args.next();
        block.size = read_number<std::size_t>(size);
    }
    if (out.key.size() > key_bytes_max) {
        refuse(out, refusal::key_too_long, bad_line_error);
    } else if (block.expected && !block.size) {
        refuse(out, refusal::bad_line, bad_line_error);
    } else if (out.op == verb::me) {
        read_meta_debug(args, out);
    } else {
        read_meta_flags(args.rest(), out);
    }
    return block;
}

}  // namespace tlscache::wire
