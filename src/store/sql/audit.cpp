#include <limits>

#include "store/sql/columns.hpp"
#include "store/sql/sql_store.hpp"

namespace faelled::store::sql {
namespace {

constexpr Part audit_columns(
    "id, at, actor_kind, actor, actor_member, peer, action, object_kind, object, object_member, outcome, before, "
    "after, request_id, times");
constexpr Part in_time(" FROM audit WHERE at >= $1 AND at < $2 AND at <= $3 AND ($4 = '' OR (at, id) < ($3, $4)) AND ");
constexpr Part newest_first(" ORDER BY at DESC, id DESC LIMIT $9");

AuditRow read_audit(Row& row) {
  AuditRow out;
  out.id = row.text();
  out.at = row.time();
  out.actor_kind = static_cast<ActorKind>(row.number());
  out.actor = row.text();
  out.actor_member = row.text();
  out.peer = row.text();
  out.action = row.text();
  out.object_kind = row.text();
  out.object = row.text();
  out.object_member = row.text();
  out.outcome = static_cast<AuditOutcome>(row.number());
  out.before = row.text();
  out.after = row.text();
  out.request_id = row.text();
  out.times = static_cast<std::uint32_t>(row.number());
  return out;
}

}  // namespace

Expected<void> SqlStore::add_audit(const AuditRow& row) {
  return done(
      db_.change(statement<"INSERT INTO audit (", audit_columns,
                           ", member) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)">,
                 row.id, row.at, static_cast<int>(row.actor_kind), row.actor, row.actor_member, row.peer, row.action,
                 row.object_kind, row.object, row.object_member, static_cast<int>(row.outcome), row.before, row.after,
                 row.request_id, row.times, row.object_member.empty() ? row.actor_member : row.object_member));
}

Expected<AuditPage> SqlStore::audit(const AuditFilter& filter, const std::string& before, std::size_t limit) {
  std::int64_t before_us = std::numeric_limits<std::int64_t>::max();
  if (!before.empty()) {
    bool found = false;
    auto read = db_.each(
        "SELECT at FROM audit WHERE id = $1",
        [&](Row& row) {
          before_us = row.number();
          found = true;
        },
        before);
    if (!read) return std::unexpected(read.error());
    if (!found) return fail(Errc::not_found, "there is no audit row " + before, "begin again without `before`");
  }
  // Four statements, so that the rows of a member, of an actor and of an object are found by an index of their own.
  constexpr const char* of_all =
      statement<"SELECT ", audit_columns, in_time, "$5 = '' AND $6 = '' AND ($7 = '' OR action = $7) AND $8 = ''",
                newest_first>;
  constexpr const char* of_member =
      statement<"SELECT ", audit_columns, in_time, "member = $5 AND $6 = '' AND ($7 = '' OR action = $7) AND $8 = ''",
                newest_first>;
  constexpr const char* of_actor = statement<"SELECT ", audit_columns, in_time,
                                             "($5 = '' OR member = $5) AND actor = $6 AND actor != '' AND ($7 = '' OR "
                                             "action = $7) AND ($8 = '' OR object = $8)",
                                             newest_first>;
  constexpr const char* of_object =
      statement<"SELECT ", audit_columns, in_time,
                "($5 = '' OR member = $5) AND $6 = '' AND ($7 = '' OR action = $7) AND object = $8 AND object != ''",
                newest_first>;
  AuditPage out;
  auto read = db_.each(
      !filter.actor.empty()    ? of_actor
      : !filter.object.empty() ? of_object
      : filter.member.empty()  ? of_all
                               : of_member,
      [&](Row& row) { out.rows.push_back(read_audit(row)); }, from_us(filter.from), to_us(filter.to), before_us, before,
      filter.member, filter.actor, filter.action, filter.object, limit + 1);
  if (!read) return std::unexpected(read.error());
  if (out.rows.size() > limit) {
    out.rows.pop_back();
    out.next = out.rows.back().id;
  }
  return out;
}

}  // namespace faelled::store::sql
