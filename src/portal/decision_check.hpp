// DecisionCheck: what the portal knows of the check of the server's own decisions: that one can be asked for, and what
// the last one found. Who reads which files is main()'s to wire. Loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::portal {

struct CheckFindings {
  WallTime checked_at;
  std::optional<WallTime> from;  // of what was checked; none: there was nothing
  std::optional<WallTime> to;
  std::uint64_t events = 0;   // decided again
  std::uint64_t skipped = 0;  // not, as their start lies too far back or a fault makes it worthless
  std::uint64_t violations = 0;
  std::uint64_t floor_violations = 0;  // of those
  std::uint64_t differing = 0;
  std::uint64_t faults = 0;
  std::vector<std::string> first_faults;  // FILE:LINE: what
};

class DecisionCheck {
 public:
  virtual ~DecisionCheck() = default;
  virtual bool running() const = 0;
  virtual const std::optional<CheckFindings>& last() const = 0;  // none: never yet
  // Errors: conflict (one runs), cancelled (the server ends).
  virtual Expected<void> begin() = 0;
};

}  // namespace faelled::portal
