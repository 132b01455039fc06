#include "residency/tuner.hpp"

#include <algorithm>
#include <cmath>

#include "base/seconds.hpp"

namespace faelled::residency {
namespace {

constexpr double half_life_s = 2 * 24 * 3600;
constexpr double better_by = 0.98;  // another one is followed when it had so much of the load seconds, or less
constexpr std::size_t lru = 0;
// LRU is left once it has loaded so often: what a change costs, some three or four loads, is then 2 % of that. And only
// for one that has lately saved so many loads as long as the last.
constexpr std::uint64_t loads_known = 200;
constexpr double lead_loads = 5;
constexpr double behind_from = 1.03;  // of LRU's load seconds
constexpr double behind_until = 1.02;

}  // namespace

Tuner::Tuner(std::uint64_t bytes)
    : imagined_(weighings.size(), Imagined{Shelf(bytes)}), ours_{Shelf(bytes)}, followed_(lru) {}

void Tuner::asked(ModelNumber model, std::span<const Model> catalogue, Instant now) {
  const double passed_s = last_ == Instant{} ? 0 : seconds(now - last_);
  last_ = now;
  const double decay = std::exp2(-passed_s / half_life_s);
  const Weighing followed = weighing();
  for (std::size_t i = 0; i < imagined_.size(); ++i) imagined_[i].ask(weighings[i], model, catalogue, now, decay);
  ours_.ask(followed, model, catalogue, now, decay);
  choose(seconds(catalogue[model].load));
}

void Tuner::Imagined::ask(const Weighing& by, ModelNumber model, std::span<const Model> catalogue, Instant now,
                          double decay) {
  load_s *= decay;
  if (shelf.holds(model)) return;
  load_s += seconds(catalogue[model].load);
  ++loads;
  (void)shelf.put(model, catalogue, by, now);
}

void Tuner::choose(double last_load_s) {
  const double lru_s = imagined_[lru].load_s;
  behind_ = ours_.load_s > (behind_ ? behind_until : behind_from) * lru_s;
  if (behind_) {
    followed_ = lru;
    return;
  }
  const auto best = std::ranges::min_element(imagined_, {}, &Imagined::load_s);
  if (best->load_s >= better_by * imagined_[followed_].load_s) return;
  const bool shown = imagined_[lru].loads >= loads_known && best->load_s + lead_loads * last_load_s <= lru_s;
  if (followed_ == lru && !shown) return;
  followed_ = static_cast<std::size_t>(best - imagined_.begin());
}

}  // namespace faelled::residency
