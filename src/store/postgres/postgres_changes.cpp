#include <map>

#include "crypto/digest.hpp"
#include "store/postgres/postgres_store_body.hpp"

namespace faelled::store::postgres {
namespace {

template <class T>
Expected<void> into(T& out, Expected<T> given) {
  if (!given) return std::unexpected(given.error());
  out = std::move(*given);
  return {};
}

using Ids = std::vector<std::string>;

// What has one of these ids, by a statement that takes them as its only value.
template <class Kept>
Expected<std::vector<Kept>> those(Connection& db, const char* sql, Kept (*read)(sql::Row&), const Ids& ids) {
  Parameters parameters;
  parameters.add_all(ids, [](const std::string& id) -> std::string_view { return id; });
  std::vector<Kept> out;
  auto done = db.each_by(sql, [&](sql::Row& row) { out.push_back(read(row)); }, parameters);
  if (!done) return std::unexpected(done.error());
  return out;
}

constexpr sql::Part by_id(" WHERE id = ANY ($1::text[]) ORDER BY id");
constexpr sql::Part by_name(" WHERE name = ANY ($1::text[]) ORDER BY name");

constexpr const char* members_of = sql::statement<"SELECT ", sql::member_columns, " FROM members", by_id>;
constexpr const char* users_of = sql::statement<"SELECT ", sql::user_columns, " FROM users", by_id>;
constexpr const char* keys_of = sql::statement<"SELECT ", sql::key_columns, " FROM keys", by_id>;
constexpr const char* agreements_of = sql::statement<"SELECT ", sql::agreement_columns, " FROM agreements", by_id>;
constexpr const char* models_of = sql::statement<"SELECT ", sql::named_columns, " FROM models", by_name>;
constexpr const char* aliases_of = sql::statement<"SELECT ", sql::named_columns, " FROM aliases", by_name>;
constexpr const char* sessions_of =
    sql::statement<"SELECT ", sql::session_columns, " FROM sessions WHERE hash = ANY ($1::bytea[])">;

// As the database writes them: "\\x0a1b…".
std::optional<Digest> digest_of(std::string_view text) {
  return crypto::from_hex(text.substr(std::min<std::size_t>(2, text.size())));
}

}  // namespace

Expected<void> PostgresStore::remove_expired(WallTime now) {
  auto forgotten = db_->change("DELETE FROM changes WHERE made_at < $1 AND number < (SELECT max(number) FROM changes)",
                               now - limits::store_changes_kept);
  if (!forgotten) return sql::done(forgotten);
  return SqlStore::remove_expired(now);
}

Expected<std::int64_t> PostgresStore::change_mark() {
  std::int64_t out = 0;
  // The sequence's own value would count commits that are still under way.
  auto read =
      db_->each("SELECT coalesce(max(number), 0)::bigint FROM changes", [&](sql::Row& row) { out = row.number(); });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<Changes> PostgresStore::changes_since(std::int64_t mark) {
  Changes out;
  out.mark = mark;
  std::map<std::string, Ids, std::less<>> changed;
  std::size_t told = 0;
  std::int64_t newest = 0, oldest = 0;
  // In one statement, which sees one moment: what is committed between two would be passed over. The newest comes along
  // where nothing was told: it is less than the mark in a database that took the place of the one that numbered them
  // and lacks its last commits, since it numbers them anew. So does the oldest: where the mark lies before it, what lay
  // between is no longer told.
  auto read = db_->each(
      "SELECT ends.newest, ends.oldest, coalesce(told.number, 0)::bigint, coalesce(told.kind, ''), "
      "coalesce(told.id, '') FROM (SELECT coalesce(max(number), 0)::bigint AS newest, coalesce(min(number), 0)::bigint "
      "AS oldest FROM changes) AS ends LEFT JOIN (SELECT number, kind, id FROM changes WHERE number > $1 ORDER BY "
      "number "
      "LIMIT $2) AS told ON true ORDER BY 3",
      [&](sql::Row& row) {
        newest = row.number();
        oldest = row.number();
        const std::int64_t number = row.number();
        if (number == 0) return;
        out.mark = number;
        std::string kind = row.text();
        changed[std::move(kind)].push_back(row.text());
        ++told;
      },
      mark, limits::store_changes_read_max + 1);
  if (!read) return std::unexpected(read.error());
  if (newest < mark || told > limits::store_changes_read_max || (told > 0 && oldest > mark + 1)) {
    out.everything = true;
    out.mark = newest;
    return out;
  }
  if (told == 0) return out;
  if (auto some = into(out.members, those(*db_, members_of, sql::read_member, changed["members"])); !some)
    return std::unexpected(some.error());
  if (auto some = into(out.users, those(*db_, users_of, sql::read_user, changed["users"])); !some)
    return std::unexpected(some.error());
  if (auto some = into(out.keys, those(*db_, keys_of, sql::read_key, changed["keys"])); !some)
    return std::unexpected(some.error());
  if (!changed["settings"].empty()) {
    if (auto some = into(out.settings, settings()); !some) return std::unexpected(some.error());
  }
  if (!changed["models"].empty()) {
    if (auto some = into(out.models, those(*db_, models_of, sql::read_named, changed["models"])); !some)
      return std::unexpected(some.error());
  }
  if (!changed["aliases"].empty()) {
    if (auto some = into(out.aliases, those(*db_, aliases_of, sql::read_named, changed["aliases"])); !some)
      return std::unexpected(some.error());
  }
  if (!changed["agreements"].empty()) {
    if (auto some = into(out.agreements, those(*db_, agreements_of, sql::read_agreement, changed["agreements"])); !some)
      return std::unexpected(some.error());
  }
  if (!changed["tiers"].empty()) {
    auto all = tiers();
    if (!all) return std::unexpected(all.error());
    out.tiers = std::move(*all);
  }
  if (auto some = into(out.sessions, those(*db_, sessions_of, sql::read_session, changed["sessions"])); !some)
    return std::unexpected(some.error());
  for (const std::string& id : changed["sessions"]) {
    const auto hash = digest_of(id);
    if (hash && std::ranges::find(out.sessions, *hash, &SessionRow::hash) == out.sessions.end())
      out.sessions_gone.push_back(*hash);
  }
  return out;
}

}  // namespace faelled::store::postgres
