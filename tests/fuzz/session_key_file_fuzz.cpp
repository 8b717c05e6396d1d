// Any bytes as cluster.key: either a refusal in one line, or roots and a schedule within the caps.

#include <cstdlib>

#include "client_lib/session/key_file.hpp"

using namespace tlscache;
using namespace tlscache::session;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = parse_key_file(byte_view(data, size), "cluster.key");
    bool good = false;
    if (parsed.has_error()) {
        const std::string& text = parsed.error().text;
        good = text.starts_with("cluster.key:") && text.find('\n') == std::string::npos &&
               text.size() < 120;
    } else {
        good = !parsed->roots.empty() && parsed->roots.size() <= roots_max &&
               parsed->schedule.period >= 1 && parsed->schedule.period <= period_seconds_max &&
               parsed->schedule.lifetime >= 1 && parsed->schedule.lifetime <= lifetime_seconds_max;
    }
    if (!good) {
        std::abort();
    }
    return 0;
}
