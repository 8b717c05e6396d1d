#pragma once

// What the daemon does to its own process at start. On one thread, before any other exists unless
// said otherwise. Failures are sentences for the operator.

#include <cstddef>
#include <optional>
#include <string>

namespace tlscache::process {

// Before anything is opened: /dev/null in the place of standard streams that are closed. Else a
// listening socket becomes one of them, and is logged into, or replaced when going into the
// background.
void hold_standard_streams();

// Then: starts the program anew so that the dynamic linker binds every function now. Else
// it binds at first calls and saves the vector registers on the stack meanwhile, with what memcpy
// left there of a session, and nobody erases that. Returns if it is so already, or can't be.
void bind_symbols_now(char** argv);

// No core dumps, not to be read by others of the same user; SIGPIPE ignored; the heap set so that
// large buffers go back to the system. Once more after become_user(), which undoes a part of it.
void harden();

// Keeps it possible to lock `bytes` of memory after root is given up. Best effort.
void allow_locked_memory(std::size_t bytes);

// Raises the soft limit of descriptors as far as needed and possible; answers for how many
// connections it is enough, at most `wanted`. `beside`: descriptors for everything else.
std::size_t fit_descriptors(std::size_t wanted, std::size_t beside);

// Gives up root for good. nullopt: done.
std::optional<std::string> become_user(const std::string& name, const std::string& unix_socket);

// Into the background; stderr goes to /dev/null once started, unless keep_log. The parent ends with
// exit code 0 when report_started(true) is called in the child, else with 1. False: fork failed.
bool daemonize(bool keep_log);
void report_started(bool well);

// Writes through a temporary file in the same folder and a rename. nullopt: done.
std::optional<std::string> write_file(const std::string& path, const std::string& text);

// Removes the file when it goes.
class file_guard {
  public:
    explicit file_guard(std::string path) : path_(std::move(path)) {}
    file_guard(const file_guard&) = delete;
    file_guard& operator=(const file_guard&) = delete;
    ~file_guard();

  private:
    std::string path_;
};

}  // namespace tlscache::process
