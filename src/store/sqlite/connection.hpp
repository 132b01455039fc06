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
#include "store/sql/connection.hpp"

namespace faelled::store::sqlite {

// A prepared statement in use: bind in order, step, read columns in order. Resets the statement when it goes.
class Statement final : public sql::Row {
 public:
  explicit Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() override {
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
  void bind(const sql::Value& value) {
    std::visit([this](const auto& one) { bind(one); }, value);
  }

  Expected<bool> step();  // true: a row is there
  void again() {          // for the next set of bindings
    sqlite3_reset(statement_);
    bound_ = 0;
  }

  // Columns of the row, from left to right.
  void first_column() { read_ = 0; }
  std::string text() override;
  std::vector<std::byte> blob() override;
  std::int64_t number() override { return sqlite3_column_int64(statement_, read_++); }
  bool is_null() override;
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

class Connection final : public sql::Connection {
 public:
  static Expected<std::unique_ptr<Connection>> open(const std::filesystem::path& file);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Statements without a result, `;` between them.
  Expected<void> run(const char* sql);

  // A prepared statement, kept for the next time; `sql` is a literal and its address the key.
  Expected<std::unique_ptr<Statement>> use(const char* sql);
  std::int64_t changed() const { return sqlite3_changes64(db_); }  // rows, by the last statement that changes

  Expected<void> together(const std::function<Expected<void>()>& work) override;

 private:
  explicit Connection(sqlite3* db) : db_(db) {}
  Expected<std::unique_ptr<Statement>> use_with(const char* sql, std::span<const sql::Value> values);
  Expected<std::int64_t> change_with(const char* sql, std::span<const sql::Value> values) override;
  Expected<void> each_with(const char* sql, const std::function<void(sql::Row&)>& row,
                           std::span<const sql::Value> values) override;

  sqlite3* db_;
  std::vector<std::pair<const char*, sqlite3_stmt*>> kept_;
};

// What SQLite's last error means to us, with the way out.
Error error_of(sqlite3* db);

}  // namespace faelled::store::sqlite
