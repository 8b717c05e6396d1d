#include "client_lib/wire/command_line.hpp"

#include <array>

// Which verb it is. Two-letter verbs come first: they are the library's and the fast clients'.

namespace tlscache::wire {
namespace {

struct verb_name {
    std::string_view name;
    verb op;
};

constexpr std::array short_verbs = {
    verb_name{"mg", verb::mg}, verb_name{"ms", verb::ms}, verb_name{"tg", verb::tg},
    verb_name{"ts", verb::ts}, verb_name{"md", verb::md}, verb_name{"ma", verb::ma},
    verb_name{"mn", verb::mn}, verb_name{"me", verb::me}, verb_name{"tk", verb::tk},
};

constexpr std::array long_verbs = {
    verb_name{"set", verb::set},
    verb_name{"add", verb::add},
    verb_name{"cas", verb::cas},
    verb_name{"delete", verb::del},
    verb_name{"touch", verb::touch},
    verb_name{"incr", verb::incr},
    verb_name{"decr", verb::decr},
    verb_name{"replace", verb::replace},
    verb_name{"append", verb::append},
    verb_name{"prepend", verb::prepend},
    verb_name{"stats", verb::stats},
    verb_name{"version", verb::version},
    verb_name{"quit", verb::quit},
    verb_name{"flush_all", verb::flush_all},
    verb_name{"verbosity", verb::verbosity},
    verb_name{"shutdown", verb::shutdown},
    // with arguments they are key lists, which never come here
    verb_name{"get", verb::get},
    verb_name{"gets", verb::gets},
    verb_name{"gat", verb::gat},
    verb_name{"gats", verb::gats},
};

template <class Table>
std::optional<verb> look_up(const Table& table, std::string_view word) noexcept {
    for (const verb_name& entry : table) {
        if (entry.name == word) {
            return entry.op;
        }
    }
    return std::nullopt;
}

// A web browser or a health check at the wrong port: its request line ends with "HTTP/1.1".
bool ends_with_http(line_reader args) noexcept {
    std::string_view last;
    for (std::string_view token = args.next(); !token.empty(); token = args.next()) {
        last = token;
    }
    return last.starts_with("HTTP/");
}

void refuse_unknown(line_reader& args, request& out) noexcept {
    if (ends_with_http(args)) {
        refuse(out, refusal::other_http, {});
        out.close = true;
        return;
    }
    refuse(out, refusal::unknown_command, "ERROR");
}

}  // namespace

data_block read_command_line(std::string_view line, request& out) noexcept {
    line_reader args(line);
    const std::string_view word = args.next();
    const std::optional<verb> op =
        word.size() == 2 ? look_up(short_verbs, word) : look_up(long_verbs, word);
    if (!op) {
        refuse_unknown(args, out);
        return {};
    }
    out.op = *op;
    switch (out.op) {
        case verb::set:
        case verb::add:
        case verb::replace:
        case verb::append:
        case verb::prepend:
        case verb::cas:
            return read_store(args, out);
        case verb::mn:
            return {};
        case verb::mg:
        case verb::ms:
        case verb::md:
        case verb::ma:
        case verb::me:
            return read_meta(args, out);
        case verb::tg:
        case verb::ts:
        case verb::tk:
            return read_tagged(args, out);
        default:
            read_classic(args, out);
            return {};
    }
}

}  // namespace tlscache::wire
