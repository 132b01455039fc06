#include <limits>

#include "store/postgres/postgres_store_body.hpp"
#include "store/sql/columns.hpp"
#include "store/usage_days.hpp"

namespace faelled::store::postgres {
namespace {

using ledger::UsageRow;

// One array for each column, so that any number of rows is one statement and one way there and back.
Parameters columns_of(std::span<const UsageRow> rows) {
  Parameters out;
  for (auto text :
       {&UsageRow::request_id, &UsageRow::member, &UsageRow::caller, &UsageRow::key, &UsageRow::user, &UsageRow::model})
    out.add_all(rows, [text](const UsageRow& row) -> std::string_view { return row.*text; });
  out.add_all(rows, [](const UsageRow& row) { return unix_micros(row.started_at); });
  for (auto tokens : {&UsageRow::input_tokens, &UsageRow::cached_tokens, &UsageRow::output_tokens})
    out.add_all(rows, [tokens](const UsageRow& row) { return row.*tokens; });
  for (auto us : {&UsageRow::queue_us, &UsageRow::load_us, &UsageRow::engine_us, &UsageRow::total_us})
    out.add_all(rows, [us](const UsageRow& row) { return row.*us; });
  out.add_all(rows, [](const UsageRow& row) { return static_cast<int>(row.outcome); });
  out.add_all(rows, [](const UsageRow& row) -> std::string_view { return row.cause; });
  return out;
}

}  // namespace

Expected<void> PostgresStore::add_usage(std::span<const UsageRow> rows, ledger::Position position) {
  return db_->together([&]() -> Expected<void> {
    if (!rows.empty()) {
      auto added = db_->change_by(
          "WITH fresh AS (INSERT INTO usage (request_id, member, caller, key, \"user\", model, started_at, "
          "input_tokens, "
          "cached_tokens, output_tokens, queue_us, load_us, engine_us, total_us, outcome, cause) "
          "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], "
          "$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], "
          "$15::bigint[], $16::text[]) ON CONFLICT (request_id) DO NOTHING "
          "RETURNING member, caller, model, started_at, input_tokens, cached_tokens, output_tokens) "
          // In order, so that two servers that add to the same days never wait for each other.
          "INSERT INTO usage_days AS d (member, caller, model, day, requests, input_tokens, cached_tokens, "
          "output_tokens) SELECT member, caller, model, div(started_at, 86400000000) - (started_at % 86400000000 < "
          "0)::int "
          "AS day, count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens) FROM fresh GROUP BY 1, 2, 3, 4 "
          "ORDER BY 1, 2, 3, 4 ON CONFLICT (member, caller, model, day) DO UPDATE SET "
          "requests = d.requests + excluded.requests, input_tokens = d.input_tokens + excluded.input_tokens, "
          "cached_tokens = d.cached_tokens + excluded.cached_tokens, "
          "output_tokens = d.output_tokens + excluded.output_tokens",
          columns_of(rows));
      if (!added) return std::unexpected(added.error());
    }
    return sql::done(
        db_->change("INSERT INTO journal_positions (server, segment, at) VALUES ($1, $2, $3) "
                    "ON CONFLICT (server) DO UPDATE SET segment = excluded.segment, at = excluded.at",
                    server_, position.segment, position.offset));
  });
}

Expected<ledger::Position> PostgresStore::journal_position() {
  ledger::Position out;
  auto read = db_->each(
      "SELECT segment, at FROM journal_positions WHERE server = $1",
      [&](sql::Row& row) {
        out.segment = static_cast<std::uint64_t>(row.number());
        out.offset = static_cast<std::uint64_t>(row.number());
      },
      server_);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<UsageSumPage> PostgresStore::usage_sums(const UsageFilter& filter, const std::optional<UsageKey>& after,
                                                 std::size_t limit) {
  // Two statements, so that a member's days are found by their key.
  constexpr const char* of_all =
      "SELECT member, caller, model, sum(requests)::bigint, sum(input_tokens)::bigint, sum(cached_tokens)::bigint, "
      "sum(output_tokens)::bigint "
      "FROM usage_days WHERE (member, caller, model) > ($1, $2, $3) AND day BETWEEN $4 AND $5 AND $6::text = '' "
      "AND ($7::text = '' OR caller = $7) GROUP BY member, caller, model ORDER BY member, caller, model LIMIT $8";
  constexpr const char* of_member =
      "SELECT member, caller, model, sum(requests)::bigint, sum(input_tokens)::bigint, sum(cached_tokens)::bigint, "
      "sum(output_tokens)::bigint "
      "FROM usage_days WHERE (member, caller, model) > ($1, $2, $3) AND day BETWEEN $4 AND $5 AND member = $6 "
      "AND ($7::text = '' OR caller = $7) GROUP BY member, caller, model ORDER BY member, caller, model LIMIT $8";
  // The rows of a day lie together in time; those of one member in an index of their own.
  constexpr const char* outside_of_all =
      "SELECT member, caller, model, count(*), sum(input_tokens)::bigint, sum(cached_tokens)::bigint, "
      "sum(output_tokens)::bigint "
      "FROM usage WHERE started_at >= $1 AND started_at < $2 "
      "AND (member, caller, model) >= ($3, $4, $5) AND (member, caller, model) <= ($6, $7, $8) GROUP BY member, "
      "caller, model";
  constexpr const char* outside_of_member =
      "SELECT member, caller, model, count(*), sum(input_tokens)::bigint, sum(cached_tokens)::bigint, "
      "sum(output_tokens)::bigint "
      "FROM usage WHERE member = $9 AND started_at >= $1 AND started_at < $2 "
      "AND (member, caller, model) >= ($3, $4, $5) AND (member, caller, model) <= ($6, $7, $8) GROUP BY member, "
      "caller, model";
  const UsageDays days = days_of(filter);
  const UsageKey from = after.value_or(UsageKey{});
  std::vector<UsageSum> sums;
  std::vector<UsageSum> outside;
  // As of one moment: what is added between the statements would be taken off without having been counted.
  auto read = db_->together([&]() -> Expected<void> {
    if (auto set = db_->run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"); !set) return set;
    auto days_read = db_->each(
        filter.member.empty() ? of_all : of_member, [&](sql::Row& row) { sums.push_back(sql::read_usage_sum(row)); },
        from.member, from.caller, from.model, days.first, days.last, filter.member, filter.caller, limit + 1);
    if (!days_read) return days_read;
    for (const UsageDays::Part& part : days.outside) {
      if (sums.empty()) break;
      const UsageSum& first = sums.front();
      const UsageSum& last = sums.back();
      const auto add = [&](sql::Row& row) { outside.push_back(sql::read_usage_sum(row)); };
      auto taken = filter.member.empty()
                       ? db_->each(outside_of_all, add, part.from_us, part.to_us, first.member, first.caller,
                                   first.model, last.member, last.caller, last.model)
                       : db_->each(outside_of_member, add, part.from_us, part.to_us, first.member, first.caller,
                                   first.model, last.member, last.caller, last.model, filter.member);
      if (!taken) return taken;
    }
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return page_of(std::move(sums), outside, limit);
}

Expected<std::vector<UsageSum>> PostgresStore::usage_hours(const UsageFilter& filter) {
  std::vector<UsageSum> out;
  auto read = db_->each(
      "SELECT member, caller, model, count(*), sum(input_tokens)::bigint, sum(cached_tokens)::bigint, "
      "sum(output_tokens)::bigint, started_at / 3600000000 AS hour FROM usage WHERE caller = $1 AND started_at >= $2 "
      "AND started_at < $3 AND ($4::text = '' OR member = $4) AND ($5::text = '' OR model = $5) "
      "GROUP BY hour, member, caller, model ORDER BY hour, model LIMIT $6",
      [&](sql::Row& row) {
        out.push_back(sql::read_usage_sum(row));
        out.back().hour = WallTime(std::chrono::hours(row.number()));
      },
      filter.caller, sql::from_us(filter.from), sql::to_us(filter.to), filter.member, filter.model,
      limits::usage_hours_max);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<UsagePage> PostgresStore::usage_rows(const UsageFilter& filter, const std::string& after, std::size_t limit) {
  std::int64_t after_us = std::numeric_limits<std::int64_t>::min();
  if (!after.empty()) {
    bool found = false;
    auto read = db_->each(
        "SELECT started_at FROM usage WHERE request_id = $1",
        [&](sql::Row& row) {
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
      "SELECT request_id, member, caller, key, \"user\", model, started_at, input_tokens, cached_tokens, "
      "output_tokens, "
      "queue_us, load_us, engine_us, total_us, outcome, cause FROM usage "
      "WHERE started_at >= greatest($1::bigint, $2::bigint) AND started_at < $3 AND (started_at, request_id) > ($2, "
      "$4) "
      "AND $5::text = '' AND $6::text = '' AND ($8::text = '' OR model = $8) ORDER BY started_at, request_id LIMIT $7";
  constexpr const char* of_member =
      "SELECT request_id, member, caller, key, \"user\", model, started_at, input_tokens, cached_tokens, "
      "output_tokens, "
      "queue_us, load_us, engine_us, total_us, outcome, cause FROM usage "
      "WHERE started_at >= greatest($1::bigint, $2::bigint) AND started_at < $3 AND (started_at, request_id) > ($2, "
      "$4) "
      "AND member = $5 AND $6::text = '' AND ($8::text = '' OR model = $8) ORDER BY started_at, request_id LIMIT $7";
  constexpr const char* of_caller =
      "SELECT request_id, member, caller, key, \"user\", model, started_at, input_tokens, cached_tokens, "
      "output_tokens, "
      "queue_us, load_us, engine_us, total_us, outcome, cause FROM usage "
      "WHERE started_at >= greatest($1::bigint, $2::bigint) AND started_at < $3 AND (started_at, request_id) > ($2, "
      "$4) "
      "AND ($5::text = '' OR member = $5) AND caller = $6 AND ($8::text = '' OR model = $8) "
      "ORDER BY started_at, request_id LIMIT $7";
  auto read = db_->each(
      !filter.caller.empty()   ? of_caller
      : !filter.member.empty() ? of_member
                               : of_all,
      [&](sql::Row& row) { out.rows.push_back(sql::read_usage(row)); }, sql::from_us(filter.from), after_us,
      sql::to_us(filter.to), after, filter.member, filter.caller, limit + 1, filter.model);
  if (!read) return std::unexpected(read.error());
  if (out.rows.size() > limit) {
    out.rows.pop_back();
    out.next = out.rows.back().request_id;
  }
  return out;
}

}  // namespace faelled::store::postgres
