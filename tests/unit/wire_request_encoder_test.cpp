#include "client_lib/wire/request_encoder.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace tlscache::wire {
namespace {

// The key of PROTOCOL.md's examples: bytes 0 to 17 but that byte 1 is 1 and so on.
std::array<std::uint8_t, tagged_key_bytes> example_key() {
    std::array<std::uint8_t, tagged_key_bytes> key{};
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<std::uint8_t>(i);
    }
    return key;
}
constexpr const char* example_text = "AAECAwQFBgcICQoLDA0ODxAR";

std::string text_of(const buffer& bytes) {
    return std::string(bytes.view());
}

TEST_CASE("requests of the extensions are those of PROTOCOL.md") {
    buffer out;
    encode_tagged_get(example_key(), out);
    CHECK(text_of(out) == std::string("tg ") + example_text + "\r\n");
    out.release();
    encode_tagged_set(example_key(), as_bytes("ab\r\nc"), 60, 0x0123456789abcdef, out);
    CHECK(text_of(out) ==
          std::string("ts ") + example_text + " 5 T60 h0123456789abcdef\r\nab\r\nc\r\n");
    out.release();
    encode_tagged_set(example_key(), {}, 1, 0, out);
    CHECK(text_of(out) == std::string("ts ") + example_text + " 0 T1\r\n\r\n");
}

TEST_CASE("requests to a plain memcached are meta commands with base64 keys") {
    buffer out;
    encode_meta_get(example_key(), out);
    encode_meta_set(example_key(), as_bytes("xyz"), 7200, out);
    encode_meta_delete(example_key(), out);
    encode_meta_noop(out);
    const std::string key = example_text;
    CHECK(text_of(out) ==
          "mg " + key + " b v t\r\nms " + key + " 3 b T7200\r\nxyz\r\nmd " + key + " b\r\nmn\r\n");
}

TEST_CASE("a time to live is never one that memcached takes for a date or for no end") {
    for (const std::int64_t ttl : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
        buffer out;
        encode_meta_set(example_key(), as_bytes("x"), ttl, out);
        CHECK(text_of(out).find(" T1\r\n") != std::string::npos);
    }
    for (const std::int64_t ttl :
         {store_ttl_max + 1, std::int64_t{30} * 24 * 3600 + 1, INT64_MAX}) {
        buffer out;
        encode_meta_set(example_key(), as_bytes("x"), ttl, out);
        CHECK(text_of(out).find(" T604800\r\n") != std::string::npos);
    }
}

}  // namespace
}  // namespace tlscache::wire
