// What operators gave a name: models and aliases, in tables that are alike.
#include "store/sql/sql_store.hpp"

namespace faelled::store::sql {
namespace {

constexpr Part behind(" WHERE name > $1 ORDER BY name LIMIT $2");
constexpr Part later_one(
    ") VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET version = excluded.version, value = excluded.value, "
    "updated_at = excluded.updated_at WHERE ");

const char* of(NamedKind kind, const char* models, const char* aliases) {
  return kind == NamedKind::model ? models : aliases;
}

}  // namespace

Expected<std::vector<NamedRow>> SqlStore::named(NamedKind kind, const std::string& after, std::size_t limit) {
  std::vector<NamedRow> out;
  auto read = db_.each(
      of(kind, statement<"SELECT ", named_columns, " FROM models", behind>,
         statement<"SELECT ", named_columns, " FROM aliases", behind>),
      [&](Row& row) { out.push_back(read_named(row)); }, after, limit);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<std::optional<NamedRow>> SqlStore::find_named(NamedKind kind, const std::string& name) {
  std::optional<NamedRow> out;
  auto read = db_.each(
      of(kind, statement<"SELECT ", named_columns, " FROM models WHERE name = $1">,
         statement<"SELECT ", named_columns, " FROM aliases WHERE name = $1">),
      [&](Row& row) { out = read_named(row); }, name);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::set_named(NamedKind kind, const NamedRow& row) {
  auto changed = db_.change(
      of(kind, statement<"INSERT INTO models (", named_columns, later_one, "models.version < excluded.version">,
         statement<"INSERT INTO aliases (", named_columns, later_one, "aliases.version < excluded.version">),
      row.name, static_cast<std::int64_t>(row.version), row.value, row.updated_at);
  if (!changed) return std::unexpected(changed.error());
  if (*changed > 0) return {};
  return fail(Errc::conflict, "'" + row.name + "' was changed by another server meanwhile",
              "look at it, and try again");
}

Expected<void> SqlStore::update_named(NamedKind kind, const NamedRow& row) {
  return done(db_.change(of(kind, "UPDATE models SET value = $1, updated_at = $2 WHERE name = $3 AND version = $4",
                            "UPDATE aliases SET value = $1, updated_at = $2 WHERE name = $3 AND version = $4"),
                         row.value, row.updated_at, row.name, static_cast<std::int64_t>(row.version)));
}

}  // namespace faelled::store::sql
