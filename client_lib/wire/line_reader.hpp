#pragma once

// One command line cut at its blanks, and numbers in it. A number is read whole or not at all:
// what does not fit its type is refused, never cut.

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace tlscache::wire {

// The highest bit of each byte that is zero; above the first such byte others may be set too.
constexpr std::uint64_t zero_bytes(std::uint64_t word) noexcept {
    return (word - 0x0101'0101'0101'0101) & ~word & 0x8080'8080'8080'8080;
}

// Where the token at the beginning of `text` ends: at a blank or a line end, or npos. Eight
// characters at a time, as this is where most of a request's bytes are looked at.
inline std::size_t token_end(std::string_view text) noexcept {
    std::size_t i = 0;
    if constexpr (std::endian::native == std::endian::little) {
        for (std::uint64_t word = 0; i + sizeof word <= text.size(); i += sizeof word) {
            std::memcpy(&word, text.data() + i, sizeof word);
            const std::uint64_t found = zero_bytes(word ^ 0x2020'2020'2020'2020) |  // ' '
                                        zero_bytes(word ^ 0x0a0a'0a0a'0a0a'0a0a);   // '\n'
            if (found != 0) {
                return i + static_cast<std::size_t>(std::countr_zero(found)) / 8;
            }
        }
    }
    for (; i != text.size(); ++i) {
        if (text[i] == ' ' || text[i] == '\n') {
            return i;
        }
    }
    return std::string_view::npos;
}

class line_reader {
  public:
    explicit line_reader(std::string_view line) noexcept : rest_(line) { skip_blanks(); }

    // The next token, empty at the end of the line.
    std::string_view next() noexcept {
        const std::string_view token = rest_.substr(0, rest_.find(' '));
        rest_.remove_prefix(token.size());
        skip_blanks();
        return token;
    }
    // What is left, without leading blanks.
    std::string_view rest() const noexcept { return rest_; }

  private:
    void skip_blanks() noexcept {
        const std::size_t begin = rest_.find_first_not_of(' ');
        rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
    }

    std::string_view rest_;
};

// A decimal number, all of `token`. A plus sign is taken, as strtol does.
template <class Number>
std::optional<Number> read_number(std::string_view token) noexcept {
    if (!token.empty() && token.front() == '+') {
        token.remove_prefix(1);
        if (!token.empty() && token.front() == '-') {
            return std::nullopt;
        }
    }
    Number value{};
    const char* const end = token.data() + token.size();
    const auto [last, error] = std::from_chars(token.data(), end, value);
    if (error != std::errc() || last != end) {
        return std::nullopt;
    }
    return value;
}

}  // namespace tlscache::wire
