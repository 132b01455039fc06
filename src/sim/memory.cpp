#include "sim/memory.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <string>

#include "base/seconds.hpp"
#include "residency/tuner.hpp"

namespace faelled::sim {
namespace {

using residency::Model;
using residency::ModelNumber;

constexpr std::int64_t begun_s = 1;  // a time of zero means never to some

// Which models are in the memory. Told of every request in order of time; true: its model was there.
class Keeper {
 public:
  virtual ~Keeper() = default;
  // `row`: of the trace, for one that knows the future.
  virtual bool asked(ModelNumber model, Instant now, RequestId row) = 0;
};

class Ours final : public Keeper {
 public:
  Ours(const Trace&, const std::vector<Model>& catalogue, std::uint64_t bytes)
      : catalogue_(catalogue), shelf_(bytes), tuner_(bytes) {}

  bool asked(ModelNumber model, Instant now, RequestId) override {
    tuner_.asked(model, catalogue_, now);
    const bool there = shelf_.holds(model);
    if (!there) (void)shelf_.put(model, catalogue_, tuner_.weighing(), now);
    catalogue_[model].demand.asked(now);
    return there;
  }

 private:
  std::vector<Model> catalogue_;
  residency::Shelf shelf_;
  residency::Tuner tuner_;
};

// Evicts by one number each, the least first. The rivals differ in what it is.
class Ranked : public Keeper {
 public:
  Ranked(const std::vector<Model>& catalogue, std::uint64_t bytes)
      : catalogue_(catalogue), there_(catalogue.size()), free_(bytes) {}

  bool asked(ModelNumber model, Instant now, RequestId row) final {
    const bool was_there = there_[model];
    seen(model, now, row);
    while (!there_[model] && free_ < catalogue_[model].bytes && !inside_.empty()) {
      const auto least = std::ranges::min_element(inside_, {}, [&](ModelNumber m) { return rank(m, row); });
      const ModelNumber gone = *least;
      evicted(gone, rank(gone, row));
      inside_.erase(least);
      there_[gone] = false;
      free_ += catalogue_[gone].bytes;
    }
    if (!there_[model]) {
      there_[model] = true;
      inside_.push_back(model);
      free_ -= catalogue_[model].bytes;
    }
    ranked(model);
    return was_there;
  }

 protected:
  // load seconds per byte
  double cost(ModelNumber m) const { return seconds(catalogue_[m].load) / static_cast<double>(catalogue_[m].bytes); }

 private:
  virtual void seen(ModelNumber model, Instant now, RequestId row) = 0;
  virtual double rank(ModelNumber model, RequestId row) const = 0;
  virtual void evicted(ModelNumber, double) {}
  virtual void ranked(ModelNumber) {}

  const std::vector<Model>& catalogue_;
  std::vector<bool> there_;
  std::vector<ModelNumber> inside_;
  std::uint64_t free_;
};

class Lru final : public Ranked {
 public:
  Lru(const Trace&, const std::vector<Model>& catalogue, std::uint64_t bytes)
      : Ranked(catalogue, bytes), last_(catalogue.size()) {}

 private:
  void seen(ModelNumber model, Instant, RequestId row) override { last_[model] = row + 1; }
  double rank(ModelNumber model, RequestId) const override { return last_[model]; }
  std::vector<RequestId> last_;
};

// With frequencies remembered for all models, as facts for a rival go: H = L + frequency × cost / size.
class Gdsf final : public Ranked {
 public:
  Gdsf(const Trace&, const std::vector<Model>& catalogue, std::uint64_t bytes)
      : Ranked(catalogue, bytes), frequency_(catalogue.size()), height_(catalogue.size()) {}

