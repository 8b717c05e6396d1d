#include "tests/support/protocol_page.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace tlscache::testing {

std::string unescape(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            bytes += text[i];
            continue;
        }
        const char kind = text[++i];
        if (kind == '{') {
            const std::size_t end = text.find('}', i);
            const std::string inner(text.substr(i + 1, end - i - 1));
            bytes.append(std::stoul(inner), inner.back());
            i = end;
        } else if (kind == 'x') {
            bytes += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            bytes += kind == 'r' ? '\r' : kind == 'n' ? '\n' : kind;
        }
    }
    return bytes;
}

std::vector<page_block> read_protocol_page(std::string_view kind) {
    const std::string path = TLSCACHE_SOURCE_DIR "/client_lib/wire/PROTOCOL.md";
    std::ifstream page(path);
    if (!page) {
        std::fprintf(stderr, "can't read %s\n", path.c_str());
        std::exit(2);
    }
    std::vector<page_block> blocks;
    bool inside = false;
    bool wanted = false;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("```")) {
            inside = !inside;
            const std::string head = line.substr(3);
            const std::size_t blank = head.find(' ');
            wanted = inside && head.substr(0, blank) == kind;
            if (wanted) {
                blocks.push_back({head.substr(0, blank),
                                  blank == std::string::npos ? "" : head.substr(blank + 1),
                                  {}});
            }
        } else if (wanted && !line.empty()) {
            const bool marked = line.size() > 1 && line[1] == ' ';
            blocks.back().lines.push_back(
                {marked ? line[0] : ' ', unescape(marked ? line.substr(2) : line)});
        }
    }
    return blocks;
}

}  // namespace tlscache::testing
