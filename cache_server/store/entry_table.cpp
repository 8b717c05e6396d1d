// Index and policy know slots; only the slot knows where the bytes are, so an entry moves by
// copying it and writing one number.
//
// An entry in a chunk (offset in the pages) or in a run of pages (number of the first page):
//
//     1 key length (255: a tagged key)   2 or 3 value length, little-endian, top bit: extra
//     [4 client flags  8 cas]            key   value
//
// Two sums, both at most bytes_max:
//
// - *committed*: charges of chunks and runs, one page for each class in use, fields and policy
//   state of all slots ever used, the index as it is or as its entries will need it. The owner
//   evicts until this has room. It depends on what is held alone, not on how it lies, so the order
//   of eviction is the policy's alone.
// - *resident*: what memory is there. When it is short, empty pages are given back, then the
//   sparsest page of the class with the most slack is emptied by moving its entries. While
//   committed has room there is such a page: each class can be packed into its chunks' charges
//   plus one page.

#include "cache_server/store/entry_table.hpp"

#include <algorithm>
#include <cstring>

#include "client_lib/wire/bytes.hpp"
#include "client_lib/wire/limits.hpp"

namespace tlscache::store {

namespace {

constexpr slot no_slot = 0xff'ffff;
constexpr std::uint8_t tagged_length = 255;
constexpr std::size_t extra_bytes = 12;
constexpr std::size_t chunk_charge_min = 8;
// Objects, class tables, rounding of arrays to pages.
constexpr std::size_t small_things_bytes = 16 * 1024;
constexpr std::size_t give_back_bytes = std::size_t{2} << 20;

std::uint8_t byte_of(std::size_t value, unsigned shift) noexcept {
    return static_cast<std::uint8_t>(value >> shift);
}

// An entry's part of the index: for its charge rounded down, so that the charges stay below the
// memory; for room rounded up.
constexpr std::size_t index_charge = slot_index::entry_bytes_tenths / 10;
constexpr std::size_t index_room = index_charge + 1;

}  // namespace

// The fixed part of an entry, read from or written to its chunk.
struct entry_table::head {
    std::size_t key_bytes = 0;
    std::size_t value_bytes = 0;
    bool tagged = false;
    bool extra = false;
    bool run = false;

    std::size_t length_bytes() const noexcept { return run ? 3 : 2; }
    std::size_t extra_at() const noexcept { return 1 + length_bytes(); }
    std::size_t key_at() const noexcept { return extra_at() + (extra ? extra_bytes : 0); }
    std::size_t value_at() const noexcept { return key_at() + key_bytes; }
    std::size_t bytes() const noexcept { return value_at() + value_bytes; }

