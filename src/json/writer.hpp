// Writer: appends JSON to a string. Knows where commas go; the caller knows what is open. Cannot write invalid JSON by
// way of a value: bytes that are not UTF-8 become U+FFFD, a number that JSON cannot say becomes null.
//   std::string out;
//   Writer(out).object().member("id", id).key("data").array().text("a").close_array().close_object();
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace faelled::json {

// Appends `text` with quotes and escapes.
void append_text(std::string& out, std::string_view text);

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  // Goes on inside an object or array that somebody else has opened and put values in.
  static Writer continuing(std::string& out) { return Writer(out, true); }

  Writer& object() { return open('{'); }
  Writer& array() { return open('['); }
  Writer& close_object() { return close('}'); }
  Writer& close_array() { return close(']'); }
  Writer& key(std::string_view name);

  Writer& text(std::string_view value);
  Writer& integer(std::int64_t value);
  Writer& unsigned_integer(std::uint64_t value);
  Writer& number(double value);  // shortest form that reads back the same
  Writer& boolean(bool value);
  Writer& null();
  Writer& raw(std::string_view json);  // must be one valid JSON value: what Value::raw() gave, or ours

  template <class T>
  Writer& member(std::string_view name, const T& value) {
    key(name);
    if constexpr (std::same_as<T, bool>)
      return boolean(value);
    else if constexpr (std::same_as<T, std::nullptr_t>)
      return null();
    else if constexpr (std::signed_integral<T>)
      return integer(value);
    else if constexpr (std::unsigned_integral<T>)
      return unsigned_integer(value);
    else if constexpr (std::floating_point<T>)
      return number(value);
    else
      return text(value);
  }
  // null where the text is empty.
  Writer& member_or_null(std::string_view name, std::string_view value) {
    return value.empty() ? member(name, nullptr) : member(name, value);
  }
  Writer& member_raw(std::string_view name, std::string_view json) { return key(name).raw(json); }

 private:
  Writer(std::string& out, bool comma) : out_(out), comma_(comma) {}
  Writer& open(char bracket);
  Writer& close(char bracket);
  void before_value();

  std::string& out_;
  bool comma_ = false;  // a value went before on this level
};

}  // namespace faelled::json
