// Where the store is: the top-level keys store, store_password_file and store_ca_file. Private to config.
#pragma once

#include <filesystem>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

void read_store(Fields& top, const std::filesystem::path& folder, Store& store);

}  // namespace faelled::config
