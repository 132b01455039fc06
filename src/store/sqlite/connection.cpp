#include "store/sqlite/connection.hpp"

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace faelled::store::sqlite {
namespace {

// "members.id" of "UNIQUE constraint failed: members.id".
std::string rule_in(std::string_view text) {
  const std::size_t colon = text.rfind(": ");
  return std::string(colon == std::string_view::npos ? text : text.substr(colon + 2));
}

// sqlite3_errmsg may quote what we asked for, never what we bound.
Error error_from(int code, int extended, const std::string& file, const char* text) {
  const std::string what = file + ": " + text;
  switch (code) {
    case SQLITE_FULL:
      return {Errc::unavailable, what, "free space on the disk of the data folder"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::unavailable, what, "another program holds the database: close it"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return {Errc::io, what, "give the user that runs faelled the right to read and write the data folder"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::incompatible, what, "the file is damaged or no database of faelled: restore it from the backup"};
    case SQLITE_CONSTRAINT:
      // These may reach whoever asked: they hear neither the file nor more of SQLite's words than the rule's name.
      if (extended == SQLITE_CONSTRAINT_FOREIGNKEY) return {Errc::not_found, "what it belongs to is not there", {}};
      return {Errc::exists, "there is one already, or a value does not fit (" + rule_in(text) + ")", {}};
    default:
      return {Errc::io, what, "check the disk of the data folder"};
  }
}

}  // namespace

Error error_of(sqlite3* db) {
  const char* const file = sqlite3_db_filename(db, "main");
  return error_from(sqlite3_errcode(db) & 0xff, sqlite3_extended_errcode(db), file != nullptr ? file : "database",
                    sqlite3_errmsg(db));
}

Expected<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(error_of(db_));
}

std::string Statement::text() {
  const int column = read_++;
  const auto* const bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::vector<std::byte> Statement::blob() {
  const int column = read_++;
  const auto* const bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, bytes + sqlite3_column_bytes(statement_, column)};
}

bool Statement::is_null() {
  if (sqlite3_column_type(statement_, read_) != SQLITE_NULL) return false;
  ++read_;
  return true;
}

Expected<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file) {
  // Sums of memory that nobody reads cost a lock for each allocation. Only before the first connection can it be said.
  static const int quiet = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(quiet);
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  FAELLED_CHECK(db != nullptr, "only a machine without memory gives none");
  std::unique_ptr<Connection> out(new Connection(db));
  if (code != SQLITE_OK) return std::unexpected(error_from(code & 0xff, code, file.string(), sqlite3_errmsg(db)));
  sqlite3_busy_timeout(db, static_cast<int>(std::chrono::milliseconds(limits::store_busy_max).count()));
  // synchronous FULL: a commit is on the disk when it returns, because the journal then lets go of what it held.
  auto set = out->run(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
      "PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;");
  if (!set) return std::unexpected(set.error());
  return out;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : kept_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Expected<void> Connection::run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return std::unexpected(error_of(db_));
  return {};
}

Expected<std::unique_ptr<Statement>> Connection::use(const char* sql) {
  for (const auto& [known, statement] : kept_) {
    if (known == sql) return std::make_unique<Statement>(db_, statement);
  }
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return std::unexpected(error_of(db_));
  }
  // $1 is a name to SQLite, numbered by its first appearance.
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
    const char* const name = sqlite3_bind_parameter_name(statement, i);
    FAELLED_CHECK(name == nullptr || *name != '$' || name + 1 == std::to_string(i), "values in order of appearance");
  }
  kept_.emplace_back(sql, statement);
  return std::make_unique<Statement>(db_, statement);
}

Expected<std::unique_ptr<Statement>> Connection::use_with(const char* sql, std::span<const sql::Value> values) {
  auto statement = use(sql);
  if (!statement) return statement;
  for (const sql::Value& value : values) (*statement)->bind(value);
  return statement;
}

Expected<std::int64_t> Connection::change_with(const char* sql, std::span<const sql::Value> values) {
  auto statement = use_with(sql, values);
  if (!statement) return std::unexpected(statement.error());
  if (auto stepped = (*statement)->step(); !stepped) return std::unexpected(stepped.error());
  return changed();
}

Expected<void> Connection::each_with(const char* sql, const std::function<void(sql::Row&)>& row,
                                     std::span<const sql::Value> values) {
  auto statement = use_with(sql, values);
  if (!statement) return std::unexpected(statement.error());
  for (;;) {
    auto stepped = (*statement)->step();
    if (!stepped) return std::unexpected(stepped.error());
    if (!*stepped) return {};
    (*statement)->first_column();
    row(**statement);
  }
}

Expected<void> Connection::together(const std::function<Expected<void>()>& work) {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = work();
  if (done) done = run("COMMIT");
  if (!done) (void)run("ROLLBACK");  // after some errors SQLite has rolled back itself
  return done;
}

}  // namespace faelled::store::sqlite
