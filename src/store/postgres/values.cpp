#include "store/postgres/values.hpp"

#include <algorithm>

namespace faelled::store::postgres {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// The length of the UTF-8 sequence at the start (RFC 3629, table 3-7 of Unicode), 0 where there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return at(i) >= 0x80 && at(i) <= 0xBF; };
  const unsigned first = at(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned min = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned max = first == 0xED ? 0x9F : 0xBF;  // no surrogates
    return at(1) >= min && at(1) <= max && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned min = first == 0xF0 ? 0x90 : 0x80;
    const unsigned max = first == 0xF4 ? 0x8F : 0xBF;
    return at(1) >= min && at(1) <= max && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string clean_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    out += length == 0 ? replacement : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::vector<const char*> Parameters::pointers() const {
  std::vector<const char*> out;
  for (const auto& value : values_) out.push_back(value ? value->c_str() : nullptr);
  return out;
}

std::vector<int> Parameters::lengths() const {
  std::vector<int> out;
  for (const auto& value : values_) out.push_back(value ? static_cast<int>(value->size()) : 0);
  return out;
}

void Parameters::append_element(std::string& array, std::string_view text) {
  array += '"';
  for (const char c : clean_text(text)) {
    if (c == '"' || c == '\\') array += '\\';
    array += c;
  }
  array += '"';
}

std::string_view Row::next() {
  const int column = column_++;
  return {PQgetvalue(result_, number_, column), static_cast<std::size_t>(PQgetlength(result_, number_, column))};
}

std::string Row::text() { return std::string(next()); }

std::vector<std::byte> Row::blob() {
  const auto all = std::as_bytes(std::span(next()));
  return {all.begin(), all.end()};
}

// Big end first, of 1, 2, 4 or 8 bytes.
std::int64_t Row::number() {
  const std::string_view bytes = next();
  std::uint64_t out = !bytes.empty() && bytes.size() > 1 && (bytes.front() & 0x80) != 0 ? ~0ULL : 0;
  for (const char byte : bytes) out = out << 8 | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(out);
}

bool Row::is_null() {
  if (PQgetisnull(result_, number_, column_) == 0) return false;
  ++column_;
  return true;
}

}  // namespace faelled::store::postgres
