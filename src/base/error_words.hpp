// An error, or what is like one, in a line for people: what, and how to mend it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace faelled {

inline std::string in_words(std::string_view message, std::string_view hint) {
  std::string out(message);
  if (!hint.empty()) out.append(message.ends_with('.') ? " " : "; ").append(hint);
  return out;
}

inline std::string in_words(const Error& error) { return in_words(error.message, error.hint); }

}  // namespace faelled
