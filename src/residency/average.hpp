// A mean that follows what comes. Pure.
#pragma once

namespace faelled::residency {

// Of the last eight or so; 0: none yet.
inline void average(double& mean, double value) { mean = mean == 0 ? value : mean + (value - mean) / 8; }

}  // namespace faelled::residency
