// An error as the command line tells it.
#pragma once

#include <iostream>

#include "base/error.hpp"

namespace faelled::app {

// What is wrong and the way out, on standard error. The exit status.
inline int complain(const Error& error) {
  std::cerr << "faelled: " << error.message << "\n";
  if (!error.hint.empty()) std::cerr << "  " << error.hint << "\n";
  return 1;
}

}  // namespace faelled::app
