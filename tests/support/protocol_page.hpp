#pragma once

// Reads the test vectors out of PROTOCOL.md: its fenced blocks by kind, their lines unescaped.

#include <string>
#include <string_view>
#include <vector>

namespace tlscache::testing {

struct page_line {
    char mark = ' ';   // '>' '<' '+' '=' '#', or 'm' 't' 'T' in deviations
    std::string text;  // behind the mark and its blank, escapes resolved
};

struct page_block {
    std::string kind;  // "wire", "placement", "deviation"
    std::string name;  // what stands behind the kind
    std::vector<page_line> lines;
};

// The bytes of \r \n \\ \xHH \{Nc} in place of their escapes.
std::string unescape(std::string_view text);

// All fenced blocks of `kind`. Ends the test program if the page can't be read.
std::vector<page_block> read_protocol_page(std::string_view kind);

}  // namespace tlscache::testing
