#include <algorithm>

#include "cache_server/command/context.hpp"

// flush_all, version, verbosity, quit, shutdown, mn, tk, and what the parser refused.

namespace tlscache::command {
namespace {

constexpr unsigned verbosity_max = 3;

void run_flush_all(context& with, const wire::request& request) {
    with.count(counter::cmd_flush);
    const std::int64_t delay = request.exptime == 0 ? 0 : seconds_until(request.exptime, with.now);
    with.entries.flush(with.now, static_cast<std::uint64_t>(delay));
    with.reply(request, "OK");
}

bool run_shutdown(context& with, const wire::request& request) {
    if (!with.server.shutdown_allowed()) {
        with.reply(request, "ERROR: shutdown not enabled");
        return false;
    }
    if (!request.argument.empty() && request.argument != "graceful") {
        with.reply(request, "CLIENT_ERROR invalid shutdown mode");
        return false;
    }
    with.server.shutdown(!request.argument.empty());
    return true;
}

counter counter_of(wire::refusal why) noexcept {
    switch (why) {
        case wire::refusal::unknown_command:
            return counter::refused_unknown_command;
        case wire::refusal::key_too_long:
            return counter::refused_key_too_long;
        case wire::refusal::too_large:
            return counter::store_too_large;
        case wire::refusal::bad_data:
            return counter::refused_bad_data;
        case wire::refusal::line_too_long:
            return counter::refused_line_too_long;
        case wire::refusal::other_tls:
            return counter::other_protocol_tls;
        case wire::refusal::other_binary:
            return counter::other_protocol_binary;
        case wire::refusal::other_resp:
            return counter::other_protocol_resp;
        case wire::refusal::other_http:
            return counter::other_protocol_http;
        default:
            return counter::refused_bad_line;
    }
}

}  // namespace

bool run_administration(context& with, const wire::request& request) {
    switch (request.op) {
        case wire::verb::mn:
            wire::append_line(with.output, "MN");
            return false;
        case wire::verb::tk:
            wire::append_line(with.output, "SERVER_ERROR no key authority here");
            return false;
        case wire::verb::version:
            wire::append_line(with.output, "VERSION 1.6.18-tlscached-" TLSCACHE_VERSION);
            return false;
        case wire::verb::flush_all:
            run_flush_all(with, request);
            return false;
        case wire::verb::verbosity:
            with.server.set_verbosity(
                static_cast<unsigned>(std::min<std::uint64_t>(request.delta, verbosity_max)));
            with.reply(request, "OK");
            return false;
        case wire::verb::shutdown:
            return run_shutdown(with, request);
        default:  // quit
            return true;
    }
}

void run_refused(context& with, const wire::request& request, std::uint64_t hash) {
    with.count(counter_of(request.why));
    if (request.drop_key) {
        drop(with, with.key(request, hash));
    }
    if (!request.error.empty()) {
        wire::append_line(with.output, request.error);
    }
}

}  // namespace tlscache::command
