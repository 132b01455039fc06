// The schema, as numbered steps that are never edited once released. PRAGMA user_version holds the last one taken.
#pragma once

#include "base/error.hpp"
#include "store/sqlite/connection.hpp"

namespace faelled::store::sqlite {

// Brings the database up to date, all steps or none. Errors: incompatible (a newer version's, or another program's).
Expected<void> migrate(Connection& connection, const std::filesystem::path& file);

}  // namespace faelled::store::sqlite
