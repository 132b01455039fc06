#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::store::sqlite {
namespace {

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
  return out;
}

std::span<const std::byte> blob(const Digest& digest) { return digest; }

// An absent user is NULL: it refers to nobody.
std::optional<std::string_view> or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace

Expected<void> SqliteStore::add_member(const MemberRow& row) {
  return done(
      db_->change("INSERT INTO members (id, name, created_at) VALUES (?, ?, ?)", row.id, row.name, row.created_at));
}

Expected<std::vector<MemberRow>> SqliteStore::members() {
  std::vector<MemberRow> out;
  auto read = db_->each("SELECT id, name, created_at FROM members ORDER BY id", [&](Statement& row) {
    MemberRow& member = out.emplace_back();
    member.id = row.text();
    member.name = row.text();
    member.created_at = row.time();
  });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::add_user(const UserRow& row) {
  return done(db_->change("INSERT INTO users (id, member, name, created_at) VALUES (?, ?, ?, ?)", row.id, row.member,
                          row.name, row.created_at));
}

Expected<std::vector<UserRow>> SqliteStore::users() {
  std::vector<UserRow> out;
  auto read = db_->each("SELECT id, member, name, created_at FROM users ORDER BY id", [&](Statement& row) {
    UserRow& user = out.emplace_back();
    user.id = row.text();
    user.member = row.text();
    user.name = row.text();
    user.created_at = row.time();
  });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::add_key(const KeyRow& row) {
  return done(
      db_->change("INSERT INTO keys (id, hash, member, user, name, created_at, expires_at, revoked_at, last_used_at, "
                  "origin, revoked_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  row.id, blob(row.hash), row.member, or_null(row.user), row.name, row.created_at, row.expires_at,
                  row.revoked_at, row.last_used_at, static_cast<int>(row.origin), static_cast<int>(row.revoked_by)));
}

Expected<std::vector<KeyRow>> SqliteStore::keys() {
  std::vector<KeyRow> out;
  auto read = db_->each(
      "SELECT id, hash, member, user, name, created_at, expires_at, revoked_at, last_used_at, origin, revoked_by "
      "FROM keys ORDER BY id",
      [&](Statement& row) { out.push_back(read_key(row)); });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::update_key(const KeyRow& row) {
  return done_or_absent(db_->change("UPDATE keys SET member = ?, user = ?, name = ?, expires_at = ?, revoked_at = ?, "
                                    "revoked_by = ? WHERE id = ?",
                                    row.member, or_null(row.user), row.name, row.expires_at, row.revoked_at,
                                    static_cast<int>(row.revoked_by), row.id),
                        "there is no such key");
}

Expected<void> SqliteStore::set_key_last_used(const std::string& id, WallTime when) {
  return done(db_->change("UPDATE keys SET last_used_at = ? WHERE id = ?", when, id));
}

Expected<void> SqliteStore::add_sign_in_link(const SignInLinkRow& row) {
  return done(
      db_->change("INSERT INTO sign_in_links (hash, user, created_at, expires_at, used_at) VALUES (?, ?, ?, ?, ?)",
                  blob(row.hash), row.user, row.created_at, row.expires_at, row.used_at));
}

Expected<std::string> SqliteStore::use_sign_in_link(const Digest& hash, WallTime now) {
  std::optional<SignInLinkRow> link;
  auto read = db_->each(
      "SELECT user, expires_at, used_at FROM sign_in_links WHERE hash = ?",
      [&](Statement& row) {
        link.emplace();
        link->user = row.text();
        link->expires_at = row.time();
        link->used_at = row.maybe_time();
      },
      blob(hash));
  if (!read) return std::unexpected(read.error());
  if (!link) return fail(Errc::not_found, "there is no such sign-in link");
  if (link->used_at) return fail(Errc::conflict, "the sign-in link was used before");
  if (link->expires_at <= now) return fail(Errc::timeout, "the sign-in link has expired");
  // The condition once more: between processes only the database can say who was first.
  auto used = db_->change("UPDATE sign_in_links SET used_at = ? WHERE hash = ? AND used_at IS NULL", now, blob(hash));
  if (!used) return std::unexpected(used.error());
  if (*used == 0) return fail(Errc::conflict, "the sign-in link was used before");
  return link->user;
}

Expected<void> SqliteStore::add_session(const SessionRow& row) {
  return done(db_->change("INSERT INTO sessions (hash, user, created_at, expires_at) VALUES (?, ?, ?, ?)",
                          blob(row.hash), row.user, row.created_at, row.expires_at));
}

Expected<std::vector<SessionRow>> SqliteStore::sessions(WallTime now) {
  std::vector<SessionRow> out;
  auto read = db_->each(
      "SELECT hash, user, created_at, expires_at FROM sessions WHERE expires_at > ?",
      [&](Statement& row) {
        SessionRow& session = out.emplace_back();
        row.fixed(session.hash);
        session.user = row.text();
        session.created_at = row.time();
        session.expires_at = row.time();
      },
      now);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::remove_session(const Digest& hash) {
  return done(db_->change("DELETE FROM sessions WHERE hash = ?", blob(hash)));
}

Expected<void> SqliteStore::remove_expired(WallTime now) {
  if (auto links = db_->change("DELETE FROM sign_in_links WHERE expires_at <= ?", now); !links) return done(links);
  return done(db_->change("DELETE FROM sessions WHERE expires_at <= ?", now));
}

}  // namespace faelled::store::sqlite
