// Tokens: where the structural characters of one valid text are, shared by Document (writes) and Value (reads).
// Internal to src/json.
//
// A token is the offset of one of { } [ ] : , or of the first byte of a string, number, true, false, null. The end of a
// value is therefore found from the token behind it, without looking at the bytes in between.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace faelled::json {

struct Tokens {
  const char* text = nullptr;
  std::size_t text_bytes = 0;
  const std::uint32_t* at = nullptr;  // offset of each token
  std::uint32_t count = 0;
  const std::uint32_t* match = nullptr;  // of an opening bracket: the token that closes it

  char first_char(std::uint32_t token) const { return text[at[token]]; }
  bool opens(std::uint32_t token) const { return first_char(token) == '{' || first_char(token) == '['; }
  std::uint32_t after(std::uint32_t token) const { return opens(token) ? match[token] + 1 : token + 1; }

  std::string_view raw(std::uint32_t token) const {
    const std::size_t begin = at[token];
    if (opens(token)) return {text + begin, at[match[token]] + 1 - begin};
    std::size_t end = token + 1 < count ? at[token + 1] : text_bytes;
    while (is_space(text[end - 1])) --end;
    return {text + begin, end - begin};
  }
  // A string's bytes between its quotes, escapes as they are.
  std::string_view inside(std::uint32_t token) const {
    const std::string_view whole = raw(token);
    return whole.substr(1, whole.size() - 2);
  }

  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
};

// Appends what `inside` means. Only for strings of a valid text.
void append_unescaped(std::string& out, std::string_view inside);

}  // namespace faelled::json
