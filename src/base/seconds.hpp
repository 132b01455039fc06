// Durations as seconds, for sums and rates, and back. Pure.
#pragma once

#include "base/clock.hpp"

namespace faelled {

inline double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline Duration after_seconds(double s) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}

}  // namespace faelled
