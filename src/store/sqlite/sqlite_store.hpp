// The Store on SQLite: one file, write-ahead log, strict tables. Opening one brings an older schema up to date.
#pragma once

#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "store/store.hpp"

namespace faelled::store {

// Errors, each with the way out: incompatible (written by a newer version, not ours, damaged), io (unreadable,
// read-only), unavailable (disk full, held by another program).
Expected<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& file);

}  // namespace faelled::store
