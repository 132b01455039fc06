#include <limits>

#include "store/lines.hpp"
#include "store/sql/sql_store.hpp"

namespace faelled::store::sql {

Expected<std::vector<TierRow>> SqlStore::tiers() {
  std::vector<TierRow> out;
  auto read = db_.each(statement<"SELECT ", tier_columns, " FROM tiers ORDER BY id">,
                       [&](Row& row) { out.push_back(read_tier(row)); });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::set_tier(const TierRow& row) {
  return done(db_.change(
      statement<
          "INSERT INTO tiers (", tier_columns,
          ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
          "ON CONFLICT (id) DO UPDATE SET name = excluded.name, share = excluded.share, places = excluded.places, "
          "wait_s = excluded.wait_s, models = excluded.models, fee_ore = excluded.fee_ore, updated_at = "
          "excluded.updated_at">,
      row.id, row.name, row.share, row.places, row.wait_s, lines_of(row.models), row.fee_ore, row.updated_at));
}

Expected<void> SqlStore::remove_tier(const std::string& id) {
  return done_or_absent(db_.change("DELETE FROM tiers WHERE id = $1", id), "there is no such tier");
}

Expected<void> SqlStore::add_agreement(const AgreementRow& row) {
  return done(db_.change(
      statement<"INSERT INTO agreements (", agreement_columns,
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, "
                "$21, $22)">,
      row.id, row.member, row.tier, day_number(row.from), day_number(row.until), row.share, row.places, row.wait_s,
      lines_of(row.models), row.fee_ore, row.inhabitants, static_cast<int>(row.suspended), row.reason_da, row.reason_en,
      row.follows, row.begins_at, row.made_at, static_cast<int>(row.made_by_kind), row.made_by, row.ended_at,
      static_cast<int>(row.ended_by_kind), row.ended_by));
}

Expected<void> SqlStore::end_agreement(const std::string& id, WallTime when, ActorKind by_kind, const std::string& by) {
  auto ended = db_.change(
      "UPDATE agreements SET ended_at = $1, ended_by_kind = $2, ended_by = $3 WHERE id = $4 AND ended_at IS NULL", when,
      static_cast<int>(by_kind), by, id);
  if (!ended) return std::unexpected(ended.error());
  if (*ended > 0) return {};
  bool there = false;
  auto read = db_.each("SELECT 1 FROM agreements WHERE id = $1", [&](Row&) { there = true; }, id);
  if (!read) return read;
  if (there) return fail(Errc::conflict, "the agreement " + id + " has ended already");
  return fail(Errc::not_found, "there is no agreement " + id);
}

Expected<std::vector<AgreementRow>> SqlStore::agreements(WallTime at) {
  std::vector<AgreementRow> out;
  auto read = db_.each(
      statement<"SELECT ", agreement_columns,
                " FROM agreements WHERE (ended_at IS NULL OR ended_at > $1) AND (until_day IS NULL OR until_day >= $2) "
                "ORDER BY id">,
      [&](Row& row) { out.push_back(read_agreement(row)); }, at, day_number(std::chrono::floor<std::chrono::days>(at)));
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<AgreementPage> SqlStore::agreement_history(const std::string& member, const std::string& before,
                                                    std::size_t limit) {
  std::int64_t before_us = std::numeric_limits<std::int64_t>::max();
  if (!before.empty()) {
    bool found = false;
    auto read = db_.each(
        "SELECT made_at FROM agreements WHERE id = $1",
        [&](Row& row) {
          before_us = row.number();
          found = true;
        },
        before);
    if (!read) return std::unexpected(read.error());
    if (!found) return fail(Errc::not_found, "there is no agreement " + before, "begin again without `before`");
  }
  AgreementPage out;
  auto read = db_.each(
      statement<"SELECT ", agreement_columns,
                " FROM agreements WHERE ($1 = '' OR member = $1) AND made_at <= $2 "
                "AND ($3 = '' OR (made_at, id) < ($2, $3)) ORDER BY made_at DESC, id DESC LIMIT $4">,
      [&](Row& row) { out.rows.push_back(read_agreement(row)); }, member, before_us, before, limit + 1);
  if (!read) return std::unexpected(read.error());
  if (out.rows.size() > limit) {
    out.rows.pop_back();
    out.next = out.rows.back().id;
  }
  return out;
}

}  // namespace faelled::store::sql
