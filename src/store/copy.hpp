// From a file of SQLite's into an empty PostgreSQL, all of it or nothing: what an operator runs once, with the server
// stopped, to change over. Tables and columns are those that the file has, so nothing is forgotten when one is added.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "store/postgres/postgres_store.hpp"

namespace faelled::store {

struct CopiedTable {
  std::string name;
  std::uint64_t rows = 0;
};

// Brings the file's and the database's schemas up to date first. Every table is counted and summed over all its values
// on both sides before anything counts. `to.server`: whose journal position it becomes. The file stays as it is.
// Errors: conflict (the database holds something), io (a sum differs), and those of both stores.
Expected<std::vector<CopiedTable>> copy_to_postgres(const std::filesystem::path& file, const PostgresOptions& to);

}  // namespace faelled::store
