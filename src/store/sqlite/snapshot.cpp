#include "store/sqlite/snapshot.hpp"

#include "store/sqlite/connection.hpp"

namespace faelled::store {

Expected<void> snapshot_sqlite(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::error_code code; !std::filesystem::exists(from, code))
    return fail(Errc::not_found, "there is no database at " + from.string(),
                "has the server run with this data folder?");
  auto connection = sqlite::Connection::open(from);
  if (!connection) return std::unexpected(connection.error());
  auto copied = (*connection)->change("VACUUM INTO ?", to.string());
  if (!copied) return std::unexpected(copied.error());
  return {};
}

}  // namespace faelled::store
