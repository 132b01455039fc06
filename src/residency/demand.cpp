#include "residency/demand.hpp"

#include <cmath>

namespace faelled::residency {
namespace {

float seconds(Duration duration) { return std::chrono::duration<float>(duration).count(); }

}  // namespace

void Demand::asked(Instant now) {
  const float passed = ever() ? seconds(age(now)) : 0;
  for (std::size_t i = 0; i < sums_.size(); ++i)
    sums_[i] = sums_[i] * std::exp(-passed / scales_s[i]) + 1 / scales_s[i];
  last_ = now;
}

double Demand::rate(Instant now) const {
  const float passed = seconds(age(now));
  float sum = 0;
  for (std::size_t i = 0; i < sums_.size(); ++i) sum += sums_[i] * std::exp(-passed / scales_s[i]);
  return sum;
}

double Demand::habit(Instant now) const { return sums_.back() * std::exp(-seconds(age(now)) / scales_s.back()); }

double Demand::hour(Instant now) const { return 3600 * sums_[1] * std::exp(-seconds(age(now)) / scales_s[1]); }

}  // namespace faelled::residency
