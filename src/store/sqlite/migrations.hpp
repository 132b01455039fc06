// The schema, as numbered steps that are never edited once released. PRAGMA user_version holds the last one taken.
#pragma once

#include <limits>

#include "base/error.hpp"
#include "store/sqlite/connection.hpp"

namespace faelled::store::sqlite {

// Brings the database up to date, all steps or none. Errors: incompatible (a newer version's, or another program's).
// `steps_max`: a test may want a database as an earlier version left it.
Expected<void> migrate(Connection& connection, const std::filesystem::path& file,
                       std::size_t steps_max = std::numeric_limits<std::size_t>::max());

}  // namespace faelled::store::sqlite
