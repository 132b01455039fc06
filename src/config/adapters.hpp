// Reads a model's adapters. Private to config.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// After all else of the model has been read.
void read_adapters(Fields& fields, Problems& problems, const std::filesystem::path& folder, Model& model);

std::string id_of(const Model& model, const Adapter& adapter);  // what clients ask for: "base:name"
std::vector<Alias> aliases_of(const Model& model);              // its own and those of its adapters

}  // namespace faelled::config
