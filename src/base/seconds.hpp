// Durations as seconds, for sums and rates. Pure.
#pragma once

#include "base/clock.hpp"

namespace faelled {

inline double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace faelled
