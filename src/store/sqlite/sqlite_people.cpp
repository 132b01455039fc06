#include "store/lines.hpp"
#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::store::sqlite {
namespace {

// NULL for all.
std::optional<std::string> text_of(const ModelList& models) {
  if (!models) return std::nullopt;
  return lines_of(*models);
}

ModelList read_models(Statement& row) {
  const std::optional<std::string> text = row.maybe_text();
  if (!text) return std::nullopt;
  return ids_in(*text);
}

std::optional<std::uint32_t> read_days(Statement& row) {
  const auto days = row.maybe_number();
  if (!days) return std::nullopt;
  return static_cast<std::uint32_t>(*days);
}

MemberRow read_member(Statement& row) {
  MemberRow out;
  out.id = row.text();
  out.name = row.text();
  out.created_at = row.time();
  out.policy.models = read_models(row);
  out.policy.retention_days = read_days(row);
  out.policy.conversations = static_cast<ConversationPlace>(row.number());
  out.policy.key_days_max = read_days(row);
  out.policy.key_makers = static_cast<KeyMakers>(row.number());
  out.contact = row.text();
  return out;
}

UserRow read_user(Statement& row) {
  UserRow out;
  out.id = row.text();
  out.member = row.text();
  out.name = row.text();
  out.created_at = row.time();
  out.role = static_cast<Role>(row.number());
  out.email = row.text();
  out.origin = static_cast<UserOrigin>(row.number());
  out.front_end = row.text();
  out.external_id = row.text();
  out.disabled_at = row.maybe_time();
  out.last_seen_at = row.maybe_time();
  return out;
}

KeyRow read_key(Statement& row) {
  KeyRow out;
  out.id = row.text();
  row.fixed(out.hash);
  out.member = row.text();
  out.user = row.text();
  out.name = row.text();
  out.created_at = row.time();
  out.expires_at = row.maybe_time();
  out.revoked_at = row.maybe_time();
  out.last_used_at = row.maybe_time();
  out.origin = static_cast<KeyOrigin>(row.number());
  out.revoked_by = static_cast<RevokedBy>(row.number());
  out.models = read_models(row);
  out.show_waiting = static_cast<ShowWaiting>(row.number());
  out.front_end = row.text();
  out.rotated_from = row.text();
  out.replaced_by = row.text();
  return out;
}

// An absent user is NULL: it refers to nobody.
std::optional<std::string_view> or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

template <class Row>
Expected<std::vector<Row>> all(Connection& db, const char* sql, Row (*read)(Statement&)) {
  std::vector<Row> out;
  auto done = db.each(sql, [&](Statement& row) { out.push_back(read(row)); });
  if (!done) return std::unexpected(done.error());
  return out;
}

}  // namespace

Expected<void> SqliteStore::add_member(const MemberRow& row) {
  return done(db_->change(
      "INSERT INTO members (id, name, created_at, models, retention_days, conversations, key_days_max, key_makers, "
      "contact) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.id, row.name, row.created_at, text_of(row.policy.models), row.policy.retention_days,
      static_cast<int>(row.policy.conversations), row.policy.key_days_max, static_cast<int>(row.policy.key_makers),
      row.contact));
}

Expected<std::vector<MemberRow>> SqliteStore::members() {
  return all(*db_,
             "SELECT id, name, created_at, models, retention_days, conversations, key_days_max, key_makers, contact "
             "FROM members ORDER BY id",
             read_member);
}

Expected<void> SqliteStore::update_member(const MemberRow& row) {
  return done_or_absent(
      db_->change("UPDATE members SET name = ?, models = ?, retention_days = ?, conversations = ?, key_days_max = ?, "
                  "key_makers = ?, contact = ? WHERE id = ?",
                  row.name, text_of(row.policy.models), row.policy.retention_days,
                  static_cast<int>(row.policy.conversations), row.policy.key_days_max,
                  static_cast<int>(row.policy.key_makers), row.contact, row.id),
      "there is no such member");
}

Expected<void> SqliteStore::add_user(const UserRow& row) {
  return done(db_->change(
      "INSERT INTO users (id, member, name, created_at, role, email, origin, front_end, external_id, disabled_at, "
      "last_seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.id, row.member, row.name, row.created_at, static_cast<int>(row.role), row.email, static_cast<int>(row.origin),
      row.front_end, row.external_id, row.disabled_at, row.last_seen_at));
}

Expected<std::vector<UserRow>> SqliteStore::users() {
  return all(*db_,
             "SELECT id, member, name, created_at, role, email, origin, front_end, external_id, disabled_at, "
             "last_seen_at FROM users ORDER BY id",
             read_user);
}

Expected<void> SqliteStore::update_user(const UserRow& row) {
  return done_or_absent(
      db_->change("UPDATE users SET name = ?, role = ?, email = ?, origin = ?, front_end = ?, external_id = ?, "
                  "disabled_at = ? WHERE id = ?",
                  row.name, static_cast<int>(row.role), row.email, static_cast<int>(row.origin), row.front_end,
                  row.external_id, row.disabled_at, row.id),
      "there is no such user");
}

Expected<void> SqliteStore::set_user_last_seen(const std::string& id, WallTime when) {
  return done(db_->change("UPDATE users SET last_seen_at = ? WHERE id = ?", when, id));
}

Expected<void> SqliteStore::add_key(const KeyRow& row) {
  return done(db_->change(
      "INSERT INTO keys (id, hash, member, user, name, created_at, expires_at, revoked_at, last_used_at, origin, "
      "revoked_by, models, show_waiting, front_end, rotated_from, replaced_by) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.id, blob(row.hash), row.member, or_null(row.user), row.name, row.created_at, row.expires_at, row.revoked_at,
      row.last_used_at, static_cast<int>(row.origin), static_cast<int>(row.revoked_by), text_of(row.models),
      static_cast<int>(row.show_waiting), row.front_end, row.rotated_from, row.replaced_by));
}

Expected<std::vector<KeyRow>> SqliteStore::keys() {
  return all(*db_,
             "SELECT id, hash, member, user, name, created_at, expires_at, revoked_at, last_used_at, origin, "
             "revoked_by, models, show_waiting, front_end, rotated_from, replaced_by FROM keys ORDER BY id",
             read_key);
}

Expected<void> SqliteStore::update_key(const KeyRow& row) {
  return done_or_absent(
      db_->change("UPDATE keys SET member = ?, user = ?, name = ?, expires_at = ?, revoked_at = ?, revoked_by = ?, "
                  "models = ?, show_waiting = ?, front_end = ?, rotated_from = ?, replaced_by = ? WHERE id = ?",
                  row.member, or_null(row.user), row.name, row.expires_at, row.revoked_at,
                  static_cast<int>(row.revoked_by), text_of(row.models), static_cast<int>(row.show_waiting),
                  row.front_end, row.rotated_from, row.replaced_by, row.id),
      "there is no such key");
}

Expected<void> SqliteStore::set_key_last_used(const std::string& id, WallTime when) {
  return done(db_->change("UPDATE keys SET last_used_at = ? WHERE id = ?", when, id));
}

}  // namespace faelled::store::sqlite
