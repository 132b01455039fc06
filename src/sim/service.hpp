// Service: how work, time and a request's life meet in the measures. Private to sim.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/seconds.hpp"
#include "sim/result.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

inline constexpr double window_s = 60;   // over which service is looked at
inline constexpr double warm_up_s = 30;  // of a run, before anything is looked at

inline double work_of(const Outcome& outcome, const WorkPrice& price) {
  return 1.0 * price.input * outcome.input_tokens + 1.0 * price.output * outcome.output_tokens;
}

struct Interval {
  double low = 0, high = 0;
  double within(double from, double to) const { return std::max(std::min(high, to) - std::max(low, from), 0.0); }
  double length() const { return high - low; }
};

// Of a served request: when it got its tokens, over which its work is spread evenly. Too short to spread: no service.
inline Interval service_time(const Outcome& outcome) {
  constexpr double spread_s_min = 1e-5;
  const double at = seconds(outcome.at);
  const Interval time{at + seconds(outcome.served->first_token), at + seconds(outcome.served->finished)};
  return time.length() < spread_s_min ? Interval{time.high, time.high} : time;
}

}  // namespace faelled::sim
