// percentile(): one meaning of P50 and P95 for pages, alarms and the simulator.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace faelled {

// The smallest value that is not exceeded by `percent` (1 … 100) of all: nearest rank. `sorted` rises and is not empty.
template <class T>
const T& percentile(const std::vector<T>& sorted, std::size_t percent) {
  return sorted[std::max<std::size_t>((sorted.size() * percent + 99) / 100, 1) - 1];
}

}  // namespace faelled
