#include <doctest/doctest.h>

#include <random>
#include <string>

#include "client_lib/wire/base64.hpp"

using namespace tlscache::wire;

namespace {

std::string encoded(std::string_view bytes) {
    std::string text(base64_size(bytes.size()), '?');
    base64_encode(bytes, text.data());
    return text;
}

std::string decoded(std::string_view text) {
    REQUIRE(base64_check(text));
    std::string bytes(text);
    bytes.resize(base64_decode(bytes, bytes.data()));
    return bytes;
}

}  // namespace

TEST_CASE("base64 has the vectors of RFC 4648 section 10") {
    const std::pair<const char*, const char*> vectors[] = {
        {"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : vectors) {
        CHECK(encoded(bytes) == text);
        CHECK(decoded(text) == bytes);
        CHECK(base64_check(text) == std::string_view(bytes).size());
    }
}

TEST_CASE("each run of bytes has one text, both ways in place") {
    const auto seed = std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    for (std::size_t size = 1; size <= 260; ++size) {
        std::string bytes(size, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random());
        }
        std::string memory = encoded(bytes);
        const std::string text = memory;
        CHECK(base64_check(memory) == size);
        CHECK(base64_decode(memory, memory.data()) == size);
        CHECK(memory.substr(0, size) == bytes);
        // As the executor undoes it: the bytes lie where the text began.
        base64_encode(std::string_view(memory.data(), size), memory.data());
        CHECK(memory == text);
    }
}

TEST_CASE("what is not strict base64 is refused") {
    for (const char* text :
         {"", "=", "A", "AA", "AAA", "AAA=A", "A===", "====", "AA=A", "=AAA", "AB==", "ABC=A",
          "Zm9v\n", "Zm9v Zg=", "Zm-_", "Zm9v$mFy", "AAB=", "Zm8=Zm8=", "\x80\x80\x80\x80"}) {
        CAPTURE(text);
        CHECK_FALSE(base64_check(text));
    }
    // Unused bits must be zero: of four texts for the same byte one is right.
    CHECK(base64_check("/w=="));
    CHECK_FALSE(base64_check("/x=="));
    CHECK(base64_check("//8="));
    CHECK_FALSE(base64_check("//9="));
}
