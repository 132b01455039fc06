// What of this machine's memory there is for models: its GPUs, and the host's.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "node/gpu_groups.hpp"
#include "node/gpus.hpp"
#include "observe/log.hpp"
#include "rpc/messages.hpp"

namespace faelled::app {

struct GpusFound {
  std::optional<node::Gpus> driver;
  std::vector<node::Gpu> all;  // groups as one
  std::vector<std::vector<std::string>> groups;
};
// What people call each, by the names of devices.
std::map<std::string, std::string, std::less<>> device_names_of(const std::vector<node::Gpu>& gpus);
// None where there is no engine that could lie on one. A driver that does not answer is told in the log, and so is a
// group that cannot be: its cards are then each a memory of its own.
GpusFound find_gpus(const config::Config& config, observe::Log& log);
// Bytes for models of the largest, groups among them or not; 0: there is none.
std::uint64_t largest_of(const std::vector<node::Gpu>& gpus, bool groups);

// Nothing where there is no engine that a model could take it with.
std::optional<rpc::DeviceReport> memory_for_models(const config::Config& config);

// What the file promises models of this machine's memory is more than there is. A warning: another machine may serve,
// and whoever wrote it may know of swap that this one does not count. `root`: see doctor/machine.hpp.
std::vector<config::Problem> look_at_memory(const config::Config& config, const std::filesystem::path& root = "/");

}  // namespace faelled::app
