#pragma once

// When a session that came back was made, and how long it may still live. Only the node's clock
// counts age; this machine's clock says what `now` is, the issuer's only what lay between two
// moments of its own.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "client_lib/session/sealer.hpp"
#include "client_lib/transport/transport.hpp"

namespace tlscache::tls {

struct session_times {
    std::int64_t age = 0;        // since it was made
    std::int64_t remaining = 0;  // until it ends
    std::int64_t chain_age = 0;  // since the client was first authenticated, renewals included
};

// nullopt: less than a second left. `lifetime_max` is L; renewals end at the same cap.
inline std::optional<session_times> times_of(const session::session_record& record,
                                             const transport::lookup_result& answer,
                                             std::int64_t lifetime_max) {
    session_times times;
    if (answer.age < 0 && answer.ttl < 0) {
        return std::nullopt;
    }
    // A store may have waited for its node, which then knows too small an age; what it waited was
    // taken off its time to live.
    const std::int64_t used = answer.ttl >= 0 ? record.lifetime - answer.ttl : 0;
    times.age = std::max({answer.age, used, std::int64_t{0}});
    times.chain_age =
        times.age + std::max<std::int64_t>(record.stored_at - record.first_authentication, 0);
    times.remaining = std::min(record.lifetime - times.age, lifetime_max - times.chain_age);
    if (answer.ttl >= 0) {
        times.remaining = std::min(times.remaining, answer.ttl);
    }
    return times.remaining >= 1 ? std::optional(times) : std::nullopt;
}

}  // namespace tlscache::tls
