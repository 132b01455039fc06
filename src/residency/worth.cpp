#include "residency/worth.hpp"

#include <cmath>

namespace faelled::residency {
namespace {

constexpr double young_s = 60;  // ages below it hardly differ

}  // namespace

double worth(const Model& model, const Weighing& weighing, Instant now) {
  return worth(model, std::chrono::duration<double>(model.load).count(), model.bytes, weighing, now);
}

double worth(const Model& model, double lost_s, std::uint64_t freed, const Weighing& weighing, Instant now) {
  const double age_s = std::chrono::duration<double>(model.demand.age(now)).count();
  const double demand = weighing.habit ? model.demand.habit(now) : model.demand.rate(now);
  return lost_s / static_cast<double>(freed) * std::pow(demand, weighing.demand) /
         std::pow(age_s + young_s, weighing.age);
}

}  // namespace faelled::residency
