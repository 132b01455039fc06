// An error in one line for people: what, and how to mend it.
#pragma once

#include <string>

#include "base/error.hpp"

namespace faelled {

inline std::string in_words(const Error& error) {
  if (error.hint.empty()) return error.message;
  return error.message + (error.message.ends_with('.') ? " " : "; ") + error.hint;
}

}  // namespace faelled
