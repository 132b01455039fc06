#include "residency/tuner.hpp"

#include <algorithm>
#include <cmath>

#include "base/seconds.hpp"

namespace faelled::residency {
namespace {

constexpr double half_life_s = 2 * 24 * 3600;
constexpr double better_by = 0.98;   // another one is followed when it had so much of the load seconds, or less
constexpr std::size_t at_first = 2;  // good everywhere, best nowhere

}  // namespace

Tuner::Tuner(std::uint64_t bytes) : imagined_(weighings.size(), Imagined{Shelf(bytes)}), followed_(at_first) {}

void Tuner::asked(ModelNumber model, std::span<const Model> catalogue, Instant now) {
  const double passed_s = last_ == Instant{} ? 0 : seconds(now - last_);
  last_ = now;
  const double decay = std::exp2(-passed_s / half_life_s);
  for (std::size_t i = 0; i < imagined_.size(); ++i) {
    Imagined& one = imagined_[i];
    one.load_s *= decay;
    if (one.shelf.holds(model)) continue;
    one.load_s += seconds(catalogue[model].load);
    (void)one.shelf.put(model, catalogue, weighings[i], now);
  }
  const auto best = std::ranges::min_element(imagined_, {}, &Imagined::load_s);
  if (best->load_s < better_by * imagined_[followed_].load_s)
    followed_ = static_cast<std::size_t>(best - imagined_.begin());
}

}  // namespace faelled::residency
