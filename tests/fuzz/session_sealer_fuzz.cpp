// The sealer with any bytes as a sealed record: it never opens. Then any bytes as the plain text
// of a record that was sealed with the right key: a member of the cluster gone mad does no harm.

#include "client_lib/session/sealer.hpp"

#include <cstdlib>

#include "client_lib/session/derive.hpp"
#include "client_lib/session/record.hpp"

using namespace tlscache;
using namespace tlscache::session;

namespace {

constexpr unix_seconds now = 1'700'000'000;

class one_root final : public key_source {
  public:
    one_root() : builder_("shop", {3600, 7200}, root()), ring_(builder_.build(now)) {}
    std::shared_ptr<const keyring> keys(unix_seconds) override { return ring_; }
    void refresh(unix_seconds) override {}

  private:
    static root_list root() {
        root_list roots(1);
        roots[0].fill(1);
        return roots;
    }
    ring_builder builder_;
    std::shared_ptr<const keyring> ring_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static one_root source;
    static const sealer sealer("shop", source);
    static const session_id id = [] {
        session_id made;
        return sealer.make_id(now, made) ? made : session_id{};
    }();
    const byte_view input(data, size);
    const binding bound{"www.example.com", {}, "context"};
    if (sealer.open(id, bound, input, now)) {
        std::abort();
    }
    if (const auto record = decode_record(input, id, bound)) {
        secure_bytes again;
        if (!encode_record(*record, id, bound, again)) {
            return 0;
        }
        const auto back = decode_record(again, id, bound);
        if (!back || back->der != record->der || back->stored_at != record->stored_at ||
            back->first_authentication != record->first_authentication ||
            back->lifetime != record->lifetime || back->protocol != record->protocol ||
            back->cipher != record->cipher) {
            std::abort();
        }
    }
    return 0;
}
