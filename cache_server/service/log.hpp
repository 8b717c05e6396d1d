#pragma once

// What the daemon says on stderr. Never keys, values or peers' bytes. Any thread may call.
//
// notice: start, end, what the operator must know; always told (-v 0). detail: -v. fine: -vv.
// finest: -vvv.

#include <string_view>

namespace tlscache::log {

enum class level { error, warning, notice, detail, fine, finest };

// Before the first line, on one thread.
void start(unsigned verbosity);
void set_verbosity(unsigned verbosity) noexcept;
unsigned verbosity() noexcept;
bool enabled(level what) noexcept;

void write(level what, std::string_view line);

inline void error(std::string_view line) {
    write(level::error, line);
}
inline void warning(std::string_view line) {
    write(level::warning, line);
}
inline void notice(std::string_view line) {
    write(level::notice, line);
}

// Writes out what is buffered.
void flush();

}  // namespace tlscache::log
