// A consistent copy of a SQLite store's file while a server goes on writing to it: what was committed when the copy
// began, and nothing of later. Blocking; any process that may read and write the data folder.
#pragma once

#include <filesystem>

#include "base/error.hpp"

namespace faelled::store {

// `to` must not be there. Errors: not_found (no database), incompatible (damaged), unavailable (disk full), io.
Expected<void> snapshot_sqlite(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace faelled::store
