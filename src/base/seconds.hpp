// Durations as seconds, for sums and rates, and back. Pure.
#pragma once

#include <algorithm>

#include "base/clock.hpp"

namespace faelled {

inline double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline Duration after_seconds(double s) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}
// Of an estimate that may be endless: from 0 to some 11 days.
inline Duration after_about(double s) {
  constexpr double longest_s = 1e6;
  return after_seconds(std::clamp(s, 0.0, longest_s));
}

}  // namespace faelled
