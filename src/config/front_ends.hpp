// Reads the list of front ends. Private to config.
#pragma once

#include <filesystem>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// Members that only a rule names are added to the configuration's.
void read_front_ends(Fields& top, Problems& problems, const std::filesystem::path& folder, Config& config);

}  // namespace faelled::config
