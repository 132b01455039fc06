#include "store/copy.hpp"

#include <algorithm>
#include <deque>
#include <set>

#include "crypto/digest.hpp"
#include "store/postgres/migrations.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::store {
namespace {

constexpr auto statement_max = std::chrono::hours(1);
constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr std::int64_t sum_modulus = 1LL << 62;
constexpr std::string_view position_table = "journal_position";  // there one row, here one for each server

struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::set<std::string> refers_to;
};

std::string in_quotes(std::string_view name) { return "\"" + std::string(name) + "\""; }

std::string list_of(const std::vector<std::string>& columns) {
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + in_quotes(column);
  return out;
}

// A table after those that it refers to.
Expected<std::vector<Table>> tables_of(sqlite::Connection& from) {
  std::vector<Table> all;
  auto read =
      from.each("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
                [&](sql::Row& row) { all.push_back({row.text(), {}, {}}); });
  if (!read) return std::unexpected(read.error());
  for (Table& table : all) {
    read = from.each(
        "SELECT name FROM pragma_table_info(?) ORDER BY cid",
        [&](sql::Row& row) { table.columns.push_back(row.text()); }, table.name);
    if (!read) return std::unexpected(read.error());
    read = from.each(
        "SELECT \"table\" FROM pragma_foreign_key_list(?)", [&](sql::Row& row) { table.refers_to.insert(row.text()); },
        table.name);
    if (!read) return std::unexpected(read.error());
  }
  std::vector<Table> ordered;
  std::set<std::string> done;
  while (!all.empty()) {
    const auto next = std::ranges::find_if(all, [&](const Table& table) {
      return std::ranges::all_of(table.refers_to, [&](const auto& name) { return done.contains(name); });
    });
    if (next == all.end()) return fail(Errc::internal, "tables refer to each other in a circle");
    done.insert(next->name);
    ordered.push_back(std::move(*next));
    all.erase(next);
  }
  return ordered;
}

// COPY's text form (PostgreSQL 15, COPY, "Text Format"). `line` sees each value as PostgreSQL casts it to text.
void append_value(std::string& copy, std::string& line, sqlite::Statement& row, bool first) {
  if (!first) copy += '\t';
  line += first ? "" : "\x1f";
  if (row.is_null()) {
    copy += "\\N";
    line += "NULL";
    return;
  }
  const std::string text = row.is_blob() ? "\\x" + crypto::hex(row.blob()) : postgres::clean_text(row.text());
  line += text;
  for (const char c : text) {
    switch (c) {
      case '\\':
        copy += "\\\\";
        break;
      case '\t':
        copy += "\\t";
        break;
      case '\n':
        copy += "\\n";
        break;
      case '\r':
        copy += "\\r";
        break;
      default:
        copy += c;
    }
  }
}

struct Sum {
  std::int64_t rows = 0;
  std::int64_t values = 0;  // of forty bits of each row's hash, in whatever order they come
  bool operator==(const Sum&) const = default;

  void add(std::string_view line) {
    const crypto::Digest hash = crypto::sha256(line);
    std::int64_t bits = 0;
    for (std::size_t i = 0; i < 5; ++i) bits = bits << 8 | static_cast<std::int64_t>(hash[i]);
    values = (values + bits) % sum_modulus;
    ++rows;
  }
};

class Copying {
 public:
  Copying(sqlite::Connection& from, postgres::Connection& to) : from_(from), to_(to) {}

  Expected<Sum> sum_of(const Table& table) {
    std::string line;
    for (const std::string& column : table.columns)
      line += (line.empty() ? "" : " || chr(31) || ") + ("coalesce(" + in_quotes(column) + "::text, 'NULL')");
    const std::string sql = "SELECT count(*), coalesce(mod(sum(('x' || encode(substring(sha256(convert_to(" + line +
                            ", 'UTF8')) from 1 for 5), 'hex'))::bit(40)::bigint), " + std::to_string(sum_modulus) +
                            "), 0)::bigint FROM " + in_quotes(table.name);
    Sum out;
    auto read = to_.each(keep(sql), [&](sql::Row& row) {
      out.rows = row.number();
      out.values = row.number();
    });
    if (!read) return std::unexpected(read.error());
    return out;
  }

