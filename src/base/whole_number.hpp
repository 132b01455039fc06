// Whole numbers as people, files and other programs write them.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace faelled {

// All of `text` as a decimal number. nullopt: it is empty, something else stands in it (a blank, a plus and, for an
// unsigned Number, a minus too), or Number does not hold it.
template <std::integral Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace faelled
