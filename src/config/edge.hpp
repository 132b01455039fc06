// Reads where the server listens, its TLS, and which proxies it believes. Private to config.
#pragma once

#include <filesystem>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

void read_edge(Fields& top, Problems& problems, const std::filesystem::path& folder, Config& config);

// The file that `key` names, and where; empty where there is none.
NamedFile named_file(Fields& fields, std::string_view key, const std::filesystem::path& folder);

}  // namespace faelled::config
