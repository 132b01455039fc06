#include "sim/bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/seconds.hpp"
#include "sim/memory.hpp"
#include "sim/world_policies.hpp"

namespace faelled::sim {
namespace {

// A model kept from one request to its next: saves that load, and takes a part of the memory in the steps between.
struct Stay {
  std::size_t from = 0, to = 0;  // steps [from, to)
  double part = 0;
  double saves_s = 0;
};

struct Stays {
  std::vector<Stay> all;
  std::vector<double> room;  // by step: what the model asked for then, which must be there, leaves to others
  double nothing_kept_s = 0;
};

// A step is a request for another model than the one before it: what follows at once is there whatever is kept.
Stays stays_of(const Trace& trace, const std::vector<ModelShape>& shapes, std::uint64_t bytes) {
  constexpr auto never = std::numeric_limits<std::size_t>::max();
  Stays stays;
  std::vector<std::size_t> last(shapes.size(), never);
  std::vector<std::size_t> least;  // steps, each with less room than all after it
  std::size_t before = never;
  for (const Request& request : trace.requests) {
    const ModelShape& shape = shapes[request.model];
    if (shape.bytes > bytes || request.model == before) continue;
    before = request.model;
    const std::size_t step = stays.room.size();
    const double part = static_cast<double>(shape.bytes) / static_cast<double>(bytes);
    const double load_s = seconds(shape.load);
    stays.nothing_kept_s += load_s;
    if (last[request.model] != never && load_s > 0) {
      const auto tightest = std::ranges::lower_bound(least, last[request.model] + 1);
      const double rounding = 1e-12;
      if (part <= stays.room[*tightest] + rounding) stays.all.push_back({last[request.model] + 1, step, part, load_s});
    }
    last[request.model] = step;
    stays.room.push_back(1 - part);
    while (!least.empty() && stays.room[least.back()] >= stays.room[step]) least.pop_back();
    least.push_back(step);
  }
  return stays;
}

// What all stays together save at most, given prices: Σ price × room + Σ max(0, what a stay saves less what it pays).
// Its least over all prices is the relaxation's optimum. Found by accelerated gradient descent on a smooth function
// above it, max(0, x) as m log(1 + exp(x / m)), the smoothness taken back in stages.
class Prices {
 public:
  explicit Prices(const Stays& stays) : stays_(stays), price_(stays.room.size()), sums_(price_.size() + 1) {
    for (const Stay& stay : stays.all) most_s_ += stay.saves_s;
  }

  double saved_at_most() {
    for (const double smoothness : {0.3, 0.1, 0.03, 0.01}) descend(smoothness);
    return most_s_;
  }

 private:
  static constexpr int steps_max = 600, look_every = 50;
  static constexpr double worth_going_on = 1e-4;  // of what is saved, gained since the last look

  using Vector = std::vector<double>;

  // The smooth function at these prices, and its gradient where it is wanted. Remembers the best of the true one.
  double value(const Vector& price, double smoothness, Vector* gradient) {
    double smooth = 0;
    sums_[0] = 0;
    for (std::size_t t = 0; t < price.size(); ++t) {
      sums_[t + 1] = sums_[t] + price[t];
      smooth += price[t] * stays_.room[t];
    }
    double exact = smooth;
    if (gradient != nullptr) changes_.assign(price.size() + 1, 0);
    for (const Stay& stay : stays_.all) {
      const double left = stay.saves_s - stay.part * (sums_[stay.to] - sums_[stay.from]);
      const double m = smoothness * stay.saves_s;
      const double small = std::exp(-std::abs(left) / m);
      exact += std::max(left, 0.0);
      smooth += std::max(left, 0.0) + m * std::log1p(small);
      if (gradient == nullptr) continue;
      const double kept = left > 0 ? 1 / (1 + small) : small / (1 + small);
      changes_[stay.from] += stay.part * kept;
      changes_[stay.to] -= stay.part * kept;
    }
    most_s_ = std::min(most_s_, exact);
    if (gradient != nullptr) {
      double taken = 0;
      for (std::size_t t = 0; t < price.size(); ++t) (*gradient)[t] = stays_.room[t] - (taken += changes_[t]);
    }
    return smooth;
  }

  // How far the gradient can change along each price, at most.
  Vector curvature(double smoothness) {
    changes_.assign(price_.size() + 1, 0);
    for (const Stay& stay : stays_.all) {
      const double length = static_cast<double>(stay.to - stay.from);
      const double most = stay.part * stay.part * length / (4 * smoothness * stay.saves_s);
      changes_[stay.from] += most;
      changes_[stay.to] -= most;
    }
    Vector out(price_.size());
    double sum = 0;
    for (std::size_t t = 0; t < out.size(); ++t) out[t] = std::max(sum += changes_[t], 1e-9);
    return out;
  }

  void descend(double smoothness) {
    const Vector curved = curvature(smoothness);
    Vector ahead = price_, next(price_.size()), gradient(price_.size());
    double momentum = 1, scale = 1, looked_s = most_s_;
    for (int step = 1; step <= steps_max; ++step) {
      const double here = value(ahead, smoothness, &gradient);
      // As far as the function stays below the parabola that such a step assumes.
      for (;; scale *= 2) {
        double below = here;
        for (std::size_t t = 0; t < next.size(); ++t) {
          next[t] = std::max(0.0, ahead[t] - gradient[t] / (curved[t] * scale));
          const double moved = next[t] - ahead[t];
          below += gradient[t] * moved + 0.5 * scale * curved[t] * moved * moved;
        }
        if (scale >= 1 || value(next, smoothness, nullptr) <= below) break;
      }
      double uphill = 0;
      for (std::size_t t = 0; t < next.size(); ++t) uphill += gradient[t] * (next[t] - price_[t]);
      const double following = uphill > 0 ? 1 : (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
      const double carried = uphill > 0 ? 0 : (momentum - 1) / following;
      for (std::size_t t = 0; t < next.size(); ++t) ahead[t] = std::max(0.0, next[t] + carried * (next[t] - price_[t]));
      price_.swap(next);
      momentum = following;
      scale *= 0.9;
      if (step % look_every != 0) continue;
      if (looked_s - most_s_ < worth_going_on * most_s_) return;
      looked_s = most_s_;
    }
  }

  const Stays& stays_;
  Vector price_, sums_, changes_;
  double most_s_ = 0;
};

}  // namespace

Expected<double> load_seconds_least(const Trace& trace, const World& world) {
  if (plays(world) != Plays::memory) return std::unexpected(wrong_policy(bound_name, plays(world)));
  const auto shapes = shapes_of(trace, *world.memory);
  if (!shapes) return std::unexpected(shapes.error());
  const Stays stays = stays_of(trace, *shapes, world.memory->bytes);
  return stays.nothing_kept_s - Prices(stays).saved_at_most();
}

}  // namespace faelled::sim