 private:
  void seen(ModelNumber model, Instant, RequestId) override { ++frequency_[model]; }
  double rank(ModelNumber model, RequestId) const override { return height_[model]; }
  void evicted(ModelNumber, double rank) override { floor_ = rank; }
  void ranked(ModelNumber model) override { height_[model] = floor_ + frequency_[model] * cost(model); }
  std::vector<double> frequency_, height_;
  double floor_ = 0;
};

// Knows the future: evicts what is asked for last, by size and cost where these differ (then it is no bound).
class Belady final : public Ranked {
 public:
  Belady(const Trace& trace, const std::vector<Model>& catalogue, std::uint64_t bytes)
      : Ranked(catalogue, bytes), requests_(trace.requests), next_(catalogue.size(), never), after_(requests_.size()) {
    std::vector<RequestId> coming(catalogue.size(), never);
    for (RequestId row = static_cast<RequestId>(requests_.size()); row-- > 0;) {
      after_[row] = coming[requests_[row].model];
      coming[requests_[row].model] = row;
    }
  }

 private:
  static constexpr RequestId never = std::numeric_limits<RequestId>::max();

  void seen(ModelNumber model, Instant, RequestId row) override { next_[model] = after_[row]; }
  double rank(ModelNumber model, RequestId row) const override {
    if (next_[model] == never) return -1;
    const auto away = seconds(requests_[next_[model]].at - requests_[row].at);
    return cost(model) / (away + 1e-9);
  }

  const std::vector<Request>& requests_;
  std::vector<RequestId> next_, after_;  // of a model after now; of a request's model after it
};

using Maker = std::unique_ptr<Keeper> (*)(const Trace&, const std::vector<Model>&, std::uint64_t);
template <class Of>
std::unique_ptr<Keeper> made(const Trace& trace, const std::vector<Model>& catalogue, std::uint64_t bytes) {
  return std::make_unique<Of>(trace, catalogue, bytes);
}
constexpr auto policies = std::to_array<std::pair<std::string_view, Maker>>(
    {{"commons", made<Ours>}, {"lru", made<Lru>}, {"gdsf", made<Gdsf>}, {"belady", made<Belady>}});

}  // namespace

Expected<std::vector<ModelShape>> shapes_of(const Trace& trace, const Memory& memory) {
  std::vector<ModelShape> all;
  for (const std::string& id : trace.models) {
    const auto named = std::ranges::find(memory.models, id, &ModelShape::id);
    if (named == memory.models.end() && !memory.others)
      return fail(Errc::invalid, "the world's memory does not describe model '" + id + "' of the trace",
                  "add it to memory.models, or use memory.slots, where all are alike");
    all.push_back(named == memory.models.end() ? *memory.others : *named);
  }
  return all;
}

std::vector<std::string_view> memory_policy_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, make] : policies) names.push_back(name);
  return names;
}

Expected<Result> play_memory(const Trace& trace, const Memory& memory, std::string_view policy) {
  const auto found = std::ranges::find(policies, policy, &std::pair<std::string_view, Maker>::first);
  if (found == policies.end())
    return fail(Errc::invalid, "'" + std::string(policy) + "' is no policy for a world with a memory",
                "one of commons, lru, gdsf, belady");
  const auto shapes = shapes_of(trace, memory);
  if (!shapes) return std::unexpected(shapes.error());
  std::vector<Model> catalogue;
  for (const ModelShape& shape : *shapes) catalogue.push_back({shape.bytes, shape.load, {}});
  const std::unique_ptr<Keeper> keeper = found->second(trace, catalogue, memory.bytes);

  Result result;
  result.members = trace.members;
  result.loads.emplace();
  std::vector<Duration> ready(catalogue.size());
  for (RequestId row = 0; row < trace.requests.size(); ++row) {
    const Request& request = trace.requests[row];
    Outcome outcome{request.at, request.member, request.input_tokens, request.output_tokens, {}};
    const Model& model = catalogue[request.model];
    if (model.bytes <= memory.bytes) {
      if (!keeper->asked(request.model, Instant(request.at + std::chrono::seconds(begun_s)), row)) {
        ++result.loads->misses;
        ++result.loads->loads;
        result.loads->seconds += seconds(model.load);
        ready[request.model] = request.at + model.load;
      }
      const Duration wait = std::max(Duration{}, ready[request.model] - request.at);
      outcome.served = Served{wait, wait};
    }
    result.outcomes.push_back(outcome);
  }
  return result;
}

}  // namespace faelled::sim
