// TextHash: tables by text that are asked with a view, without a string made for the question.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace faelled {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

}  // namespace faelled
