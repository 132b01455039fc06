#include <limits>

#include "store/sql/columns.hpp"
#include "store/sqlite/sqlite_store_body.hpp"
#include "store/usage_days.hpp"

namespace faelled::store::sqlite {
namespace {

using ledger::UsageRow;

void bind_row(Statement& statement, const UsageRow& row) {
  for (const std::string* text : {&row.request_id, &row.member, &row.caller, &row.key, &row.user, &row.model}) {
    statement.bind(std::string_view(*text));
  }
  statement.bind(row.started_at);
  for (const std::uint32_t tokens : {row.input_tokens, row.cached_tokens, row.output_tokens}) statement.bind(tokens);
  for (const std::int64_t us : {row.queue_us, row.load_us, row.engine_us, row.total_us}) statement.bind(us);
  statement.bind(static_cast<int>(row.outcome));
  statement.bind(std::string_view(row.cause));
}

}  // namespace

// What is there already is left as it is; gives those that are new.
Expected<std::vector<UsageRow>> SqliteStore::add_new_rows(std::span<const UsageRow> rows) {
  auto insert = db_->use(
      "INSERT OR IGNORE INTO usage (request_id, member, caller, key, user, model, started_at, input_tokens, "
      "cached_tokens, output_tokens, queue_us, load_us, engine_us, total_us, outcome, cause) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!insert) return std::unexpected(insert.error());
  std::vector<UsageRow> out;
  for (const UsageRow& row : rows) {
    bind_row(**insert, row);
    auto inserted = (*insert)->step();
    if (!inserted) return std::unexpected(inserted.error());
    // Not RETURNING: SQLite builds a table of its own for each row that it returns.
    if (db_->changed() > 0) out.push_back(row);
    (*insert)->again();
  }
  return out;
}

Expected<void> SqliteStore::add_usage(std::span<const UsageRow> rows, ledger::Position position) {
  return db_->together([&]() -> Expected<void> {
    if (!rows.empty()) {
      auto fresh = add_new_rows(rows);
      if (!fresh) return std::unexpected(fresh.error());
      for (const auto& [day, sum] : by_day(*fresh)) {
        auto added = db_->change(
            "INSERT INTO usage_days (day, member, caller, model, requests, input_tokens, cached_tokens, output_tokens) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, "
            "input_tokens = input_tokens + excluded.input_tokens, cached_tokens = cached_tokens + "
            "excluded.cached_tokens, "
            "output_tokens = output_tokens + excluded.output_tokens",
            day, sum.member, sum.caller, sum.model, sum.requests, sum.input_tokens, sum.cached_tokens,
            sum.output_tokens);
        if (!added) return std::unexpected(added.error());
      }
    }
    return sql::done(
        db_->change("INSERT INTO journal_position (one, segment, at) VALUES (1, ?, ?) ON CONFLICT (one) "
                    "DO UPDATE SET segment = excluded.segment, at = excluded.at",
                    position.segment, position.offset));
  });
}

Expected<ledger::Position> SqliteStore::journal_position() {
  ledger::Position out;
  auto read = db_->each("SELECT segment, at FROM journal_position", [&](Row& row) {
    out.segment = static_cast<std::uint64_t>(row.number());
    out.offset = static_cast<std::uint64_t>(row.number());
  });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<UsageSumPage> SqliteStore::usage_sums(const UsageFilter& filter, const std::optional<UsageKey>& after,
                                               std::size_t limit) {
  // Two statements, so that a member's days are found by their key.
  constexpr const char* of_all =
      "SELECT member, caller, model, sum(requests), sum(input_tokens), sum(cached_tokens), sum(output_tokens) "
      "FROM usage_days WHERE (member, caller, model) > (?1, ?2, ?3) AND day BETWEEN ?4 AND ?5 AND ?6 = '' "
      "AND (?7 = '' OR caller = ?7) GROUP BY member, caller, model ORDER BY member, caller, model LIMIT ?8";
  constexpr const char* of_member =
      "SELECT member, caller, model, sum(requests), sum(input_tokens), sum(cached_tokens), sum(output_tokens) "
      "FROM usage_days WHERE (member, caller, model) > (?1, ?2, ?3) AND day BETWEEN ?4 AND ?5 AND member = ?6 "
      "AND (?7 = '' OR caller = ?7) GROUP BY member, caller, model ORDER BY member, caller, model LIMIT ?8";
  // The rows of a day lie together in time; those of one member in an index of their own.
  constexpr const char* outside_of_all =
      "SELECT member, caller, model, count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens) "
      "FROM usage INDEXED BY usage_by_time WHERE started_at >= ?1 AND started_at < ?2 "
      "AND (member, caller, model) BETWEEN (?3, ?4, ?5) AND (?6, ?7, ?8) GROUP BY member, caller, model";
  constexpr const char* outside_of_member =
      "SELECT member, caller, model, count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens) "
      "FROM usage INDEXED BY usage_of_member WHERE member = ?9 AND started_at >= ?1 AND started_at < ?2 "
      "AND (member, caller, model) BETWEEN (?3, ?4, ?5) AND (?6, ?7, ?8) GROUP BY member, caller, model";
  const UsageDays days = days_of(filter);
  const UsageKey from = after.value_or(UsageKey{});
  std::vector<UsageSum> sums;
  auto read = db_->each(
      filter.member.empty() ? of_all : of_member, [&](Row& row) { sums.push_back(sql::read_usage_sum(row)); },
      from.member, from.caller, from.model, days.first, days.last, filter.member, filter.caller, limit + 1);
  if (!read) return std::unexpected(read.error());
  std::vector<UsageSum> outside;
  for (const UsageDays::Part& part : days.outside) {
    if (sums.empty()) break;
    const UsageSum& first = sums.front();
    const UsageSum& last = sums.back();
    const auto add = [&](Row& row) { outside.push_back(sql::read_usage_sum(row)); };
    auto taken = filter.member.empty()
                     ? db_->each(outside_of_all, add, part.from_us, part.to_us, first.member, first.caller, first.model,
                                 last.member, last.caller, last.model)
                     : db_->each(outside_of_member, add, part.from_us, part.to_us, first.member, first.caller,
                                 first.model, last.member, last.caller, last.model, filter.member);
    if (!taken) return std::unexpected(taken.error());
  }
  return page_of(std::move(sums), outside, limit);
}

Expected<std::vector<UsageSum>> SqliteStore::usage_hours(const UsageFilter& filter) {
  std::vector<UsageSum> out;
  auto read = db_->each(
      "SELECT member, caller, model, count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens), "
      "started_at / 3600000000 AS hour FROM usage INDEXED BY usage_of_caller WHERE caller = ?1 AND started_at >= ?2 "
      "AND started_at < ?3 AND (?4 = '' OR member = ?4) AND (?5 = '' OR model = ?5) "
      "GROUP BY hour, member, caller, model ORDER BY hour, model LIMIT ?6",
      [&](Row& row) {
        out.push_back(sql::read_usage_sum(row));
        out.back().hour = WallTime(std::chrono::hours(row.number()));
      },
      filter.caller, sql::from_us(filter.from), sql::to_us(filter.to), filter.member, filter.model,
      limits::usage_hours_max);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<UsagePage> SqliteStore::usage_rows(const UsageFilter& filter, const std::string& after, std::size_t limit) {
  std::int64_t after_us = std::numeric_limits<std::int64_t>::min();
  if (!after.empty()) {
    bool found = false;
    auto read = db_->each(
        "SELECT started_at FROM usage WHERE request_id = ?",
        [&](Row& row) {
          after_us = row.number();
          found = true;
        },
        after);
    if (!read) return std::unexpected(read.error());
    if (!found) return fail(Errc::not_found, "there is no usage row " + after, "begin again without `after`");
  }
  UsagePage out;
  // A statement for each, so that the rows of one member or caller are found by an index of their own.
  constexpr const char* of_all =
      "SELECT request_id, member, caller, key, user, model, started_at, input_tokens, cached_tokens, output_tokens, "
      "queue_us, load_us, engine_us, total_us, outcome, cause FROM usage "
      "WHERE started_at >= max(?1, ?2) AND started_at < ?3 AND (started_at, request_id) > (?2, ?4) "
      "AND ?5 = '' AND ?6 = '' AND (?8 = '' OR model = ?8) ORDER BY started_at, request_id LIMIT ?7";
  constexpr const char* of_member =
      "SELECT request_id, member, caller, key, user, model, started_at, input_tokens, cached_tokens, output_tokens, "
      "queue_us, load_us, engine_us, total_us, outcome, cause FROM usage INDEXED BY usage_of_member "
      "WHERE started_at >= max(?1, ?2) AND started_at < ?3 AND (started_at, request_id) > (?2, ?4) "
      "AND member = ?5 AND ?6 = '' AND (?8 = '' OR model = ?8) ORDER BY started_at, request_id LIMIT ?7";
  constexpr const char* of_caller =
      "SELECT request_id, member, caller, key, user, model, started_at, input_tokens, cached_tokens, output_tokens, "
      "queue_us, load_us, engine_us, total_us, outcome, cause FROM usage INDEXED BY usage_of_caller "
      "WHERE started_at >= max(?1, ?2) AND started_at < ?3 AND (started_at, request_id) > (?2, ?4) "
      "AND (?5 = '' OR member = ?5) AND caller = ?6 AND (?8 = '' OR model = ?8) "
      "ORDER BY started_at, request_id LIMIT ?7";
  auto read = db_->each(
      !filter.caller.empty()   ? of_caller
      : !filter.member.empty() ? of_member
                               : of_all,
      [&](Row& row) { out.rows.push_back(sql::read_usage(row)); }, sql::from_us(filter.from), after_us,
      sql::to_us(filter.to), after, filter.member, filter.caller, limit + 1, filter.model);
  if (!read) return std::unexpected(read.error());
  if (out.rows.size() > limit) {
    out.rows.pop_back();
    out.next = out.rows.back().request_id;
  }
  return out;
}

}  // namespace faelled::store::sqlite
