#pragma once

// Flags of the meta and extension commands: "v", "T60", "Oopaque" ... separated by blanks.

#include <cstdint>
#include <optional>
#include <string_view>

#include "client_lib/wire/limits.hpp"

namespace tlscache::wire {

// One flag at a time, in the order of the line; blanks are skipped.
class flag_reader {
  public:
    explicit flag_reader(std::string_view flags) noexcept : rest_(flags) {}

    // The next flag with its token ("T60"), empty at the end.
    std::string_view next() noexcept {
        const std::size_t begin = rest_.find_first_not_of(' ');
        if (begin == std::string_view::npos) {
            rest_ = {};
            return {};
        }
        rest_.remove_prefix(begin);
        const std::string_view flag = rest_.substr(0, rest_.find(' '));
        rest_.remove_prefix(flag.size());
        return flag;
    }

  private:
    std::string_view rest_;
};

// The flags of one request: the text for those that are echoed in order, and what they say.
struct meta_flags {
    std::string_view text;  // all of them as they came; read it with flag_reader

    bool quiet = false;                        // q
    bool value = false;                        // v
    bool no_bump = false;                      // u
    bool set_stale = false;                    // I
    bool drop_value = false;                   // x
    bool judge = false;                        // J of tg; the flight's key is in `text`
    bool echoes = false;                       // any flag that the reply answers or echoes
    char mode = 0;                             // M
    std::uint32_t client_flags = 0;            // F
    std::optional<std::int64_t> ttl;           // T, as memcached's exptime; of ts: seconds from now
    std::optional<std::int64_t> vivify_ttl;    // N
    std::optional<std::int64_t> recache;       // R
    std::optional<std::uint64_t> compare_cas;  // C
    std::optional<std::uint64_t> new_cas;      // E
    std::uint64_t initial = 0;                 // J of ma
    std::uint64_t delta = 1;                   // D
    std::uint64_t hint = 0;                    // h of tg, ts
};

}  // namespace tlscache::wire
