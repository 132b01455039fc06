// statement: SQL that is put together of literals when it is compiled, so that a list of columns stands in one place. A
// connection knows a statement by its address, so each of them has one of its own for good.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace faelled::store::sql {

template <std::size_t size>
struct Part {
  char text[size];
  consteval Part(const char (&literal)[size]) {  // NOLINT(google-explicit-constructor)
    std::copy_n(literal, size, text);
  }
};

template <Part... parts>
inline constexpr auto joined = [] {
  std::array<char, (sizeof(parts.text) + ...) - sizeof...(parts) + 1> out{};
  auto at = out.begin();
  ((at = std::copy_n(parts.text, sizeof(parts.text) - 1, at)), ...);
  return out;
}();

// statement<"SELECT ", member_columns, " FROM members">
template <Part... parts>
inline constexpr const char* statement = joined<parts...>.data();

}  // namespace faelled::store::sql
