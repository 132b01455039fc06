#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::store::sqlite {

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

Expected<void> SqliteStore::remove_sessions_of(const std::string& user) {
  if (auto links = db_->change("DELETE FROM sign_in_links WHERE user = ? AND used_at IS NULL", user); !links) {
    return done(links);
  }
  return done(db_->change("DELETE FROM sessions WHERE user = ?", user));
}

Expected<void> SqliteStore::remove_expired(WallTime now) {
  if (auto links = db_->change("DELETE FROM sign_in_links WHERE expires_at <= ?", now); !links) return done(links);
  return done(db_->change("DELETE FROM sessions WHERE expires_at <= ?", now));
}

}  // namespace faelled::store::sqlite
