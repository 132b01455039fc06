// Demand: how often a model is asked for, over five minutes, forty minutes, five hours and two days at once, so that a
// burst counts at once and last week's habit is not forgotten. Kept for every registered model, loaded or not, in 24
// bytes. Exponentially weighted rates, decayed when they are looked at. A value; time comes as an argument and never
// runs back.
#pragma once

#include <array>

#include "base/clock.hpp"

namespace faelled::residency {

class Demand {
 public:
  static constexpr std::array<float, 4> scales_s = {300, 2'400, 18'000, 172'800};

  void asked(Instant now);
  bool ever() const { return sums_.front() > 0; }
  // Since it was last asked for; meaningless before the first time.
  Duration age(Instant now) const { return now - last_; }

  // Requests per second: the sum over all scales, which the shortest rules while it lasts.
  double rate(Instant now) const;
  // Over the longest scale alone.
  double habit(Instant now) const;
  // Requests an hour, over the scale of forty minutes.
  double hour(Instant now) const;

 private:
  std::array<float, scales_s.size()> sums_{};  // per second, as of last_
  Instant last_{};
};

}  // namespace faelled::residency
