// spdlog behind a few functions, so that its headers are parsed once. One logger, to stderr; the
// verbosity is memcached's number of -v.

#include "cache_server/service/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>

namespace tlscache::log {
namespace {

std::atomic<unsigned> chosen{0};

spdlog::logger& logger() {
    static const auto one = [] {
        auto made = std::make_shared<spdlog::logger>(
            "tlscached", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z tlscached %l: %v");
        made->set_level(spdlog::level::trace);
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *one;
}

spdlog::level::level_enum level_of(level what) noexcept {
    switch (what) {
        case level::error:
            return spdlog::level::err;
        case level::warning:
            return spdlog::level::warn;
        case level::notice:
            return spdlog::level::info;
        default:
            return spdlog::level::debug;
    }
}

}  // namespace

void start(unsigned verbosity) {
    set_verbosity(verbosity);
    logger();
}

void set_verbosity(unsigned verbosity) noexcept {
    chosen.store(std::min(verbosity, 3u), std::memory_order_relaxed);
}

unsigned verbosity() noexcept {
    return chosen.load(std::memory_order_relaxed);
}

bool enabled(level what) noexcept {
    const auto extra = static_cast<unsigned>(what) -
                       std::min(static_cast<unsigned>(what), static_cast<unsigned>(level::notice));
    return extra <= verbosity();
}

void write(level what, std::string_view line) {
    if (enabled(what)) {
        logger().log(level_of(what), spdlog::string_view_t(line.data(), line.size()));
    }
}

void flush() {
    logger().flush();
}

}  // namespace tlscache::log
