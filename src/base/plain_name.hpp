// What models and their aliases may be called: names stand in URLs, JSON and logs.
#pragma once

#include <algorithm>
#include <string_view>

namespace faelled {

// Visible ASCII, no quotes or backslash. How long it may be is another question; the empty one is plain.
inline bool is_plain_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

}  // namespace faelled