  Expected<Sum> send(const Table& table) {
    const std::string select = "SELECT " + list_of(table.columns) + " FROM " + in_quotes(table.name);
    auto rows = from_.use(keep(select));
    if (!rows) return std::unexpected(rows.error());
    Sum sent;
    bool more = true;  // a statement that is stepped after its end begins anew
    const auto next = [&]() -> Expected<std::string> {
      std::string copy;
      while (more && copy.size() < chunk_bytes) {
        auto stepped = (*rows)->step();
        if (!stepped) return std::unexpected(stepped.error());
        more = *stepped;
        if (!more) break;
        (*rows)->first_column();
        std::string line;
        for (std::size_t i = 0; i < table.columns.size(); ++i) append_value(copy, line, **rows, i == 0);
        copy += '\n';
        sent.add(line);
      }
      return copy;
    };
    const std::string copy = "COPY " + in_quotes(table.name) + " (" + list_of(table.columns) + ") FROM STDIN";
    if (auto copied = to_.copy_in(copy.c_str(), next); !copied) return std::unexpected(copied.error());
    auto arrived = sum_of(table);
    if (!arrived) return std::unexpected(arrived.error());
    if (*arrived == sent) return sent;
    return fail(Errc::io,
                "the table " + table.name + " did not arrive as it was sent: " + std::to_string(sent.rows) +
                    " rows went, " + std::to_string(arrived->rows) + " came",
                "nothing was kept; try again, and tell us if it stays");
  }

  Expected<void> send_position(const std::string& server) {
    Expected<std::int64_t> added = 0;
    auto read = from_.each("SELECT segment, at FROM journal_position", [&](sql::Row& row) {
      const std::int64_t segment = row.number();
      added = to_.change("INSERT INTO journal_positions (server, segment, at) VALUES ($1, $2, $3)", server, segment,
                         row.number());
    });
    if (!read) return read;
    if (!added) return std::unexpected(added.error());
    return {};
  }

  Expected<void> expect_empty(const std::vector<Table>& tables) {
    for (const Table& table : tables) {
      if (table.name == position_table) continue;
      std::int64_t there = 0;
      const std::string sql = "SELECT EXISTS (SELECT 1 FROM " + in_quotes(table.name) + ")::int";
      auto read = to_.each(keep(sql), [&](sql::Row& row) { there = row.number(); });
      if (!read) return read;
      if (there == 0) continue;
      return fail(Errc::conflict, to_.address().shown() + " holds rows in " + table.name + " already",
                  "copy into an empty database; nothing was changed");
    }
    return {};
  }

 private:
  // Both connections know a statement by its address.
  const char* keep(std::string sql) { return statements_.emplace_back(std::move(sql)).c_str(); }

  sqlite::Connection& from_;
  postgres::Connection& to_;
  std::deque<std::string> statements_;
};

}  // namespace

Expected<std::vector<CopiedTable>> copy_to_postgres(const std::filesystem::path& file, const PostgresOptions& options) {
  if (!std::filesystem::exists(file))
    return fail(Errc::not_found, file.string() + " is not there", "is `data` the folder that the server used so far?");
  if (auto current = open_sqlite_store(file); !current) return std::unexpected(current.error());
  auto from = sqlite::Connection::open(file);
  if (!from) return std::unexpected(from.error());
  auto tables = tables_of(**from);
  if (!tables) return std::unexpected(tables.error());
  auto address = postgres::Address::of(options.url, options.password_file, options.ca_file);
  if (!address) return std::unexpected(address.error());
  auto to = postgres::Connection::open(std::move(*address));
  if (!to) return std::unexpected(to.error());
  if (auto migrated = postgres::migrate(**to); !migrated) return std::unexpected(migrated.error());
  if (auto patient = (*to)->be_patient(statement_max); !patient) return std::unexpected(patient.error());
  Copying copying(**from, **to);
  std::vector<CopiedTable> out;
  auto copied = (*to)->together([&]() -> Expected<void> {
    if (auto empty = copying.expect_empty(*tables); !empty) return empty;
    // No other server is there yet that would have to hear of it.
    if (auto quiet = (*to)->run("SET LOCAL faelled.quiet = 'on'"); !quiet) return quiet;
    for (const Table& table : *tables) {
      if (table.name == position_table) continue;
      auto sent = copying.send(table);
      if (!sent) return std::unexpected(sent.error());
      out.push_back({table.name, static_cast<std::uint64_t>(sent->rows)});
    }
    if (auto position = copying.send_position(options.server); !position) return position;
    auto owned = (*to)->change("UPDATE messages SET server = $1", options.server);
    if (!owned) return std::unexpected(owned.error());
    return (*to)->run(
        "SELECT setval(pg_get_serial_sequence('messages', 'place'), (SELECT coalesce(max(place), 0) + 1 FROM "
        "messages), "
        "false)");
  });
  if (!copied) return std::unexpected(copied.error());
  return out;
}

}  // namespace faelled::store
