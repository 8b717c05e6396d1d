#include "client_lib/transport/ring_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>
#include <stdexcept>

// The stamp is taken before the file is read: a change in between is seen at the next look. The
// change time is part of it, so that an edit of the same size within a second is seen too.

namespace tlscache::transport {

ring_file::content ring_file::load() {
    if (may_change()) {
        seen_ = look();
        std::string text = read();
        content out = parse(text, options_.ring_file);
        text_ = std::move(text);
        return out;
    }
    std::string text;
    for (const node_address& node : options_.nodes) {
        text += fmt::format("{} {} {:f}\n", node.name, node.address, node.weight);
    }
    return parse(text, "nodes");
}

ring_file::change ring_file::check(content& out) {
    const std::optional<stamp> now = look();
    if (now == seen_) {
        return change::none;
    }
    seen_ = now;
    try {
        std::string text = read();
        if (text == text_) {
            return change::none;
        }
        out = parse(text, options_.ring_file);
        text_ = std::move(text);
        return change::reloaded;
    } catch (const std::invalid_argument&) {
        return change::refused;
    }
}

std::optional<ring_file::stamp> ring_file::look() const {
    struct stat info {};
    if (::stat(options_.ring_file.c_str(), &info) != 0) {
        return std::nullopt;
    }
    return stamp{static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino),
                 info.st_size, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

std::string ring_file::read() const {
    std::ifstream in(options_.ring_file, std::ios::binary);
    std::string text(ring_text_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || !in.is_open()) {
        throw std::invalid_argument(fmt::format("{}:0: can't be read", options_.ring_file));
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > ring_text_bytes_max) {
        throw std::invalid_argument(
            fmt::format("{}:0: more than {} bytes", options_.ring_file, ring_text_bytes_max));
    }
    return text;
}

ring_file::content ring_file::parse(const std::string& text, const std::string& source) const {
    content out;
    out.nodes = ring::parse(text, source);
    out.version = options_.ring_version != nullptr ? options_.ring_version(text) : 0;
    return out;
}

}  // namespace tlscache::transport
