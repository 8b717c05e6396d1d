#pragma once

// What tests of client_lib/session share: a key source without a file, a frontend, a folder for
// key files, and a random generator whose seed is printed.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "client_lib/session/derive.hpp"
#include "client_lib/session/key_source.hpp"
#include "client_lib/session/sealer.hpp"

namespace tlscache::tests {

// Roots are a byte repeated, so that two sources with the same numbers have the same keys.
// For one thread.
class fixed_source final : public session::key_source {
  public:
    fixed_source(std::string_view name, session::key_schedule schedule,
                 const std::vector<std::uint8_t>& roots)
        : builder_(name, schedule, make_roots(roots)) {}

    std::shared_ptr<const session::keyring> keys(session::unix_seconds now) override {
        if (!ring_ || !builder_.fits(now)) {
            ring_ = builder_.build(now);
        }
        return ring_;
    }
    void refresh(session::unix_seconds) override {}

  private:
    static session::root_list make_roots(const std::vector<std::uint8_t>& numbers) {
        session::root_list roots;
        for (const std::uint8_t number : numbers) {
            roots.emplace_back().fill(number);
        }
        return roots;
    }

    session::ring_builder builder_;
    std::shared_ptr<const session::keyring> ring_;
};

inline constexpr session::key_schedule usual_schedule{3600, 7200};

// One TLS server of the cluster, as far as sessions go.
struct frontend {
    explicit frontend(std::string_view name = "shop", const std::vector<std::uint8_t>& roots = {1},
                      session::key_schedule schedule = usual_schedule)
        : source(name, schedule, roots), sealer(name, source) {}

    session::session_id make_id(session::unix_seconds now) const {
        session::session_id id;
        REQUIRE(sealer.make_id(now, id));
        return id;
    }
    bool accepts(const session::session_id& id, session::unix_seconds now) const {
        return sealer.key_of(id, now).has_value();
    }

    fixed_source source;
    session::sealer sealer;
};

// An empty folder that goes with its files.
class scratch_folder {
  public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "tlscache-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

    // A new file in the place of the old one, as a careful operator would do it.
    std::string write(std::string_view name, std::string_view text, ::mode_t mode = 0600) const {
        const std::string path = file(name);
        const std::string beside = path + ".new";
        const int descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC, mode);
        REQUIRE(descriptor >= 0);
        REQUIRE(::fchmod(descriptor, mode) == 0);
        REQUIRE(::write(descriptor, text.data(), text.size()) ==
                static_cast<::ssize_t>(text.size()));
        ::close(descriptor);
        REQUIRE(::rename(beside.c_str(), path.c_str()) == 0);
        return path;
    }

  private:
    std::string path_;
};

inline std::mt19937_64 seeded_generator() {
    const std::uint64_t seed = std::random_device{}();
    MESSAGE("seed " << seed);
    return std::mt19937_64(seed);
}

template <class Bytes>
void fill_random(std::mt19937_64& random, Bytes& bytes) {
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
}

}  // namespace tlscache::tests
