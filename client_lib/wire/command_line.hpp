#pragma once

// From one command line to a request: what request_parser.cpp uses. The line is without its end;
// data blocks and key lists are request_parser's.

#include <cstddef>
#include <optional>
#include <string_view>

#include "client_lib/wire/line_reader.hpp"
#include "client_lib/wire/request.hpp"

namespace tlscache::wire {

// What a line says of the data block behind it.
struct data_block {
    bool expected = false;            // the verb stores
    std::optional<std::size_t> size;  // nullopt: its length can't be read
};

inline constexpr std::string_view bad_line_error = "CLIENT_ERROR bad command line format";
inline constexpr std::string_view bad_exptime_error = "CLIENT_ERROR invalid exptime argument";
inline constexpr std::string_view too_large_error = "SERVER_ERROR object too large for cache";
inline constexpr std::string_view bad_data_error = "CLIENT_ERROR bad data chunk";

// Makes `out` a refusal, silent if no reply was wanted. The key is forgotten.
inline void refuse(request& out, refusal why, std::string_view error) noexcept {
    out.op = verb::invalid;
    out.key = {};
    out.why = why;
    out.error = out.noreply ? std::string_view() : error;
}

// Fills `out` from a line that is no key list.
data_block read_command_line(std::string_view line, request& out) noexcept;

// By family. `out.op` is set, `args` stands behind the verb. Each leaves a refusal in `out` if the
// line is wrong.
data_block read_store(line_reader& args, request& out) noexcept;
void read_classic(line_reader& args, request& out) noexcept;
data_block read_meta(line_reader& args, request& out) noexcept;
data_block read_tagged(line_reader& args, request& out) noexcept;

// Flags of mg, ms, md, ma into out.meta. False: refused.
bool read_meta_flags(std::string_view flags, request& out) noexcept;

}  // namespace tlscache::wire
