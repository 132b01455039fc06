// What the mesh knows of a model's memory before anything starts.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "engines/memory_need.hpp"
#include "engines/model_settings.hpp"
#include "mesh/residents.hpp"
#include "observe/log.hpp"
#include "rpc/messages.hpp"

namespace faelled::keeping {

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

}  // namespace faelled::keeping
