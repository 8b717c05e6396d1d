// Growth doubles what has arrived, so that a peer that announces a megabyte and sends nothing costs
// nothing, and a long request is copied about once in all. wire::buffer's capacities are powers of
// two from 256 on: the charge is worked out before the memory is taken.

#include "cache_server/net/input_buffer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tlscache::net {

std::span<char> input_buffer::space() noexcept {
    if (grown()) {
        const std::size_t free = large_.room();
        return {large_.prepare(0), free};
    }
    return std::span<char>(small_).subspan(small_used_);
}

void input_buffer::commit(std::size_t n) noexcept {
    if (grown()) {
        large_.commit(n);
    } else {
        small_used_ += n;
    }
}

void input_buffer::consume(std::size_t n) noexcept {
    if (!grown()) {
        const std::size_t left = small_used_ - n;
        std::memmove(small_.data(), small_.data() + n, left);
        wipe(small_.data() + left, n);
        small_used_ = left;
        return;
    }
    large_.consume(n);
    if (large_.size() < small_.size() && n != 0) {
        small_used_ = large_.size();
        std::memcpy(small_.data(), large_.data(), small_used_);
        large_.release();
        budget_.release(charged_);
        charged_ = 0;
    }
}

input_buffer::room input_buffer::keep(std::string_view rest, std::size_t request_bytes_max) {
    release();
    if (rest.size() < small_.size()) {
        std::memcpy(small_.data(), rest.data(), rest.size());
        small_used_ = rest.size();
        return room::made;
    }
    // A batch that a paused peer left behind may be longer than one request.
    const std::size_t longest = std::max(request_bytes_max, limits::read_bytes_batch);
    const room result = grow(rest.size(), longest);
    if (result == room::made) {
        large_.append(rest);
    }
    return result;
}

input_buffer::room input_buffer::make_space(std::size_t needed, std::size_t request_bytes_max) {
    if (!full()) {
        return room::made;
    }
    const std::size_t used = unread().size();
    const std::size_t arrived = std::max<std::size_t>(2 * used, 4096);
    return grow(needed > used ? std::min(needed, arrived) : arrived, request_bytes_max);
}

input_buffer::room input_buffer::grow(std::size_t capacity, std::size_t request_bytes_max) {
    const std::size_t used = unread().size();
    if (used >= request_bytes_max) {
        return room::too_long;
    }
    const std::size_t charge =
        std::max(std::bit_ceil(std::max<std::size_t>(capacity, 256)), large_.capacity());
    if (!budget_.try_charge(charge, limits::connection_bytes_kept(budget_.bytes_max()))) {
        return room::refused;
    }
    if (grown()) {
        // The old memory is still charged while it is copied from.
        large_.prepare(capacity - used);
        budget_.release(charged_);
    } else {
        large_.prepare(capacity);
        large_.append({small_.data(), small_used_});
        wipe(small_.data(), small_used_);
        small_used_ = 0;
    }
    charged_ = charge;
    return room::made;
}

void input_buffer::release() noexcept {
    // All of it: a read that came back after the close may have filled more than was committed.
    wipe(small_.data(), small_.size());
    small_used_ = 0;
    large_.release();
    budget_.release(charged_);
    charged_ = 0;
}

}  // namespace tlscache::net
