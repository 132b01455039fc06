#include "residency/habit.hpp"

#include <algorithm>
#include <cmath>

namespace faelled::residency {
namespace {

constexpr double all = 255;

}  // namespace

void Habit::over(Quarter quarter) {
  Kind& kind = kinds_[quarter.working_day ? 0 : 1];
  std::uint8_t& days = kind.days[quarter.number];
  std::uint8_t& likely = kind.likely[quarter.number];
  days = std::min<std::uint8_t>(static_cast<std::uint8_t>(days + 1), remembered);
  const double seen = today_[quarter.number] ? all : 0;
  likely = static_cast<std::uint8_t>(std::lround(likely + (seen - likely) / days));
  today_[quarter.number] = false;
}

// Of a single day nothing is known.
double Habit::likely(Quarter quarter) const {
  const Kind& kind = kinds_[quarter.working_day ? 0 : 1];
  return kind.days[quarter.number] < 2 ? 0 : kind.likely[quarter.number] / all;
}

}  // namespace faelled::residency