    static head of(const entry_content& content, std::size_t chunk_bytes_max) noexcept {
        head h;
        h.key_bytes = content.key.bytes.size();
        h.value_bytes = content.value.size();
        h.tagged = content.key.tagged;
        h.extra = content.has_extra();
        h.run = h.bytes() > chunk_bytes_max;
        return h;
    }
    static head read(const char* chunk, bool run) noexcept {
        const auto* const at = reinterpret_cast<const std::uint8_t*>(chunk);
        head h;
        h.run = run;
        h.tagged = at[0] == tagged_length;
        h.key_bytes = h.tagged ? wire::tagged_key_bytes : at[0];
        const std::uint8_t last = at[h.length_bytes()];
        h.extra = (last & 0x80) != 0;
        h.value_bytes = at[1] | (run ? std::size_t{at[2]} << 8 : std::size_t{0}) |
                        static_cast<std::size_t>(last & 0x7f) << (8 * (h.length_bytes() - 1));
        return h;
    }
    void write(char* chunk) const noexcept {
        auto* const at = reinterpret_cast<std::uint8_t*>(chunk);
        at[0] = tagged ? tagged_length : byte_of(key_bytes, 0);
        at[1] = byte_of(value_bytes, 0);
        at[2] = byte_of(value_bytes, 8);
        if (run) {
            at[3] = byte_of(value_bytes, 16);
        }
        at[length_bytes()] = static_cast<std::uint8_t>(at[length_bytes()] | (extra ? 0x80 : 0));
    }
};

static_assert(wire::key_bytes_max < tagged_length);
static_assert(wire::value_bytes_hard_max < (1u << 23));

std::uint32_t entry_table::slots_max_of(std::size_t bytes_max, std::size_t policy_bytes) {
    const std::size_t least =
        chunk_charge_min + slot_fields::bytes_per_slot + policy_bytes + index_charge;
    return static_cast<std::uint32_t>(std::min<std::size_t>(bytes_max / least + 1, no_slot - 1));
}

std::size_t entry_table::range_bytes(std::size_t bytes_max) noexcept {
    return bytes_max + page_runs::range_bytes(bytes_max);
}

entry_table::entry_table(const table_options& options)
    : bytes_max_(options.bytes_max),
      slot_bytes_(slot_fields::bytes_per_slot + options.policy_bytes_per_slot),
      hash_(options.hash),
      chunks_(options.base),
      pages_(options.memory, options.base, options.bytes_max),
      runs_(options.memory, options.base + options.bytes_max,
            page_runs::range_bytes(options.bytes_max)),
      fields_(slots_max_of(options.bytes_max, options.policy_bytes_per_slot)),
      index_(slots_max_of(options.bytes_max, options.policy_bytes_per_slot), *this),
      fixed_bytes_(small_things_bytes + pages_.table_bytes() + runs_.table_bytes()),
      free_slots_(no_slot) {}

entry_table::~entry_table() {
    for (slot s = 0; s < slots_used_; ++s) {
        if (fields_.held(s) && fields_.has(s, bit_run)) {
            runs_.free(fields_.where(s), head::read(chunk_at(s), true).bytes());
        }
    }
}

char* entry_table::chunk_at(slot s) const noexcept {
    const std::uint32_t where = fields_.where(s);
    return fields_.has(s, bit_run) ? runs_.at(where) : chunks_ + std::size_t{where} * 4;
}

std::uint64_t entry_table::hash_of(slot s) const noexcept {
    const char* const chunk = chunk_at(s);
    const head h = head::read(chunk, fields_.has(s, bit_run));
    return hash_({chunk + h.key_at(), h.key_bytes}, h.tagged);
}

void entry_table::prefetch_key(slot s) const noexcept {
    __builtin_prefetch(chunk_at(s));
}

bool entry_table::takes(const tlscache::store::key& key) noexcept {
    return key.tagged ? key.bytes.size() == wire::tagged_key_bytes
                      : !key.bytes.empty() && key.bytes.size() <= wire::key_bytes_max;
}

void entry_table::prefetch_entry(std::uint64_t key_hash) const noexcept {
    constexpr std::size_t line_bytes = 64;
    constexpr std::size_t lines = 4;  // a session is mostly shorter
    index_.find(key_hash, [&](slot s) {
        const char* const chunk = chunk_at(s);
        for (std::size_t i = 0; i != lines; ++i) {
            __builtin_prefetch(chunk + i * line_bytes);
        }
        return true;
    });
}

std::optional<slot> entry_table::find(const tlscache::store::key& key) const noexcept {
    return index_.find(key.hash, [&](slot s) {
        const char* const chunk = chunk_at(s);
        const head h = head::read(chunk, fields_.has(s, bit_run));
        return h.key_bytes == key.bytes.size() && h.tagged == key.tagged &&
               std::memcmp(chunk + h.key_at(), key.bytes.data(), h.key_bytes) == 0;
    });
}

std::size_t entry_table::place_charge(std::size_t bytes, bool run) const noexcept {
    return run ? page_runs::pages_for(bytes) * page_runs::page_bytes
               : pages_.classes().chunk_charge(pages_.classes().class_of(bytes));
}

// With `entries` of them in the index.
std::size_t entry_table::committed_bytes(std::size_t entries) const noexcept {
    return fixed_bytes_ + placed_ + pages_.classes_in_use() * pages_.classes().page_bytes() +
           slots_used_ * slot_bytes_ + std::max(index_.bytes(), slot_index::bytes_for(entries));
}

bool entry_table::fits(const entry_content& content, std::optional<slot> without) const noexcept {
    const head h = head::of(content, pages_.classes().chunk_bytes_max());
    const bool new_class = !h.run && !pages_.in_use(pages_.classes().class_of(h.bytes()));
    std::size_t needed = committed_bytes(index_.size() + (without ? 0 : 1)) +
                         place_charge(h.bytes(), h.run) +
                         (new_class ? pages_.classes().page_bytes() : 0);
    if (without) {
        const bool run = fields_.has(*without, bit_run);
        return needed <=
               bytes_max_ + place_charge(head::read(chunk_at(*without), run).bytes(), run);
    }
    needed += free_slots_ == no_slot ? slot_bytes_ : 0;
    return needed <= bytes_max_;
}

bool entry_table::fits_alone(const entry_content& content) const noexcept {
    const head h = head::of(content, pages_.classes().chunk_bytes_max());
    return fixed_bytes_ + place_charge(h.bytes(), h.run) +
               (h.run ? 0 : pages_.classes().page_bytes()) +
               std::max<std::size_t>(slots_used_, 1) * slot_bytes_ + index_.bytes() + index_room <=
           bytes_max_;
}

std::optional<slot> entry_table::insert(const entry_content& content) noexcept {
    const head h = head::of(content, pages_.classes().chunk_bytes_max());
    if (index_.wants_to_grow() && make_resident_room(index_.growth_bytes())) {
        index_.grow();
    }
    if (free_slots_ == no_slot && !make_resident_room(slot_bytes_)) {
        return std::nullopt;
    }
    const std::optional<std::uint32_t> where = place(h.bytes(), h.run);
    if (!where) {
        return std::nullopt;
    }
    const slot s = take_slot();
    fields_.set_bits(s, h.run ? bit_run : 0);
    fields_.set_where(s, h.run ? *where : *where / 4);
    char* const chunk = chunk_at(s);
    h.write(chunk);
    if (h.extra) {
        std::memcpy(chunk + h.extra_at(), &content.client_flags, sizeof content.client_flags);
        std::memcpy(chunk + h.extra_at() + 4, &content.cas, sizeof content.cas);
    }
    std::memcpy(chunk + h.key_at(), content.key.bytes.data(), h.key_bytes);
    if (h.value_bytes != 0) {
        std::memcpy(chunk + h.value_at(), content.value.data(), h.value_bytes);
    }
    placed_ += place_charge(h.bytes(), h.run);
    charged_ += charge(s);
    if (!index_.insert(content.key.hash, s)) {
        remove(s);
        return std::nullopt;
    }
    return s;
}

slot entry_table::take_slot() noexcept {
    if (free_slots_ == no_slot) {
        return slots_used_++;
    }
    const slot s = free_slots_;
    free_slots_ = fields_.where(s);
    return s;
}

std::size_t entry_table::remove(slot s) noexcept {
    const bool run = fields_.has(s, bit_run);
    const head h = head::read(chunk_at(s), run);
    index_.erase(hash_of(s), s);
    placed_ -= place_charge(h.bytes(), run);
    charged_ -= charge(s);
    if (run) {
        runs_.free(fields_.where(s), h.bytes());
    } else {
        pages_.free(fields_.where(s) * 4, h.bytes());
    }
    fields_.set_expiry(s, expiry_free);
    fields_.set_bits(s, 0);
    fields_.set_where(s, free_slots_);
    free_slots_ = s;
    return h.bytes();
}

std::optional<std::uint32_t> entry_table::place(std::size_t bytes, bool run) noexcept {
    if (run) {
        const std::uint32_t pages = page_runs::pages_for(bytes);
        return make_resident_room(pages * page_runs::page_bytes) ? runs_.allocate(pages)
                                                                 : std::nullopt;
    }
    const std::uint16_t c = pages_.classes().class_of(bytes);
    for (;;) {
        if (const std::optional<std::uint32_t> offset = pages_.allocate(c)) {
            return offset;
        }
        const bool opened =
            resident_bytes() + pages_.classes().page_bytes() <= bytes_max_ && pages_.open_page();
        if (!opened && !empty_a_page()) {
            return std::nullopt;
        }
    }
}

std::size_t entry_table::resident_bytes() const noexcept {
    return fixed_bytes_ + pages_.resident_bytes() + runs_.resident_bytes() +
           slots_used_ * slot_bytes_ + index_.bytes();
}

bool entry_table::make_resident_room(std::size_t bytes) noexcept {
    while (resident_bytes() + bytes > bytes_max_) {
        const std::size_t missing = resident_bytes() + bytes - bytes_max_;
        if (!pages_.discard_empty(missing) && !empty_a_page()) {
            return false;
        }
    }
    return true;
}

bool entry_table::empty_a_page() noexcept {
    const std::optional<std::uint32_t> page = pages_.begin_emptying();
    if (!page) {
        return false;
    }
    pages_.empty(*page, [this](std::uint32_t offset) { move_chunk(offset); });
    return true;
}

// The slot of a chunk is found by its key, like anybody's.
void entry_table::move_chunk(std::uint32_t offset) noexcept {
    const char* const from = chunks_ + offset;
    const head h = head::read(from, false);
    const std::uint64_t hash = hash_({from + h.key_at(), h.key_bytes}, h.tagged);
    const std::optional<slot> s = index_.find(hash, [&](slot candidate) {
        return fields_.where(candidate) * 4 == offset && !fields_.has(candidate, bit_run);
    });
    const std::optional<std::uint32_t> to = pages_.allocate(pages_.classes().class_of(h.bytes()));
    std::memcpy(chunks_ + *to, from, h.bytes());
    fields_.set_where(*s, *to / 4);
    pages_.free(offset, h.bytes());
    ++moved_;
}

void entry_table::give_back() noexcept {
    const std::size_t kept = bytes_max_ / 16;
    if (pages_.empty_bytes() > kept) {
        pages_.discard_empty(std::min(pages_.empty_bytes() - kept, give_back_bytes));
    }
}

std::string_view entry_table::value(slot s) const noexcept {
    const char* const chunk = chunk_at(s);
    const head h = head::read(chunk, fields_.has(s, bit_run));
    return {chunk + h.value_at(), h.value_bytes};
}

char* entry_table::value_data(slot s) noexcept {
    return chunk_at(s) + head::read(chunk_at(s), fields_.has(s, bit_run)).value_at();
}

bool entry_table::has_extra(slot s) const noexcept {
    return head::read(chunk_at(s), fields_.has(s, bit_run)).extra;
}

std::uint32_t entry_table::client_flags(slot s) const noexcept {
    const head h = head::read(chunk_at(s), fields_.has(s, bit_run));
    std::uint32_t flags = 0;
    if (h.extra) {
        std::memcpy(&flags, chunk_at(s) + h.extra_at(), sizeof flags);
    }
    return flags;
}

std::uint64_t entry_table::cas(slot s) const noexcept {
    const head h = head::read(chunk_at(s), fields_.has(s, bit_run));
    std::uint64_t cas = 0;
    if (h.extra) {
        std::memcpy(&cas, chunk_at(s) + h.extra_at() + 4, sizeof cas);
    }
    return cas;
}

void entry_table::set_cas(slot s, std::uint64_t cas) noexcept {
    const head h = head::read(chunk_at(s), fields_.has(s, bit_run));
    std::memcpy(chunk_at(s) + h.extra_at() + 4, &cas, sizeof cas);
}

std::uint32_t entry_table::charge(slot s) const noexcept {
    const bool run = fields_.has(s, bit_run);
    const std::size_t bytes = head::read(chunk_at(s), run).bytes();
    return static_cast<std::uint32_t>(place_charge(bytes, run) + slot_bytes_ + index_charge);
}

}  // namespace tlscache::store
