// Each thread draws a random 96-bit start and counts up from it (modulo 2^96); a forked child
// draws anew. Two of k starts with n nonces each overlap with a probability below k^2 n / 2^96,
// which is never more than that of kn nonces drawn one by one, (kn)^2 / 2^97, and a draw (700 ns)
// is needed once a thread instead of once a record. 10,000 threads in the cluster with 10^6
// records each in a key's period: 10^-15.
//
// The fork is seen through a page that the kernel empties in the child (MADV_WIPEONFORK), so
// that fork() called in any way is noticed, without a system call on each nonce.

#include "client_lib/session/nonce.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <new>

#include "client_lib/session/crypto.hpp"

namespace tlscache::session {

namespace {

using epoch_word = std::atomic<std::uint64_t>;

// nullptr: a kernel before 4.14.
epoch_word* map_epoch() noexcept {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const data =
        ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        return nullptr;
    }
    if (::madvise(data, page, MADV_WIPEONFORK) != 0) {
        ::munmap(data, page);
        return nullptr;
    }
    return new (data) epoch_word(0);
}

struct nonce_state {
    std::uint64_t epoch = 0;
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    bool drawn = false;
};

bool draw(nonce_state& state, std::uint64_t epoch) {
    gcm_nonce start;
    if (!random_bytes(start)) {
        return false;
    }
    std::memcpy(&state.low, start.data(), sizeof(state.low));
    std::memcpy(&state.high, start.data() + sizeof(state.low), sizeof(state.high));
    state.epoch = epoch;
    state.drawn = true;
    return true;
}

}  // namespace

std::uint64_t fork_epoch() noexcept {
    static epoch_word* const word = map_epoch();
    if (word == nullptr) {
        return static_cast<std::uint64_t>(::getpid());
    }
    std::uint64_t epoch = word->load(std::memory_order_acquire);
    if (epoch == 0) {
        // Ordinary memory: the child's copy goes on above every epoch of its parent.
        static epoch_word last{0};
        const std::uint64_t fresh = last.fetch_add(1, std::memory_order_relaxed) + 1;
        if (word->compare_exchange_strong(epoch, fresh, std::memory_order_acq_rel)) {
            epoch = fresh;
        }
    }
    return epoch;
}

bool next_nonce(gcm_nonce& out) {
    thread_local nonce_state state;
    const std::uint64_t epoch = fork_epoch();
    if ((!state.drawn || state.epoch != epoch) && !draw(state, epoch)) {
        return false;
    }
    std::memcpy(out.data(), &state.low, sizeof(state.low));
    std::memcpy(out.data() + sizeof(state.low), &state.high, sizeof(state.high));
    if (++state.low == 0) {
        ++state.high;
    }
    return true;
}

}  // namespace tlscache::session
