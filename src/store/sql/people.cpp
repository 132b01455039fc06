#include "store/lines.hpp"
#include "store/sql/sql_store.hpp"

namespace faelled::store::sql {
namespace {

// NULL for all.
std::optional<std::string> text_of(const ModelList& models) {
  if (!models) return std::nullopt;
  return lines_of(*models);
}

// An absent user is NULL: it refers to nobody.
std::optional<std::string_view> or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

template <class Kept>
Expected<std::vector<Kept>> all(Connection& db, const char* sql, Kept (*read)(Row&)) {
  std::vector<Kept> out;
  auto done = db.each(sql, [&](Row& row) { out.push_back(read(row)); });
  if (!done) return std::unexpected(done.error());
  return out;
}

static_assert(static_cast<int>(RevokedBy::config) == 2, "update_key()'s statement has it as a number");

}  // namespace

Expected<void> SqlStore::add_member(const MemberRow& row) {
  return done(
      db_.change(statement<"INSERT INTO members (", member_columns, ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)">,
                 row.id, row.name, row.created_at, text_of(row.policy.models), row.policy.retention_days,
                 static_cast<int>(row.policy.conversations), row.policy.key_days_max,
                 static_cast<int>(row.policy.key_makers), row.contact));
}

Expected<std::vector<MemberRow>> SqlStore::members() {
  return all(db_, statement<"SELECT ", member_columns, " FROM members ORDER BY id">, read_member);
}

Expected<void> SqlStore::update_member(const MemberRow& row) {
  return done_or_absent(
      db_.change(
          "UPDATE members SET name = $1, models = $2, retention_days = $3, conversations = $4, key_days_max = $5, "
          "key_makers = $6, contact = $7 WHERE id = $8",
          row.name, text_of(row.policy.models), row.policy.retention_days, static_cast<int>(row.policy.conversations),
          row.policy.key_days_max, static_cast<int>(row.policy.key_makers), row.contact, row.id),
      "there is no such member");
}

Expected<void> SqlStore::add_user(const UserRow& row) {
  return done(db_.change(
      statement<"INSERT INTO users (", user_columns, ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)">, row.id,
      row.member, row.name, row.created_at, static_cast<int>(row.role), row.email, static_cast<int>(row.origin),
      row.front_end, row.external_id, row.disabled_at, row.last_seen_at));
}

Expected<std::vector<UserRow>> SqlStore::users() {
  return all(db_, statement<"SELECT ", user_columns, " FROM users ORDER BY id">, read_user);
}

Expected<void> SqlStore::update_user(const UserRow& row) {
  return done_or_absent(
      db_.change("UPDATE users SET name = $1, role = $2, email = $3, origin = $4, front_end = $5, external_id = $6, "
                 "disabled_at = $7 WHERE id = $8",
                 row.name, static_cast<int>(row.role), row.email, static_cast<int>(row.origin), row.front_end,
                 row.external_id, row.disabled_at, row.id),
      "there is no such user");
}

Expected<void> SqlStore::set_user_names(const std::string& id, const std::string& name, const std::string& email) {
  return done_or_absent(db_.change("UPDATE users SET name = $1, email = $2 WHERE id = $3", name, email, id),
                        "there is no such user");
}

Expected<void> SqlStore::set_user_last_seen(const std::string& id, WallTime when) {
  return done(db_.change("UPDATE users SET last_seen_at = $1 WHERE id = $2", when, id));
}

Expected<void> SqlStore::add_key(const KeyRow& row) {
  return done(db_.change(statement<"INSERT INTO keys (", key_columns,
                                   ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)">,
                         row.id, blob(row.hash), row.member, or_null(row.user), row.name, row.created_at,
                         row.expires_at, row.revoked_at, row.last_used_at, static_cast<int>(row.origin),
                         static_cast<int>(row.revoked_by), text_of(row.models), static_cast<int>(row.show_waiting),
                         row.front_end, row.rotated_from, row.replaced_by));
}

Expected<std::vector<KeyRow>> SqlStore::keys() {
  return all(db_, statement<"SELECT ", key_columns, " FROM keys ORDER BY id">, read_key);
}

// Whoever writes a key may have read it before another server took it away: what a person revoked stays revoked, and
// what was rotated has one successor. A key that left the configuration may come back with it.
Expected<void> SqlStore::update_key(const KeyRow& row) {
  auto updated = db_.change(
      "UPDATE keys SET member = $1, \"user\" = $2, name = $3, expires_at = $4, revoked_at = $5, revoked_by = $6, "
      "models = $7, show_waiting = $8, front_end = $9, rotated_from = $10, "
      "replaced_by = CASE WHEN $11 = '' THEN replaced_by ELSE $11 END WHERE id = $12 "
      "AND (CAST($5 AS bigint) IS NOT NULL OR ((revoked_at IS NULL OR revoked_by = 2) AND replaced_by IN ('', $11)))",
      row.member, or_null(row.user), row.name, row.expires_at, row.revoked_at, static_cast<int>(row.revoked_by),
      text_of(row.models), static_cast<int>(row.show_waiting), row.front_end, row.rotated_from, row.replaced_by,
      row.id);
  if (!updated) return std::unexpected(updated.error());
  if (*updated > 0) return {};
  bool there = false;
  auto read = db_.each("SELECT id FROM keys WHERE id = $1", [&](Row&) { there = true; }, row.id);
  if (!read) return read;
  if (there) return fail(Errc::conflict, "the key was revoked or rotated meanwhile", "look at it again");
  return fail(Errc::not_found, "there is no such key");
}

Expected<void> SqlStore::set_key_last_used(const std::string& id, WallTime when) {
  return done(db_.change("UPDATE keys SET last_used_at = $1 WHERE id = $2", when, id));
}

}  // namespace faelled::store::sql
