#include "json/writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace faelled::json {
namespace {

// 0: copy; 1: escape; 2: begins a character of several bytes.
constexpr auto byte_class = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = 0; c < 0x20; ++c) table[static_cast<std::size_t>(c)] = 1;
  table['"'] = table['\\'] = table[0x7F] = 1;
  for (std::size_t c = 0x80; c < 256; ++c) table[c] = 2;
  return table;
}();

// Bytes of the UTF-8 character at the front, 0 where it is none (Unicode 15, table 3-7).
std::size_t utf8_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  const unsigned lead = at(0), next = at(1);
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if ((lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if ((lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void append_escape(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr char digits[] = "0123456789abcdef";
  out += "\\u00";
  out += digits[c >> 4];
  out += digits[c & 15];
}

template <class T>
void append_number(std::string& out, T value) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

}  // namespace

void append_text(std::string& out, std::string_view text) {
  out += '"';
  std::size_t done = 0, i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (byte_class[c] == 0) {
      ++i;
    } else if (byte_class[c] == 1) {
      out.append(text, done, i - done);
      append_escape(out, c);
      done = ++i;
    } else if (const std::size_t bytes = utf8_bytes(text.substr(i)); bytes > 0) {
      i += bytes;
    } else {
      out.append(text, done, i - done);
      out += "\xEF\xBF\xBD";
      done = ++i;
    }
  }
  out.append(text, done);
  out += '"';
}

void Writer::before_value() {
  if (comma_) out_ += ',';
  comma_ = true;
}

Writer& Writer::open(char bracket) {
  before_value();
  out_ += bracket;
  comma_ = false;
  return *this;
}

Writer& Writer::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

Writer& Writer::key(std::string_view name) {
  before_value();
  append_text(out_, name);
  out_ += ':';
  comma_ = false;
  return *this;
}

Writer& Writer::text(std::string_view value) {
  before_value();
  append_text(out_, value);
  return *this;
}

Writer& Writer::integer(std::int64_t value) {
  before_value();
  append_number(out_, value);
  return *this;
}

Writer& Writer::unsigned_integer(std::uint64_t value) {
  before_value();
  append_number(out_, value);
  return *this;
}

Writer& Writer::number(double value) {
  if (!std::isfinite(value)) return null();
  before_value();
  append_number(out_, value);
  return *this;
}

Writer& Writer::boolean(bool value) { return raw(value ? "true" : "false"); }
Writer& Writer::null() { return raw("null"); }

Writer& Writer::raw(std::string_view json) {
  before_value();
  out_ += json;
  return *this;
}

}  // namespace faelled::json
