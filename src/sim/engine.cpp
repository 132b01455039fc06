#include "sim/engine.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sim/oracle_engine.hpp"
#include "sim/paged_engine.hpp"
#include "sim/places_engine.hpp"

namespace faelled::sim {
namespace {

constexpr double deviations_max = 4;   // a step is never negative, nor endless
constexpr double length_s_min = 1e-6;  // so that time goes on

}  // namespace

StepLength::StepLength(double jitter, std::uint64_t seed) : jitter_(jitter), random_(seed), machine_(factor()) {}

double StepLength::factor() {
  if (jitter_ <= 0) return 1;
  // Box and Muller's normal deviate, from 53 random bits each.
  const auto uniform = [&] { return static_cast<double>((random_.next() >> 11U) + 1) * 0x1p-53; };
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return 1 + jitter_ * std::clamp(radius * std::cos(2 * std::numbers::pi * uniform()), -deviations_max, deviations_max);
}

Duration StepLength::operator()(double seconds) {
  return Duration(std::llround(std::max(seconds * machine_ * factor(), length_s_min) * 1e9));
}

std::unique_ptr<Engine> make_engine(EngineId id, const EngineModel& model, StepLength length) {
  if (const auto* places = std::get_if<Places>(&model.batching))
    return std::make_unique<PlacesEngine>(id, *places, length);
  if (const auto* paged = std::get_if<PagedBatching>(&model.batching))
    return std::make_unique<PagedEngine>(id, model.pace, *paged, length);
  return std::make_unique<OracleEngine>(id, model.pace, std::get<OracleBatching>(model.batching), length);
}

std::uint32_t places_of(const EngineModel& model) {
  if (const auto* places = std::get_if<Places>(&model.batching)) return places->places;
  return std::get<PagedBatching>(model.batching).requests_max;
}

bool can_ever_fit(const EngineModel& model, const Request& request) {
  if (const auto* paged = std::get_if<PagedBatching>(&model.batching))
    return PagedEngine::can_ever_fit(*paged, request);
  const auto* oracle = std::get_if<OracleBatching>(&model.batching);
  return oracle == nullptr || OracleEngine::can_ever_fit(*oracle, request);
}

}  // namespace faelled::sim
