#include "store/sql/sql_store.hpp"

namespace faelled::store::sql {

Expected<void> SqlStore::add_sign_in_link(const SignInLinkRow& row) {
  return done(db_.change(
      "INSERT INTO sign_in_links (hash, \"user\", created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5)",
      blob(row.hash), row.user, row.created_at, row.expires_at, row.used_at));
}

Expected<std::string> SqlStore::use_sign_in_link(const Digest& hash, WallTime now) {
  std::optional<SignInLinkRow> link;
  auto read = db_.each(
      "SELECT \"user\", expires_at, used_at FROM sign_in_links WHERE hash = $1",
      [&](Row& row) {
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
  auto used = db_.change("UPDATE sign_in_links SET used_at = $1 WHERE hash = $2 AND used_at IS NULL", now, blob(hash));
  if (!used) return std::unexpected(used.error());
  if (*used == 0) return fail(Errc::conflict, "the sign-in link was used before");
  return link->user;
}

Expected<void> SqlStore::add_session(const SessionRow& row) {
  return done(db_.change(statement<"INSERT INTO sessions (", session_columns, ") VALUES ($1, $2, $3, $4)">,
                         blob(row.hash), row.user, row.created_at, row.expires_at));
}

Expected<std::vector<SessionRow>> SqlStore::sessions(WallTime now) {
  std::vector<SessionRow> out;
  auto read = db_.each(
      statement<"SELECT ", session_columns, " FROM sessions WHERE expires_at > $1">,
      [&](Row& row) { out.push_back(read_session(row)); }, now);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::remove_session(const Digest& hash) {
  return done(db_.change("DELETE FROM sessions WHERE hash = $1", blob(hash)));
}

Expected<void> SqlStore::remove_sessions_of(const std::string& user) {
  if (auto links = db_.change("DELETE FROM sign_in_links WHERE \"user\" = $1 AND used_at IS NULL", user); !links) {
    return done(links);
  }
  return done(db_.change("DELETE FROM sessions WHERE \"user\" = $1", user));
}

Expected<void> SqlStore::remove_expired(WallTime now) {
  if (auto links = db_.change("DELETE FROM sign_in_links WHERE expires_at <= $1", now); !links) return done(links);
  return done(db_.change("DELETE FROM sessions WHERE expires_at <= $1", now));
}

}  // namespace faelled::store::sql
