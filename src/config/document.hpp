// A YAML file as text and as a tree: reading one, and what is no YAML told like every other mistake. Private to config.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// `absent_hint`: what to do where there is no such file.
Expected<std::string> read_text(const std::filesystem::path& path, const char* absent_hint);

inline constexpr std::size_t file_bytes_max = 1024 * 1024;

// Calls `read` with the root of the tree. Text that is too long, no YAML, or of more than one document is a problem.
void read_tree(std::string_view text, Problems& problems, const std::function<void(const YAML::Node&)>& read,
               std::size_t bytes_max = file_bytes_max);

// One line per problem: FILE:LINE:COLUMN: message; hint.
std::string describe(const std::vector<Problem>& problems, const std::filesystem::path& path);

}  // namespace faelled::config
