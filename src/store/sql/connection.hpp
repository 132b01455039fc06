// Connection, Row, Value: what the statements that both databases understand need of them. Such a statement writes its
// values as $1, $2, … in the order in which they first appear, quotes "user", and casts with CAST.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::store::sql {

// One value on its way to the database. Text and blobs are not copied: they outlive the call.
using Value = std::variant<std::nullptr_t, std::int64_t, std::string_view, std::span<const std::byte>>;

inline Value value_of(std::nullptr_t) { return nullptr; }
inline Value value_of(std::string_view text) { return text; }
inline Value value_of(std::span<const std::byte> blob) { return blob; }
inline Value value_of(WallTime time) { return unix_micros(time); }
template <std::integral T>
Value value_of(T number) {
  return static_cast<std::int64_t>(number);
}
template <class T>
Value value_of(const std::optional<T>& value) {
  return value ? value_of(*value) : Value(nullptr);
}

// One row of a result; its columns are read from left to right.
class Row {
 public:
  virtual ~Row() = default;
  virtual std::string text() = 0;
  virtual std::vector<std::byte> blob() = 0;
  virtual std::int64_t number() = 0;  // a boolean is 0 or 1
  virtual bool is_null() = 0;         // and then goes on to the next column

  WallTime time() { return from_unix_micros(number()); }
  // A blob of a known length; of a shorter one the rest stays as it is.
  void fixed(std::span<std::byte> out);
  std::optional<std::string> maybe_text() { return is_null() ? std::nullopt : std::optional(text()); }
  std::optional<std::int64_t> maybe_number() { return is_null() ? std::nullopt : std::optional(number()); }
  std::optional<WallTime> maybe_time() { return is_null() ? std::nullopt : std::optional(time()); }
};

class Connection {
 public:
  virtual ~Connection() = default;

  // One statement, prepared and kept for the next time; `sql` is a literal and its address the key. Gives the number of
  // rows changed.
  template <class... Values>
  Expected<std::int64_t> change(const char* sql, const Values&... values) {
    return change_with(sql, std::array<Value, sizeof...(Values)>{value_of(values)...});
  }
  // The same, and `row` is called for each row of the result.
  template <class... Values>
  Expected<void> each(const char* sql, const std::function<void(Row&)>& row, const Values&... values) {
    return each_with(sql, row, std::array<Value, sizeof...(Values)>{value_of(values)...});
  }
  // All of `work` or nothing.
  virtual Expected<void> together(const std::function<Expected<void>()>& work) = 0;

 protected:
  virtual Expected<std::int64_t> change_with(const char* sql, std::span<const Value> values) = 0;
  virtual Expected<void> each_with(const char* sql, const std::function<void(Row&)>& row,
                                   std::span<const Value> values) = 0;
};

// What change() gave, for calls that only want to know that it worked.
inline Expected<void> done(const Expected<std::int64_t>& changed) {
  if (!changed) return std::unexpected(changed.error());
  return {};
}

// How many rows changed.
inline Expected<std::size_t> counted(const Expected<std::int64_t>& changed) {
  if (!changed) return std::unexpected(changed.error());
  return static_cast<std::size_t>(*changed);
}

// done(), where nothing changed because the row is not there.
inline Expected<void> done_or_absent(const Expected<std::int64_t>& changed, const char* what) {
  if (!changed) return std::unexpected(changed.error());
  if (*changed == 0) return fail(Errc::not_found, what);
  return {};
}

}  // namespace faelled::store::sql
