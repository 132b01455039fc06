// What engines compile for a GPU, kept for the next process of the same model: vLLM's graphs, and Triton's and
// Inductor's kernels. A folder for each model, program and folder of weights, so that no model runs what another has
// written; what is in it is named by the engine after all that it depends on.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "engines/model_settings.hpp"

namespace faelled::node {

// The folder of a model below `root`. It need not be there.
std::string compiled_folder(const std::string& root, const engines::ModelSettings& model);

// Makes it, open to our user alone, and notes that it is used now. Errors: io.
Expected<void> use_compiled(const std::string& folder);

// Removes the folders below `root` that nobody has used since `before`.
void forget_compiled(const std::string& root, std::filesystem::file_time_type before);

}  // namespace faelled::node
