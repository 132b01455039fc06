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

// As the database writes them: "\\x0a1b…".
std::optional<Digest> digest_of(std::string_view text) {
  return crypto::from_hex(text.substr(std::min<std::size_t>(2, text.size())));
}

}  // namespace

Expected<std::int64_t> PostgresStore::change_mark() {
  std::int64_t out = 0;
  // The sequence's own value would count commits that are still under way.
  auto read = db_->each("SELECT coalesce(max(number), 0)::bigint FROM changes", [&](Row& row) { out = row.number(); });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<Changes> PostgresStore::changes_since(std::int64_t mark) {
  Changes out;
  out.mark = mark;
  std::map<std::string, Ids, std::less<>> changed;
  std::size_t told = 0;
  std::int64_t oldest = 0;
  // The oldest comes along: where the mark lies before it, what lay between is no longer told.
  auto read = db_->each(
      "SELECT number, kind, id, (SELECT coalesce(min(number), 0) FROM changes)::bigint FROM changes WHERE number > $1 "
      "ORDER BY number LIMIT $2",
      [&](Row& row) {
        out.mark = row.number();
        std::string kind = row.text();
        changed[std::move(kind)].push_back(row.text());
        oldest = row.number();
        ++told;
      },
      mark, limits::store_changes_read_max + 1);
  if (!read) return std::unexpected(read.error());
  if (told == 0) return out;
  if (told > limits::store_changes_read_max || oldest > mark + 1) {
    out.everything = true;
    if (auto now = into(out.mark, change_mark()); !now) return std::unexpected(now.error());
    return out;
  }
  if (auto some = into(out.members, members_of(&changed["members"])); !some) return std::unexpected(some.error());
  if (auto some = into(out.users, users_of(&changed["users"])); !some) return std::unexpected(some.error());
  if (auto some = into(out.keys, keys_of(&changed["keys"])); !some) return std::unexpected(some.error());
  if (!changed["settings"].empty()) {
    if (auto some = into(out.settings, settings()); !some) return std::unexpected(some.error());
  }
  if (!changed["models"].empty()) {
    if (auto some = into(out.models, named_of(NamedKind::model, changed["models"])); !some)
      return std::unexpected(some.error());
  }
  if (!changed["aliases"].empty()) {
    if (auto some = into(out.aliases, named_of(NamedKind::alias, changed["aliases"])); !some)
      return std::unexpected(some.error());
  }
  if (!changed["agreements"].empty()) {
    if (auto some = into(out.agreements, agreements_of(changed["agreements"])); !some)
      return std::unexpected(some.error());
  }
  if (!changed["tiers"].empty()) {
    auto all = tiers();
    if (!all) return std::unexpected(all.error());
    out.tiers = std::move(*all);
  }
  auto sessions = db_->each_with(
      "SELECT hash, \"user\", created_at, expires_at FROM sessions WHERE hash = ANY ($1::bytea[])",
      [&](Row& row) { out.sessions.push_back(read_session(row)); }, parameter_of(&changed["sessions"]));
  if (!sessions) return std::unexpected(sessions.error());
  for (const std::string& id : changed["sessions"]) {
    const auto hash = digest_of(id);
    if (hash && std::ranges::find(out.sessions, *hash, &SessionRow::hash) == out.sessions.end())
      out.sessions_gone.push_back(*hash);
  }
  return out;
}

}  // namespace faelled::store::postgres
