#pragma once

// What is encrypted, and what is authenticated with it. Layouts: README.md.

#include <optional>
#include <string_view>

#include "client_lib/session/sealer.hpp"
#include "client_lib/session/types.hpp"
#include "client_lib/wire/bytes.hpp"

namespace tlscache::session {

// Changes with every change of a layout here, in the codec or in the ID: records of another
// version do not open.
inline constexpr std::uint8_t record_version = 1;

// False: larger than record_bytes_max.
[[nodiscard]] bool encode_record(const session_record& record, const session_id& id,
                                 const binding& bound, secure_bytes& out);
std::optional<session_record> decode_record(byte_view plain, const session_id& id,
                                            const binding& bound);

// version, namespace, ID, SNI group, policy, session id context; each with its length in front,
// so that no two bindings give the same bytes. Not allocated: it is made for each record.
class associated_data {
  public:
    // False: a part is longer than it may be.
    [[nodiscard]] bool build(std::string_view namespace_name, const session_id& id,
                             const binding& bound);
    byte_view bytes() const noexcept { return byte_view(data_).first(size_); }

  private:
    [[nodiscard]] bool add(byte_view part, std::size_t size_max);

    std::array<std::uint8_t, 512> data_{};
    std::size_t size_ = 0;
};

}  // namespace tlscache::session
