// A wrong port in some configuration shows as the same first bytes over and over: one line in the
// log helps, one per connection would bury it. None of these bytes begins a command: a TLS record
// of a handshake (RFC 8446 section 5.1: type 22), the magic of memcached's binary protocol, a RESP
// array, an HTTP method.

#include <array>
#include <atomic>

#include "cache_server/net/settings.hpp"
#include "cache_server/service/log.hpp"

namespace tlscache::net {

void tell_likely_mistake(std::string_view first) {
    struct stranger {
        std::string_view begin;
        std::string_view line;
        std::atomic<bool> told{false};
    };
    static std::array<stranger, 5> strangers{{
        {"\x16",
         "a TLS client came to the plaintext port and was turned away: its configuration "
         "should not ask for TLS here"},
        {"\x80",
         "a client of memcached's binary protocol was turned away: set it to the text "
         "(ASCII) protocol"},
        {"*",
         "a Redis client was turned away: this is not a Redis server, its address or port is "
         "wrong"},
        {"GET /",
         "an HTTP client was turned away: the statistics page has a port of its own "
         "(--metrics)"},
        {"POST /", "an HTTP client was turned away: this is not an HTTP server"},
    }};
    for (stranger& one : strangers) {
        if (first.starts_with(one.begin)) {
            if (!one.told.exchange(true, std::memory_order_relaxed)) {
                log::warning(one.line);
            }
            return;
        }
    }
}

}  // namespace tlscache::net
