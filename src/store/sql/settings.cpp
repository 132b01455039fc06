#include "store/sql/sql_store.hpp"

namespace faelled::store::sql {

Expected<std::vector<SettingRow>> SqlStore::settings() {
  std::vector<SettingRow> out;
  auto read = db_.each(
      // Models and aliases have tables of their own; the rows that they had here go with the next release.
      statement<"SELECT ", setting_columns,
                " FROM settings WHERE key NOT LIKE 'model/%' AND key NOT LIKE 'alias/%' ORDER BY key">,
      [&](Row& row) { out.push_back(read_setting(row)); });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<std::optional<SettingRow>> SqlStore::find_setting(std::string_view key) {
  std::optional<SettingRow> out;
  auto read = db_.each(
      statement<"SELECT ", setting_columns, " FROM settings WHERE key = $1">,
      [&](Row& row) { out = read_setting(row); }, key);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::set_setting(const SettingRow& row) {
  return done(
      db_.change(statement<"INSERT INTO settings (", setting_columns,
                           ") VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = "
                           "excluded.updated_at">,
                 row.key, row.value, row.updated_at));
}

// The condition is the statement's own: between processes only the database can say who was first.
Expected<void> SqlStore::replace_setting(const SettingRow& row, const std::optional<std::string>& before) {
  const auto changed = before
                           ? db_.change("UPDATE settings SET value = $1, updated_at = $2 WHERE key = $3 AND value = $4",
                                        row.value, row.updated_at, row.key, *before)
                           : db_.change(statement<"INSERT INTO settings (", setting_columns,
                                                  ") VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING">,
                                        row.key, row.value, row.updated_at);
  if (!changed) return std::unexpected(changed.error());
  if (*changed == 0) return fail(Errc::conflict, "setting " + row.key + " has another value");
  return {};
}

}  // namespace faelled::store::sql
