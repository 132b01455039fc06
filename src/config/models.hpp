// Reads the list of models. Private to config.
#pragma once

#include <filesystem>
#include <vector>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// `where` names it in problems.
std::optional<Model> read_model(const YAML::Node& node, const std::string& where, Problems& problems);
void read_models(Fields& top, Problems& problems, const std::filesystem::path& folder, std::vector<Model>& models);

}  // namespace faelled::config
