// The Store on PostgreSQL 15 or later, for several servers on one database. Opening one brings an older schema up to
// date. While the database is away every call is refused with unavailable, at once or within limits::store_answer_max;
// the store comes back by itself. See docs/decisions/0013.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "store/store.hpp"

namespace faelled::store {

struct PostgresOptions {
  std::string url;                           // postgresql://user@host:5432/database, without a password
  std::filesystem::path password_file = {};  // empty: PGPASSFILE or ~/.pgpass
  std::filesystem::path ca_file = {};        // empty: whom the system trusts
  std::string server = {};  // which of the servers on the database this is: its journal and its answers under way
};

// Errors, each with the way out: invalid (no such address), io (refused: password, rights, certificate), incompatible
// (a newer version's schema, another program's tables), unavailable (nobody answers).
Expected<std::unique_ptr<Store>> open_postgres_store(const PostgresOptions& options);

// What an operator asks before a start; changes nothing.
struct PostgresLook {
  std::string server_version;    // "15.18"
  std::int64_t step = 0;         // of the schema; 0: empty
  std::int64_t step_newest = 0;  // that this version knows
};
Expected<PostgresLook> look_at_postgres(const PostgresOptions& options);

}  // namespace faelled::store
