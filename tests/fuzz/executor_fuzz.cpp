// Bytes of a stranger through parser, commands and store: the answers are the same with any limit
// of the output and in any pieces. The first two bytes choose both, the third lets time pass.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/support/command_fixture.hpp"

namespace {

using tlscache::testing::node;

tlscache::store::store_options tiny_store() {
    auto options = tlscache::testing::small_store();
    options.bytes_max = 1u << 20;
    options.value_bytes_max = 4096;
    return options;
}

// CAS values are as different as the moments at which stores were made.
std::string answer(std::string_view bytes, std::size_t output_bytes_max, std::size_t piece,
                   std::int64_t pause) {
    node served(output_bytes_max, tiny_store());
    std::string all;
    for (int round = 0; round != 2; ++round) {
        served.reconnect();
        for (std::size_t at = 0; at < bytes.size() && !served.closed; at += piece) {
            all += served.says(bytes.substr(at, piece));
        }
        served.pass(pause);
        served.entries.expire(served.now, 1000);
    }
    return all;
}

bool tells_own_numbers(std::string_view answer) {
    return answer.find("STAT ") != std::string_view::npos ||
           answer.find("ME ") != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3 || size > 8192) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data + 3), size - 3);
    const std::int64_t pause = std::int64_t{data[2]} * tlscache::testing::second / 16;
    const std::string whole = answer(bytes, tlscache::testing::any_output, bytes.size() + 1, pause);
    const std::string pieces =
        answer(bytes, std::size_t{1} + data[0], std::size_t{1} + data[1], pause);
    if (whole != pieces && !tells_own_numbers(whole)) {
        std::abort();
    }
    return 0;
}
