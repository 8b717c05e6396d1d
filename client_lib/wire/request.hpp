#pragma once

// One request of the text protocol, as the daemon's parser gives it. PROTOCOL.md has the grammar.

#include <cstdint>
#include <string_view>

#include "client_lib/wire/meta_flags.hpp"

namespace tlscache::wire {

enum class verb : std::uint8_t {
    // classic
    get,
    gets,
    gat,
    gats,
    set,
    add,
    replace,
    append,
    prepend,
    cas,
    touch,
    incr,
    decr,
    del,
    flush_all,
    stats,
    version,
    verbosity,
    quit,
    shutdown,
    // meta
    mn,
    mg,
    ms,
    md,
    ma,
    me,
    // extensions (see PROTOCOL.md)
    tg,  // get, and judge: answers with this node's time, ring version and namespace epoch
    ts,  // store with a hint for the eviction policy
    tk,  // reserved for key sets
    // refused before execution: answer with `error`
    invalid,
};

// Why a request was refused before execution; the daemon counts by it.
enum class refusal : std::uint8_t {
    none,
    unknown_command,
    bad_line,       // wrong number or shape of arguments
    key_too_long,   // longer than key_bytes_max
    too_large,      // a value above -I
    bad_data,       // no line end behind the data block: the framing is lost
    line_too_long,  // no line end within line_bytes_max
    // another protocol at the port
    other_tls,
    other_binary,
    other_resp,
    other_http,
};

// A request borrows from the parser's input: it is valid until those bytes move or change.
// A key list ("get a b c") comes as one request per key, so that a multiget is a batch like any
// other: first_key on the first, last_key on the last (which ends with "END"). If the line ended
// behind blanks that came late, the last one has an empty key and only ends the list.
struct request_base {
    verb op = verb::invalid;
    std::string_view key;     // decoded if it was sent base64
    bool key_base64 = false;  // sent base64; echoed the same way
    bool first_key = true;
    bool last_key = true;
    bool noreply = false;  // classic only; meta has its flag q

    std::uint32_t client_flags = 0;
    std::int64_t exptime = 0;  // as memcached means it: 0 none, < 0 gone, > 30 days absolute
    std::uint64_t cas = 0;     // of "cas"
    std::uint64_t delta = 0;   // of "incr", "decr"
    std::string_view value;    // the data block

    std::string_view argument;  // rest of the line: stats, verbosity, flush_all, shutdown
    std::string_view error;     // op == invalid: the reply line, static, without CRLF; may be empty
    refusal why = refusal::none;
    bool drop_key = false;  // op == invalid: a store too large; the old entry of `key` goes
    bool close = false;     // after this reply the connection ends
};

struct request : request_base {
    meta_flags meta;  // of the meta and extension verbs only, checked; of others it is stale

    // Begins anew, without the cost of flags that most requests do not have.
    void clear() noexcept { static_cast<request_base&>(*this) = request_base(); }

    // `key` was decoded where it stood.
    bool key_decoded() const noexcept { return key_base64 && (op != verb::invalid || drop_key); }

    // The library's own key space: sent base64 and exactly tagged_key_bytes long.
    bool tagged() const noexcept { return key_base64 && key.size() == tagged_key_bytes; }
};

}  // namespace tlscache::wire
