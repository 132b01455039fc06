#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace faelled {

void check_failed(const char* expression, const char* why, const char* file, int line) {
  std::fprintf(stderr, "faelled: cannot happen: %s (%s) at %s:%d\n", expression, why, file, line);
  std::abort();
}

}  // namespace faelled
