#include "store/sqlite/sqlite_store.hpp"

#include <unistd.h>

#include "store/sqlite/migrations.hpp"
#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::store {

Expected<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& file) {
  // SQLite opens what it may not write as read-only and tells at the first write only.
  if (::access(file.c_str(), F_OK) == 0 && ::access(file.c_str(), R_OK | W_OK) != 0) {
    return fail(Errc::io, file.string() + " cannot be read and written",
                "give the user that runs faelled the right to read and write the data folder");
  }
  auto connection = sqlite::Connection::open(file);
  if (!connection) return std::unexpected(connection.error());
  if (auto migrated = sqlite::migrate(**connection, file); !migrated) return std::unexpected(migrated.error());
  // What is erased is overwritten, not only let go.
  if (auto set = (*connection)->run("PRAGMA secure_delete = ON"); !set) return std::unexpected(set.error());
  // After the look at whose it is: this writes to the file.
  if (auto set = (*connection)->run("PRAGMA journal_mode = WAL"); !set) return std::unexpected(set.error());
  return std::make_unique<sqlite::SqliteStore>(std::move(*connection));
}

}  // namespace faelled::store
