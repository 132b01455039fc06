// What the mesh knows of a model's memory before anything starts, and how much of this machine's there is for models.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "engines/memory_need.hpp"
#include "engines/model_settings.hpp"
#include "mesh/residents.hpp"
#include "node/gpus.hpp"
#include "observe/log.hpp"
#include "rpc/messages.hpp"

namespace faelled::app {

rpc::DeviceKind device_of(const engines::ModelSettings& model);
// By its file or folder, which is read. Only for engines that we start.
Expected<engines::MemoryNeed> need_of(const engines::ModelSettings& model);
Duration load_guess_of(const engines::ModelSettings& model, const engines::MemoryNeed& need);

// `sleep`: if its engine can sleep, it may.
mesh::Resident resident_of(const engines::ModelSettings& model, const engines::MemoryNeed& need, bool sleep);

// Of those that take memory of ours and whose files are here. Reads their files' headers; one that cannot be read is
// left to the node, which says what is wrong with it.
std::vector<mesh::Resident> residents_of(const std::vector<engines::ModelSettings>& models, bool sleep,
                                         observe::Log& log);

struct GpusFound {
  std::optional<node::Gpus> driver;
  std::vector<node::Gpu> all;
};
// What the driver calls each, by the names that the node gives them.
std::map<std::string, std::string, std::less<>> device_names_of(const std::vector<node::Gpu>& gpus);
// None where there is no engine that could lie on one. A driver that does not answer is told in the log.
GpusFound find_gpus(const config::Config& config, observe::Log& log);
// Bytes for models of the largest; 0: there is none.
std::uint64_t largest_of(const std::vector<node::Gpu>& gpus);

// Nothing where there is no engine that a model could take it with.
std::optional<rpc::DeviceReport> memory_for_models(const config::Config& config);

}  // namespace faelled::app
