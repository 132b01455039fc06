// Decay: work of the last minute, so that what was long ago weighs little. Forward decay (Cormode et al., ICDE 2009):
// instead of shrinking every sum as time passes, a unit of work weighs more the later it comes, so sums keep their
// order while nothing happens to them. Integers only: a replay on another machine comes to the same numbers.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace faelled::commons {

using Weighed = unsigned __int128;  // work × weight; below 2^90 for 2^40 of work

class Decay {
 public:
  static constexpr std::int64_t half_life_s = 42;
  static constexpr std::uint64_t time_constant_ms =
      60'593;  // half_life / ln 2: a steady rate × this is its decayed sum

  // What a unit of work weighs now, at least 2^12. Grows by 2^(1/42) a second, in steps of 1/1024 s: in steps of a
  // second many members would pass their entitlement at once, and one decision would have to put all of them right.
  std::uint64_t weight(Instant now) const;

  // Moves the landmark when weights have grown large: every sum is to be shifted right by what this gives; mostly 0.
  unsigned rebase(Instant now);

 private:
  static constexpr unsigned halvings_max = 32;
  static constexpr unsigned step_bits = 10;  // of a second
  std::int64_t seconds(Instant now) const { return (now - landmark_) / std::chrono::seconds(1); }
  Instant landmark_{};
};

}  // namespace faelled::commons
