#pragma once

// What all meta replies share: opaque and key are echoed in the order of the request.

#include "client_lib/wire/reply_encoder.hpp"
#include "client_lib/wire/request.hpp"

namespace tlscache::command {

// True if the flag was one of the two.
inline bool echo(wire::reply_writer& reply, std::string_view flag,
                 const wire::request& request) noexcept {
    if (flag.front() == 'O') {
        reply.character(' ').text(flag);
        return true;
    }
    if (flag.front() == 'k') {
        reply.key_flag(request.key, request.key_base64);
        return true;
    }
    return false;
}

// True if the reply tells the cas: only then the store has to keep one.
inline bool shows_cas(const wire::request& request) noexcept {
    if (request.meta.echoes) {
        wire::flag_reader flags(request.meta.text);
        for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
            if (flag.front() == 'c') {
                return true;
            }
        }
    }
    return false;
}

// A reply that is a code and echoes.
inline void append_code(wire::buffer& output, std::string_view code, const wire::request& request) {
    wire::reply_writer reply(output);
    reply.text(code);
    if (request.meta.echoes) {
        wire::flag_reader flags(request.meta.text);
        for (std::string_view flag = flags.next(); !flag.empty(); flag = flags.next()) {
            echo(reply, flag, request);
        }
    }
    reply.end_line().commit();
}

}  // namespace tlscache::command
