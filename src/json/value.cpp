#include "json/value.hpp"

#include <charconv>
#include <cmath>

#include "base/whole_number.hpp"
#include "json/tokens.hpp"

namespace faelled::json {

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "true or false";
    case Kind::number:
      return "a number";
    case Kind::text:
      return "a string";
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  return "";
}

Kind Value::kind() const {
  if (!tokens_) return Kind::null;
  switch (tokens_->first_char(token_)) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::text;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return Kind::number;
  }
}

std::string_view Value::raw() const { return tokens_ ? tokens_->raw(token_) : "null"; }

std::optional<bool> Value::boolean() const {
  if (kind() != Kind::boolean) return std::nullopt;
  return tokens_->first_char(token_) == 't';
}

std::optional<std::int64_t> Value::integer() const {
  if (kind() != Kind::number) return std::nullopt;
  if (const auto exact = whole_number<std::int64_t>(raw())) return exact;
  const auto value = number();
  constexpr double exact_max = 9007199254740992.0;  // 2^53: beyond it a double no longer names one integer
  if (!value || std::floor(*value) != *value || std::abs(*value) > exact_max) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<double> Value::number() const {
  if (kind() != Kind::number) return std::nullopt;
  const std::string_view digits = raw();
  double value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) return 0.0;  // Document refuses what is too large; this is too small
  return value;
}

std::optional<std::string> Value::text() const {
  if (kind() != Kind::text) return std::nullopt;
  std::string out;
  append_unescaped(out, tokens_->inside(token_));
  return out;
}

bool Value::text_is(std::string_view wanted) const {
  if (kind() != Kind::text) return false;
  const std::string_view inside = tokens_->inside(token_);
  // A byte takes one to six, \u0041: whatever a client writes, it costs no more than what it is compared with.
  constexpr std::size_t escaped_most = 6;
  if (inside.size() < wanted.size() || inside.size() > escaped_most * wanted.size()) return false;
  if (inside.find('\\') == inside.npos) return inside == wanted;
  return text() == wanted;
}

bool Value::is_empty() const {
  switch (kind()) {
    case Kind::text:
      return tokens_->inside(token_).empty();
    case Kind::array:
    case Kind::object:
      return tokens_->match[token_] == token_ + 1;
    default:
      return false;
  }
}

std::string_view Value::text_view(std::string& scratch) const {
  if (kind() != Kind::text) return {};
  const std::string_view inside = tokens_->inside(token_);
  if (inside.find('\\') == inside.npos) return inside;
  scratch.clear();
  append_unescaped(scratch, inside);
  return scratch;
}

std::optional<Value> Value::find(std::string_view name) const {
  for (const Member member : members()) {
    if (member.named(name)) return member.value;
  }
  return std::nullopt;
}

Value::Items Value::items() const {
  if (kind() != Kind::array) return {tokens_, 0, 0};
  return {tokens_, token_ + 1, tokens_->match[token_]};
}

Value::Members Value::members() const {
  if (kind() != Kind::object) return {tokens_, 0, 0};
  return {tokens_, token_ + 1, tokens_->match[token_]};
}

std::size_t Value::count() const {
  std::size_t n = 0;
  for ([[maybe_unused]] const Value item : items()) ++n;
  for ([[maybe_unused]] const Member member : members()) ++n;
  return n;
}

Value::Items::Iterator& Value::Items::Iterator::operator++() {
  token_ = tokens_->after(token_);
  if (tokens_->first_char(token_) == ',') ++token_;
  return *this;
}

Value::Members::Iterator& Value::Members::Iterator::operator++() {
  token_ = tokens_->after(token_ + 2);
  if (tokens_->first_char(token_) == ',') ++token_;
  return *this;
}

}  // namespace faelled::json
