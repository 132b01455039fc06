// How evenly those were served who had something waiting: the measure that neither idling nor an early first token
// flatters. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.hpp"
#include "sim/result.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// In windows of a minute, one each ten seconds, from 30 s to the horizon. A member is backlogged in a window of which
// it had a request waiting (arrived, no token yet) for 95 %. Service is work for its share.
struct Backlogged {
  // Mean over windows and their backlogged members of own service / that of the most served; none: nobody was.
  std::optional<double> share;
  // Mean of Jain's index over the windows in which all members are backlogged; none: there is no such window.
  std::optional<double> jain;
};
Backlogged backlogged(const Result& result, const WorkPrice& price, std::span<const std::uint32_t> shares,
                      Duration horizon);

}  // namespace faelled::sim
