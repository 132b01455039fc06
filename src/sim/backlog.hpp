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
// it had a request waiting for 95 %: arrived and no token yet, or not yet gone away unserved. Service is work for its
// share.
struct Backlogged {
  // Mean over windows and their backlogged members of own service / that of the most served; none: nobody was.
  std::optional<double> share;
  // Mean of Jain's index over the windows in which all members are backlogged; none: there is no such window.
  std::optional<double> jain;
};
// `members` are those of the result, in its order: a result does not say when somebody went away unserved, so it is
// taken to be after the member's wait_max (also of what no engine could ever hold); who has none is not counted as
// waiting.
Backlogged backlogged(const Result& result, const WorkPrice& price, std::span<const WorldMember> members,
                      Duration horizon);

}  // namespace faelled::sim
