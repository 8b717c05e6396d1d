#pragma once

// What a command works with, and the commands: one function per verb or family, in the file named
// behind it. Each appends its whole reply, or none if the request wants none.

#include <cstdint>
#include <string_view>

#include "cache_server/command/expiry.hpp"
#include "cache_server/command/server_view.hpp"
#include "cache_server/command/statistics.hpp"
#include "cache_server/store/store.hpp"
#include "client_lib/wire/reply_encoder.hpp"
#include "client_lib/wire/request.hpp"

namespace tlscache::command {

struct context {
    store::store& entries;
    server_view& server;
    statistics& counted;
    counter_block& counters;
    wire::buffer& output;
    const store::instant& now;

    void count(counter which) const noexcept { counters.add(which); }
    void reply(const wire::request& request, std::string_view line) const {
        if (!request.noreply) {
            wire::append_line(output, line);
        }
    }
    store::key key(const wire::request& request, std::uint64_t hash) const noexcept {
        return {request.key, hash, request.tagged()};
    }
    store::shard& shard(std::uint64_t hash) const noexcept { return entries.shard_of(hash); }
};

// retrieval.cpp
void run_get(context& with, const wire::request& request, std::uint64_t hash);
void run_touch(context& with, const wire::request& request, std::uint64_t hash);
// storage.cpp
void run_store(context& with, const wire::request& request, std::uint64_t hash);
// A set that could not be stored must not leave the value that it was to replace.
void drop(context& with, const store::key& key);
// modification.cpp
void run_delete(context& with, const wire::request& request, std::uint64_t hash);
void run_arithmetic(context& with, const wire::request& request, std::uint64_t hash);
void count_arithmetic(context& with, bool decrement, store::arithmetic_status status);
// meta_get.cpp
void run_meta_get(context& with, const wire::request& request, std::uint64_t hash);
void run_meta_debug(context& with, const wire::request& request, std::uint64_t hash);
// meta_store.cpp
void run_meta_store(context& with, const wire::request& request, std::uint64_t hash);
void count_store(context& with, bool compares, store::set_status status);
// meta_modification.cpp
void run_meta_delete(context& with, const wire::request& request, std::uint64_t hash);
void run_meta_arithmetic(context& with, const wire::request& request, std::uint64_t hash);
// tagged.cpp
void run_tagged_get(context& with, const wire::request& request, std::uint64_t hash);
void run_tagged_store(context& with, const wire::request& request, std::uint64_t hash);
// administration.cpp; true: the connection ends
bool run_administration(context& with, const wire::request& request);
void run_refused(context& with, const wire::request& request, std::uint64_t hash);
// statistics_command.cpp
void run_statistics(context& with, const wire::request& request);

}  // namespace tlscache::command
