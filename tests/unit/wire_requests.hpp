#pragma once

// Feeds a request parser in pieces, as a connection does, and writes down what it makes of them.

#include <string>
#include <string_view>
#include <vector>

#include "client_lib/wire/request_parser.hpp"

namespace tlscache::testing {

// All that a request says, in a line.
std::string describe(const wire::request& request);

struct parsed_requests {
    std::vector<std::string> requests;
    std::string rest;     // what was not consumed
    bool closed = false;  // a request ended the connection
};

// The pieces are fed one after the other; what is consumed is dropped before the next.
parsed_requests parse_pieces(const std::vector<std::string_view>& pieces,
                             std::size_t value_bytes_max = wire::value_bytes_default);
parsed_requests parse_whole(std::string_view bytes,
                            std::size_t value_bytes_max = wire::value_bytes_default);

}  // namespace tlscache::testing
