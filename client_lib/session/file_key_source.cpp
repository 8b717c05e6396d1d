// One short lock guards the ring and what is known of the file; the file itself is read without
// it. The lock is one for all sources of the process, and is taken over a fork: otherwise a child
// that was forked while a thread of the parent held it could never get a key.

#include "client_lib/session/file_key_source.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <stdexcept>

#include "client_lib/session/key_file.hpp"
#include "client_lib/session/limits.hpp"
#include "client_lib/session/locked_memory.hpp"
#include "client_lib/session/nonce.hpp"

namespace tlscache::session {

namespace {

std::mutex& source_lock() {
    static std::mutex lock;
    return lock;
}

void hold_lock_over_forks() {
    static const int registered =
        ::pthread_atfork([] { source_lock().lock(); }, [] { source_lock().unlock(); },
                         [] { source_lock().unlock(); });
    if (registered != 0) {
        throw std::bad_alloc();
    }
}

}  // namespace

struct file_key_source::impl {
    std::string path;
    std::string namespace_name;
    log_function log;

    // Guarded by source_lock().
    std::optional<ring_builder> builder;
    std::shared_ptr<const keyring> ring;
    file_identity seen;
    std::string error;
    std::uint64_t epoch = fork_epoch();
    bool unlocked_told = false;

    std::shared_ptr<const keyring> current(unix_seconds now) {
        if (!builder) {
            return nullptr;
        }
        if (!ring || !builder->fits(now)) {
            ring = builder->build(now);
        }
        return ring;
    }

    void tell(const std::string& line) const {
        if (log && !line.empty()) {
            log(line);
        }
    }

    void read(bool first);
    std::string accept(boost::system::result<key_file, key_file_error> result, bool first);
    std::string check_locks();
};

// Under the lock. What is to be told, if anything.
std::string file_key_source::impl::accept(boost::system::result<key_file, key_file_error> result,
                                          bool first) {
    if (result.has_error()) {
        if (result.error().text == error) {
            return {};
        }
        error = result.error().text;
        return builder ? error + "; the keys read before stay in use" : error;
    }
    error.clear();
    key_file& file = *result;
    const std::size_t roots = file.roots.size();
    builder.emplace(namespace_name, file.schedule, std::move(file.roots));
    ring.reset();
    return first ? std::string() : fmt::format("{}: read again, {} root(s)", path, roots);
}

void file_key_source::impl::read(bool first) {
    file_identity identity;
    auto result = read_key_file(path, identity);
    std::string line;
    {
        const std::lock_guard<std::mutex> held(source_lock());
        seen = identity;
        line = accept(std::move(result), first);
    }
    tell(line);
}

// Under the lock.
std::string file_key_source::impl::check_locks() {
    if (epoch != fork_epoch()) {
        epoch = fork_epoch();
        if (builder) {
            builder->lock_again();
        }
    }
    if (unlocked_told || locks_failed() == 0) {
        return {};
    }
    unlocked_told = true;
    return fmt::format("{}: keys may be swapped out, the limit on locked memory is too low", path);
}

file_key_source::file_key_source(std::string path, std::string_view namespace_name,
                                 log_function log)
    : impl_(std::make_unique<impl>()) {
    if (namespace_name.empty() || namespace_name.size() > namespace_bytes_max) {
        throw std::invalid_argument(
            fmt::format("a namespace has 1 to {} bytes", namespace_bytes_max));
    }
    hold_lock_over_forks();
    impl_->path = std::move(path);
    impl_->namespace_name = namespace_name;
    impl_->log = std::move(log);
    impl_->read(true);
}

file_key_source::~file_key_source() = default;

std::shared_ptr<const keyring> file_key_source::keys(unix_seconds now) {
    const std::lock_guard<std::mutex> held(source_lock());
    return impl_->current(now);
}

void file_key_source::refresh(unix_seconds now) {
    const file_identity identity = identify(impl_->path);
    bool changed = false;
    {
        const std::lock_guard<std::mutex> held(source_lock());
        changed = !(identity == impl_->seen);
    }
    if (changed) {
        impl_->read(false);
    }
    std::string line;
    {
        const std::lock_guard<std::mutex> held(source_lock());
        impl_->current(now);
        line = impl_->check_locks();
    }
    impl_->tell(line);
}

std::string file_key_source::error() const {
    const std::lock_guard<std::mutex> held(source_lock());
    return impl_->error;
}

}  // namespace tlscache::session
