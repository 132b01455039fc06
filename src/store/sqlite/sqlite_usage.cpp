#include <limits>

#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::store::sqlite {
namespace {

using ledger::UsageRow;

// An absent bound as one that every time keeps: the statement stays the same, and so prepared.
std::int64_t from_of(const UsageFilter& filter) {
  return filter.from ? unix_micros(*filter.from) : std::numeric_limits<std::int64_t>::min();
}
std::int64_t to_of(const UsageFilter& filter) {
  return filter.to ? unix_micros(*filter.to) : std::numeric_limits<std::int64_t>::max();
}

UsageRow read_row(Statement& row) {
  UsageRow out;
  out.request_id = row.text();
  out.member = row.text();
  out.caller = row.text();
  out.key = row.text();
  out.user = row.text();
  out.model = row.text();
  out.started_at = row.time();
  out.input_tokens = static_cast<std::uint32_t>(row.number());
  out.cached_tokens = static_cast<std::uint32_t>(row.number());
  out.output_tokens = static_cast<std::uint32_t>(row.number());
  out.queue_us = row.number();
  out.load_us = row.number();
  out.engine_us = row.number();
  out.total_us = row.number();
  out.outcome = static_cast<ledger::Outcome>(row.number());
  out.cause = row.text();
  return out;
}

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

Expected<void> SqliteStore::add_usage(std::span<const UsageRow> rows, ledger::Position position) {
  return db_->together([&]() -> Expected<void> {
    if (!rows.empty()) {
      auto insert = db_->use(
          "INSERT OR IGNORE INTO usage (request_id, member, caller, key, user, model, started_at, input_tokens, "
          "cached_tokens, output_tokens, queue_us, load_us, engine_us, total_us, outcome, cause) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
      if (!insert) return std::unexpected(insert.error());
      for (const UsageRow& row : rows) {
        bind_row(**insert, row);
        if (auto stepped = (*insert)->step(); !stepped) return std::unexpected(stepped.error());
        (*insert)->again();
      }
    }
    return done(
        db_->change("INSERT INTO journal_position (one, segment, at) VALUES (1, ?, ?) ON CONFLICT (one) "
                    "DO UPDATE SET segment = excluded.segment, at = excluded.at",
                    position.segment, position.offset));
  });
}

Expected<ledger::Position> SqliteStore::journal_position() {
  ledger::Position out;
  auto read = db_->each("SELECT segment, at FROM journal_position", [&](Statement& row) {
    out.segment = static_cast<std::uint64_t>(row.number());
    out.offset = static_cast<std::uint64_t>(row.number());
  });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<std::vector<UsageSum>> SqliteStore::usage_sums(const UsageFilter& filter) {
  std::vector<UsageSum> out;
  auto read = db_->each(
      "SELECT member, caller, model, count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens) FROM usage "
      "WHERE started_at >= ? AND started_at < ? AND (?3 = '' OR member = ?3) AND (?4 = '' OR caller = ?4) "
      "GROUP BY member, caller, model ORDER BY member, caller, model",
      [&](Statement& row) {
        UsageSum& sum = out.emplace_back();
        sum.member = row.text();
        sum.caller = row.text();
        sum.model = row.text();
        sum.requests = static_cast<std::uint64_t>(row.number());
        sum.input_tokens = static_cast<std::uint64_t>(row.number());
        sum.cached_tokens = static_cast<std::uint64_t>(row.number());
        sum.output_tokens = static_cast<std::uint64_t>(row.number());
      },
      from_of(filter), to_of(filter), filter.member, filter.caller);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<UsagePage> SqliteStore::usage_rows(const UsageFilter& filter, const std::string& after, std::size_t limit) {
  std::int64_t after_us = std::numeric_limits<std::int64_t>::min();
  if (!after.empty()) {
    bool found = false;
    auto read = db_->each(
        "SELECT started_at FROM usage WHERE request_id = ?",
        [&](Statement& row) {
          after_us = row.number();
          found = true;
        },
        after);
    if (!read) return std::unexpected(read.error());
    if (!found) return fail(Errc::not_found, "there is no usage row " + after, "begin again without `after`");
  }
  UsagePage out;
  auto read = db_->each(
      "SELECT request_id, member, caller, key, user, model, started_at, input_tokens, cached_tokens, output_tokens, "
      "queue_us, load_us, engine_us, total_us, outcome, cause FROM usage "
      "WHERE started_at >= max(?1, ?2) AND started_at < ?3 AND (started_at, request_id) > (?2, ?4) "
      "AND (?5 = '' OR member = ?5) AND (?6 = '' OR caller = ?6) ORDER BY started_at, request_id LIMIT ?7",
      [&](Statement& row) { out.rows.push_back(read_row(row)); }, from_of(filter), after_us, to_of(filter), after,
      filter.member, filter.caller, limit + 1);
  if (!read) return std::unexpected(read.error());
  if (out.rows.size() > limit) {
    out.rows.pop_back();
    out.next = out.rows.back().request_id;
  }
  return out;
}

}  // namespace faelled::store::sqlite
