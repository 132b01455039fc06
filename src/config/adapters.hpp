// Reads a model's adapters. Private to config.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// After all else of the model has been read.
void read_adapters(Fields& fields, Problems& problems, const std::filesystem::path& folder, Model& model);

// Whom a model or an adapter (`what`) is for.
std::vector<std::string> read_whom(Fields& fields, Problems& problems, std::string_view what);

// Of adapters that are for members whom their model is not for: nobody of them can use it.
void warn_of_shut_out(const std::vector<Model>& models, std::vector<Problem>& warnings);

std::string id_of(const Model& model, const Adapter& adapter);  // what clients ask for: "base:name"
std::vector<Alias> aliases_of(const Model& model);              // its own and those of its adapters

}  // namespace faelled::config
