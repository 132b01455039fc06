#include "sim/ranks.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/seconds.hpp"

namespace faelled::sim {
namespace {

// load seconds per byte
std::vector<double> costs_of(const std::vector<ModelShape>& shapes) {
  std::vector<double> costs;
  for (const ModelShape& shape : shapes) costs.push_back(seconds(shape.load) / static_cast<double>(shape.bytes));
  return costs;
}

class Lru final : public Rank {
 public:
  Lru(const Trace&, const std::vector<ModelShape>& shapes) : last_(shapes.size()) {}
  void asked(std::uint32_t model, RequestId row) override { last_[model] = row + 1; }
  double of(std::uint32_t model) const override { return last_[model]; }

 private:
  std::vector<RequestId> last_;
};

// With frequencies remembered for all models, as facts for a rival go: H = L + frequency × cost / size.
class Gdsf final : public Rank {
 public:
  Gdsf(const Trace&, const std::vector<ModelShape>& shapes)
      : costs_(costs_of(shapes)), frequency_(shapes.size()), height_(shapes.size()) {}
  void asked(std::uint32_t model, RequestId) override { ++frequency_[model]; }
  void kept(std::uint32_t model) override { height_[model] = floor_ + frequency_[model] * costs_[model]; }
  // Where the least is in use another goes before it: the floor does not sink.
  void evicted(std::uint32_t model) override { floor_ = std::max(floor_, height_[model]); }
  double of(std::uint32_t model) const override { return height_[model]; }

 private:
  std::vector<double> costs_, frequency_, height_;
  double floor_ = 0;
};

// Knows the future: evicts what is asked for last, by size and cost where these differ (then it is no bound).
class Belady final : public Rank {
 public:
  Belady(const Trace& trace, const std::vector<ModelShape>& shapes)
      : requests_(trace.requests), costs_(costs_of(shapes)), next_(shapes.size(), never), after_(requests_.size()) {
    std::vector<RequestId> coming(shapes.size(), never);
    for (RequestId row = static_cast<RequestId>(requests_.size()); row-- > 0;) {
      after_[row] = coming[requests_[row].model];
      coming[requests_[row].model] = row;
    }
  }
  void asked(std::uint32_t model, RequestId row) override {
    next_[model] = after_[row];
    now_ = requests_[row].at;
  }
  double of(std::uint32_t model) const override {
    if (next_[model] == never) return -1;
    return costs_[model] / (seconds(requests_[next_[model]].at - now_) + 1e-9);
  }

 private:
  static constexpr RequestId never = std::numeric_limits<RequestId>::max();

  const std::vector<Request>& requests_;
  std::vector<double> costs_;
  std::vector<RequestId> next_, after_;  // of a model after now; of a request's model after it
  Duration now_{};                       // of the last request
};

using Maker = std::unique_ptr<Rank> (*)(const Trace&, const std::vector<ModelShape>&);
template <class Of>
std::unique_ptr<Rank> made(const Trace& trace, const std::vector<ModelShape>& shapes) {
  return std::make_unique<Of>(trace, shapes);
}
constexpr auto ranks = std::to_array<std::pair<std::string_view, Maker>>(
    {{"lru", made<Lru>}, {"gdsf", made<Gdsf>}, {"belady", made<Belady>}});

}  // namespace

std::vector<std::string_view> rank_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, make] : ranks) names.push_back(name);
  return names;
}

std::unique_ptr<Rank> make_rank(std::string_view name, const Trace& trace, const std::vector<ModelShape>& shapes) {
  const auto found = std::ranges::find(ranks, name, &std::pair<std::string_view, Maker>::first);
  return found == ranks.end() ? nullptr : found->second(trace, shapes);
}

}  // namespace faelled::sim
