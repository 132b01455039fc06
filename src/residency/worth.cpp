#include "residency/worth.hpp"

#include <cmath>

#include "base/seconds.hpp"

namespace faelled::residency {
namespace {

constexpr double young_s = 60;  // ages below it hardly differ

}  // namespace

double worth(const Model& model, const Weighing& weighing, Instant now) {
  return worth(model, seconds(model.load), model.bytes, weighing, now);
}

double worth(const Model& model, double lost_s, std::uint64_t freed, const Weighing& weighing, Instant now) {
  const double age_s = seconds(model.demand.age(now));
  if (weighing.recency) return 1 / (age_s + young_s);
  const double demand = weighing.habit ? model.demand.habit(now) : model.demand.rate(now);
  return lost_s / static_cast<double>(freed) * std::pow(demand, weighing.demand) /
         std::pow(age_s + young_s, weighing.age);
}

}  // namespace faelled::residency
