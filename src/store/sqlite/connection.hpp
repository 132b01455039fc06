// Connection and Statement: SQLite's C interface with owners and Expected. Only src/store/sqlite and copy.cpp include
// it. One thread.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::store::sqlite {

// A prepared statement in use: bind in order, step, read columns in order. Resets the statement when it goes.
class Statement {
 public:
  explicit Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  // Text and blobs are not copied: they outlive the statement's use.
  void bind(std::string_view text) { sqlite3_bind_text(statement_, ++bound_, text.data(), size(text), SQLITE_STATIC); }
  void bind(std::span<const std::byte> blob) {
    // A null pointer would bind NULL, but an empty blob is one.
    sqlite3_bind_blob(statement_, ++bound_, blob.empty() ? "" : static_cast<const void*>(blob.data()), size(blob),
                      SQLITE_STATIC);
  }
  template <class T>
    requires std::is_integral_v<T>
  void bind(T value) {
    sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(value));
  }
  void bind(WallTime time) { bind(unix_micros(time)); }
  void bind(std::nullptr_t) { sqlite3_bind_null(statement_, ++bound_); }
  template <class T>
  void bind(const std::optional<T>& value) {
    if (value) {
      bind(*value);
    } else {
      bind(nullptr);
    }
  }
  // Empty text as NULL, for references that may be absent.
  void bind_or_null(std::string_view text) {
    if (text.empty()) {
      bind(nullptr);
    } else {
      bind(text);
    }
  }

  Expected<bool> step();  // true: a row is there
  void again() {          // for the next set of bindings
    sqlite3_reset(statement_);
    bound_ = 0;
  }

  // Columns of the row, from left to right.
  void first_column() { read_ = 0; }
  std::string text();
  std::vector<std::byte> blob();
  void fixed(std::span<std::byte> out);
  std::int64_t number() { return sqlite3_column_int64(statement_, read_++); }
  WallTime time() { return from_unix_micros(number()); }
  std::optional<std::string> maybe_text();
  std::optional<std::int64_t> maybe_number();
  std::optional<WallTime> maybe_time();
  bool is_null();  // and then goes on to the next column
  bool is_blob() const { return sqlite3_column_type(statement_, read_) == SQLITE_BLOB; }

 private:
  template <class T>
  static int size(const T& bytes) {
    return static_cast<int>(bytes.size());  // far below 2 GiB: every text has a bound
  }

  sqlite3* db_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  int read_ = 0;
};

class Connection {
 public:
  static Expected<std::unique_ptr<Connection>> open(const std::filesystem::path& file);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Statements without a result, `;` between them.
  Expected<void> run(const char* sql);

  // A prepared statement, kept for the next time; `sql` is a literal and its address the key.
  Expected<std::unique_ptr<Statement>> use(const char* sql);

  // use() with all values bound and stepped to the end; gives the number of rows changed.
  template <class... Values>
  Expected<std::int64_t> change(const char* sql, const Values&... values) {
    auto statement = use(sql);
    if (!statement) return std::unexpected(statement.error());
    ((*statement)->bind(values), ...);
    auto stepped = (*statement)->step();
    if (!stepped) return std::unexpected(stepped.error());
    return changed();
  }
  std::int64_t changed() const { return sqlite3_changes64(db_); }  // rows, by the last statement that changes

  // use() with all values bound; `row` is called for each row.
  template <class... Values>
  Expected<void> each(const char* sql, const std::function<void(Statement&)>& row, const Values&... values) {
    auto statement = use(sql);
    if (!statement) return std::unexpected(statement.error());
    ((*statement)->bind(values), ...);
    for (;;) {
      auto stepped = (*statement)->step();
      if (!stepped) return std::unexpected(stepped.error());
      if (!*stepped) return {};
      (*statement)->first_column();
      row(**statement);
    }
  }

  Expected<void> together(const std::function<Expected<void>()>& work);

 private:
  explicit Connection(sqlite3* db) : db_(db) {}
  sqlite3* db_;
  std::vector<std::pair<const char*, sqlite3_stmt*>> kept_;
};

// What SQLite's last error means to us, with the way out.
Error error_of(sqlite3* db);

}  // namespace faelled::store::sqlite
