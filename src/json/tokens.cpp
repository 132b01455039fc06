#include "json/tokens.hpp"

namespace faelled::json {
namespace {

std::uint32_t hex4(const char* digits) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const auto c = static_cast<unsigned char>(digits[i]);
    value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

bool is_high(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // " \ /
  }
}

}  // namespace

void append_unescaped(std::string& out, std::string_view inside) {
  std::size_t done = 0;
  for (std::size_t slash = inside.find('\\'); slash != inside.npos; slash = inside.find('\\', done)) {
    out.append(inside, done, slash - done);
    if (inside[slash + 1] != 'u') {
      out += simple_escape(inside[slash + 1]);
      done = slash + 2;
      continue;
    }
    std::uint32_t point = hex4(inside.data() + slash + 2);
    done = slash + 6;
    if (is_high(point)) {  // the other half follows: simdjson refuses one alone
      point = 0x10000 + ((point - 0xD800) << 10) + (hex4(inside.data() + done + 2) - 0xDC00);
      done += 6;
    }
    append_utf8(out, point);
  }
  out.append(inside, done);
}

}  // namespace faelled::json
