#include "cache_server/command/executor.hpp"

#include <array>

#include "cache_server/command/context.hpp"
#include "client_lib/wire/base64.hpp"

// A batch is parsed and hashed first, and each hash is told to the store, which prefetches its
// index, then, in a second pass, the entries; then the batch is executed. By then the memory that a
// lookup touches is on its way. look_ahead() and fetch() are these two passes over connections that
// have one request each.
//
//   input   | r0 | r1 | r2 | r3 | half of r4
//   batch     parse + prepare each ----> prepare each entry ----> execute each, in order
//
// Where the output is full, the rest of the batch is undone: the parser goes back to where it stood
// before the first request that was not executed, and keys that were decoded in place are encoded
// again. So the caller may move or keep the input, and nothing is lost or done twice.

namespace tlscache::command {
namespace {

// As many lookups as fit the processor's outstanding misses, twice over.
constexpr std::size_t batch_max = 32;

struct item {
    wire::request request;
    wire::request_parser before;  // the parser as it stood
    std::uint64_t hash = 0;
    std::size_t begin = 0;  // in the input
    std::size_t end = 0;
};

// True: the connection ends.
bool execute(context& with, const wire::request& request, std::uint64_t hash) {
    using wire::verb;
    switch (request.op) {
        case verb::get:
        case verb::gets:
        case verb::gat:
        case verb::gats:
            run_get(with, request, hash);
            break;
        case verb::set:
        case verb::add:
        case verb::replace:
        case verb::append:
        case verb::prepend:
        case verb::cas:
            run_store(with, request, hash);
            break;
        case verb::touch:
            run_touch(with, request, hash);
            break;
        case verb::incr:
        case verb::decr:
            run_arithmetic(with, request, hash);
            break;
        case verb::del:
            run_delete(with, request, hash);
            break;
        case verb::mg:
            run_meta_get(with, request, hash);
            break;
        case verb::ms:
            run_meta_store(with, request, hash);
            break;
        case verb::md:
            run_meta_delete(with, request, hash);
            break;
        case verb::ma:
            run_meta_arithmetic(with, request, hash);
            break;
        case verb::me:
            run_meta_debug(with, request, hash);
            break;
        case verb::tg:
            run_tagged_get(with, request, hash);
            break;
        case verb::ts:
            run_tagged_store(with, request, hash);
            break;
        case verb::stats:
            run_statistics(with, request);
            break;
        case verb::invalid:
            run_refused(with, request, hash);
            break;
        default:
            return run_administration(with, request);
    }
    return request.close;
}

}  // namespace

struct executor::impl {
    store::store& entries;
    server_view& server;
    statistics& counted;
    counter_block& counters;
    const std::size_t output_bytes_max;
    std::array<item, batch_max> batch;
    std::size_t batch_size = 0;

    // First pass. False: the input holds no further whole request.
    bool fill(wire::request_parser& parser, std::span<char> input, std::size_t& offset,
              std::size_t& needed) {
        batch_size = 0;
        while (batch_size != batch_max) {
            item& next = batch[batch_size];
            next.before = parser;
            next.begin = offset;
            std::size_t consumed = 0;
            const auto status = parser.parse(input.subspan(offset), next.request, consumed, needed);
            offset += consumed;
            if (status == wire::request_parser::status::needs_more) {
                fetch_all();
                return false;
            }
            next.end = offset;
            if (!next.request.key.empty()) {
                next.hash = entries.hash(next.request.key, next.request.tagged());
                entries.prepare(next.hash);
            }
            ++batch_size;
            if (next.request.close) {
                break;
            }
        }
        fetch_all();
        return true;
    }

    // A single request gains nothing: its lookup would wait here instead of there.
    void fetch_all() const noexcept {
        for (std::size_t i = 0; batch_size > 1 && i != batch_size; ++i) {
            if (!batch[i].request.key.empty()) {
                entries.prepare_entry(batch[i].hash);
            }
        }
    }

    static void encode_again(const wire::request& request) noexcept {
        if (request.key_decoded()) {
            // Lent for change by the caller of run() and look_ahead().
            wire::base64_encode(request.key, const_cast<char*>(request.key.data()));
        }
    }

    void undo_from(std::size_t first, wire::request_parser& parser) noexcept {
        for (std::size_t i = first; i != batch_size; ++i) {
            encode_again(batch[i].request);
        }
        parser = batch[first].before;
    }
};

executor::executor(store::store& entries, server_view& server, statistics& counted,
                   std::size_t output_bytes_max)
    : impl_(new impl{entries, server, counted, counted.new_block(), output_bytes_max, {}, 0}) {}

executor::~executor() = default;

std::optional<std::uint64_t> executor::look_ahead(const connection_state& connection,
                                                  std::span<char> input) {
    wire::request_parser parser = connection.parser;
    wire::request request;
    std::size_t consumed = 0;
    std::size_t needed = 0;
    if (parser.parse(input, request, consumed, needed) != wire::request_parser::status::parsed ||
        request.key.empty()) {
        return std::nullopt;
    }
    const std::uint64_t hash = impl_->entries.hash(request.key, request.tagged());
    impl_->entries.prepare(hash);
    impl::encode_again(request);
    return hash;
}

void executor::fetch(std::uint64_t hash) const noexcept {
    impl_->entries.prepare_entry(hash);
}

progress executor::run(connection_state& connection, std::span<char> input, wire::buffer& output,
                       const store::instant& now) {
    context with{impl_->entries, impl_->server, impl_->counted, impl_->counters, output, now};
    progress done;
    for (bool more = true; more;) {
        std::size_t offset = done.consumed;
        more = impl_->fill(connection.parser, input, offset, done.needed);
        for (std::size_t i = 0; i != impl_->batch_size; ++i) {
            const item& next = impl_->batch[i];
            if (output.size() >= impl_->output_bytes_max) {
                impl_->undo_from(i, connection.parser);
                done.needed = 0;
                done.output_full = true;
                return done;
            }
            const bool ends = execute(with, next.request, next.hash);
            done.consumed = next.end;
            if (ends) {
                done.close = true;
                return done;
            }
        }
        done.consumed = offset;
    }
    return done;
}

}  // namespace tlscache::command
