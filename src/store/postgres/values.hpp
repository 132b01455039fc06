// Values that go to PostgreSQL and come back. Text goes as UTF-8 without zero bytes, whatever it was: the database
// refuses other text, and one row that it refuses would hold up the ledger for good. Private to store/postgres.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"
#include "store/sql/connection.hpp"

namespace faelled::store::postgres {

// UTF-8 without zero bytes; what is neither becomes U+FFFD.
std::string clean_text(std::string_view text);

// $1, $2, … of one statement.
class Parameters {
 public:
  void add(std::string_view text) { put(clean_text(text), binary_text); }
  void add(std::span<const std::byte> blob) {
    put(std::string(reinterpret_cast<const char*>(blob.data()), blob.size()), binary_text);
  }
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  void add(T value) {
    put(std::to_string(value), 0);
  }
  void add(WallTime time) { add(unix_micros(time)); }
  void add(std::nullptr_t) {
    values_.emplace_back();
    formats_.push_back(0);
  }
  void add(const sql::Value& value) {
    std::visit([this](const auto& one) { add(one); }, value);
  }

  // An array, for unnest(): one element for each row.
  template <class Rows, class Of>
  void add_all(const Rows& rows, Of of) {
    std::string array = "{";
    for (const auto& row : rows) {
      if (array.size() > 1) array += ',';
      append_element(array, of(row));
    }
    put(array + "}", 0);
  }

  int count() const { return static_cast<int>(values_.size()); }
  std::vector<const char*> pointers() const;
  std::vector<int> lengths() const;
  const std::vector<int>& formats() const { return formats_; }

 private:
  static constexpr int binary_text = 1;  // both text and bytea are their own bytes in binary form

  void put(std::string value, int format) {
    values_.emplace_back(std::move(value));
    formats_.push_back(format);
  }
  static void append_element(std::string& array, std::string_view text);
  template <class T>
    requires std::is_integral_v<T>
  static void append_element(std::string& array, T value) {
    array += std::to_string(value);
  }

  std::vector<std::optional<std::string>> values_;
  std::vector<int> formats_;
};

// One row of a result, in binary form.
class Row final : public sql::Row {
 public:
  Row(const PGresult* result, int number) : result_(result), number_(number) {}

  std::string text() override;
  std::vector<std::byte> blob() override;
  std::int64_t number() override;  // smallint, integer, bigint, boolean
  bool is_null() override;

 private:
  std::string_view next();

  const PGresult* result_;
  int number_;
  int column_ = 0;
};

}  // namespace faelled::store::postgres
