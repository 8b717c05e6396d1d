// A page's life:
//
//     closed --open_page--> empty --allocate--> of a class --last free--> empty --discard--> closed
//
// A page of a class with room is in its class's list. Freed chunks are chained by number inside
// the page, behind the 0 that marks them as free; chunks that were never used are not touched.

#include "cache_server/store/chunk_pages.hpp"

#include <algorithm>
#include <cstring>

#include "client_lib/wire/bytes.hpp"

namespace tlscache::store {

chunk_pages::chunk_pages(const arena& memory, char* base, std::size_t bytes_max)
    : memory_(memory),
      base_(base),
      classes_(bytes_max),
      pages_(bytes_max / classes_.page_bytes()),
      usage_(classes_.count()) {
    for (auto at = static_cast<std::uint32_t>(pages_.size()); at-- > 0;) {
        push(closed_, at);
    }
}

chunk_pages::~chunk_pages() {
    for (std::uint32_t at = 0; at < pages_.size(); ++at) {
        if (pages_[at].resident) {
            wipe(base_ + start_of(at), classes_.page_bytes());
        }
    }
}

void chunk_pages::push(std::uint32_t& head, std::uint32_t at) noexcept {
    pages_[at].previous = none;
    pages_[at].next = head;
    if (head != none) {
        pages_[head].previous = at;
    }
    head = at;
}

void chunk_pages::unlink(std::uint32_t& head, std::uint32_t at) noexcept {
    page_state& p = pages_[at];
    (p.previous == none ? head : pages_[p.previous].next) = p.next;
    if (p.next != none) {
        pages_[p.next].previous = p.previous;
    }
}

std::optional<std::uint32_t> chunk_pages::allocate(std::uint16_t c) noexcept {
    usage& of = usage_[c];
    if (of.with_room == none) {
        const std::uint32_t at = empty_;
        if (at == none) {
            return std::nullopt;
        }
        unlink(empty_, at);
        --empty_count_;
        pages_[at].size_class = c;
        push(of.with_room, at);
        ++of.pages;
    }
    const std::uint32_t at = of.with_room;
    page_state& p = pages_[at];
    std::uint32_t number = p.fresh;
    const std::uint32_t bytes = classes_.chunk_bytes(c);
    if (p.free_head != 0) {
        number = p.free_head - 1u;
        std::memcpy(&p.free_head, base_ + start_of(at) + number * bytes + 2, sizeof p.free_head);
    } else {
        ++p.fresh;
    }
    if (++p.live == classes_.chunks_per_page(c)) {
        unlink(of.with_room, at);
    }
    classes_in_use_ += of.live++ == 0 ? 1 : 0;
    return start_of(at) + number * bytes;
}

bool chunk_pages::open_page() noexcept {
    const std::uint32_t at = closed_;
    if (at == none) {
        return false;
    }
    unlink(closed_, at);
    push(empty_, at);
    pages_[at].resident = true;
    ++empty_count_;
    ++resident_;
    return true;
}

void chunk_pages::free(std::uint32_t offset, std::size_t used) noexcept {
    const auto at = static_cast<std::uint32_t>(offset / classes_.page_bytes());
    page_state& p = pages_[at];
    usage& of = usage_[p.size_class];
    char* const chunk = base_ + offset;
    wipe(chunk, used);
    std::memcpy(chunk + 2, &p.free_head, sizeof p.free_head);
    const std::uint32_t number = (offset - start_of(at)) / classes_.chunk_bytes(p.size_class);
    p.free_head = static_cast<std::uint16_t>(number + 1);
    classes_in_use_ -= --of.live == 0 ? 1 : 0;
    if (p.live-- == classes_.chunks_per_page(p.size_class) && !p.emptying) {
        push(of.with_room, at);
    }
    if (p.live == 0) {
        release(at);
    }
}

void chunk_pages::release(std::uint32_t at) noexcept {
    page_state& p = pages_[at];
    usage& of = usage_[p.size_class];
    if (!p.emptying) {
        unlink(of.with_room, at);
    }
    --of.pages;
    p = page_state{};
    p.resident = true;
    push(empty_, at);
    ++empty_count_;
}

bool chunk_pages::discard_empty(std::size_t bytes_max) noexcept {
    if (empty_ == none) {
        return false;
    }
    const auto is_empty = [this](std::uint32_t at) {
        return pages_[at].resident && pages_[at].size_class == no_class;
    };
    const std::uint32_t first = empty_;
    const std::size_t most = std::max<std::size_t>(1, bytes_max / classes_.page_bytes());
    std::uint32_t begin = first;
    std::uint32_t end = first + 1;
    while (begin > 0 && end - begin < most && is_empty(begin - 1)) {
        --begin;
    }
    while (end < pages_.size() && end - begin < most && is_empty(end)) {
        ++end;
    }
    for (std::uint32_t at = begin; at != end; ++at) {
        unlink(empty_, at);
        pages_[at] = page_state{};
        push(closed_, at);
    }
    empty_count_ -= end - begin;
    resident_ -= end - begin;
    memory_.discard(base_ + start_of(begin), (end - begin) * classes_.page_bytes());
    return true;
}

std::optional<std::uint32_t> chunk_pages::begin_emptying() noexcept {
    std::uint32_t most = 0;
    std::uint16_t slackest = no_class;
    for (std::uint16_t c = 0; c < usage_.size(); ++c) {
        const std::uint32_t per_page = classes_.chunks_per_page(c);
        const std::uint32_t needed = (usage_[c].live + per_page - 1) / per_page;
        if (usage_[c].pages - needed > most) {
            most = usage_[c].pages - needed;
            slackest = c;
        }
    }
    if (slackest == no_class) {
        return std::nullopt;
    }
    std::uint32_t sparsest = usage_[slackest].with_room;
    for (std::uint32_t at = sparsest; at != none; at = pages_[at].next) {
        if (pages_[at].live < pages_[sparsest].live) {
            sparsest = at;
        }
    }
    unlink(usage_[slackest].with_room, sparsest);
    pages_[sparsest].emptying = true;
    return sparsest;
}

}  // namespace tlscache::store
