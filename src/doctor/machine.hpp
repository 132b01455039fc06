// What the machine under us is like: memory limit of the cgroup, shared memory, disk, clock, open files. Each check
// reads the kernel's own files below `root`, so that a test can show it another machine. Blocking; a command's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "doctor/finding.hpp"

namespace faelled::doctor {

// A model that lies in the machine's own memory.
struct ModelNeeds {
  std::string id;
  std::uint64_t bytes = 0;
  bool pinned = false;
};

struct Needs {
  std::filesystem::path data;           // the data folder; need not be there yet
  std::uint64_t connections = 0;        // limits.connections
  std::uint64_t for_models = 0;         // bytes of the machine's memory, of which models take turns
  std::vector<ModelNeeds> models = {};  // those whose files are here
};

// Bytes: what the tightest cgroup above us allows, nullopt: no limit. Reads ROOT/proc/self/cgroup and
// ROOT/sys/fs/cgroup, of version 2, of version 1 (memory.limit_in_bytes) or of both.
std::optional<std::uint64_t> cgroup_memory_max(const std::filesystem::path& root);
// Of the machine's memory, what the cgroup lets us have: a limit beyond all that there is is none.
std::optional<std::uint64_t> memory_usable(const std::filesystem::path& root);
// Whether models that may take so much of it leave the server too little.
bool leaves_none(std::uint64_t for_models, std::uint64_t usable);

Finding memory(const std::filesystem::path& root, const Needs& needs);
Finding swap(const std::filesystem::path& root);
Finding shared_memory(const std::filesystem::path& folder);  // normally /dev/shm
Finding disk(const Needs& needs);
Finding clock_state(int status, std::int64_t error_max_us);  // what adjtimex(2) gives
Finding clock();
Finding open_files(std::uint64_t allowed, const Needs& needs);
Finding open_files(const Needs& needs);
Finding core_dumps(const std::filesystem::path& root);

}  // namespace faelled::doctor
