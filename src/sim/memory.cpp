#include "sim/memory.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/seconds.hpp"
#include "residency/tuner.hpp"
#include "sim/ranks.hpp"
#include "sim/world_policies.hpp"

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
  Ours(const std::vector<Model>& catalogue, std::uint64_t bytes)
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

// Evicts the least by a rank. The rivals differ in that.
class Ranked final : public Keeper {
 public:
  Ranked(std::unique_ptr<Rank> rank, const std::vector<Model>& catalogue, std::uint64_t bytes)
      : rank_(std::move(rank)), catalogue_(catalogue), there_(catalogue.size()), free_(bytes) {}

  bool asked(ModelNumber model, Instant, RequestId row) override {
    const bool was_there = there_[model];
    rank_->asked(model, row);
    while (!there_[model] && free_ < catalogue_[model].bytes && !inside_.empty()) {
      const auto least = std::ranges::min_element(inside_, {}, [&](ModelNumber m) { return rank_->of(m); });
      const ModelNumber gone = *least;
      rank_->evicted(gone);
      inside_.erase(least);
      there_[gone] = false;
      free_ += catalogue_[gone].bytes;
    }
    if (!there_[model]) {
      there_[model] = true;
      inside_.push_back(model);
      free_ -= catalogue_[model].bytes;
    }
    rank_->kept(model);
    return was_there;
  }

 private:
  std::unique_ptr<Rank> rank_;
  const std::vector<Model>& catalogue_;
  std::vector<bool> there_;
  std::vector<ModelNumber> inside_;
  std::uint64_t free_;
};

constexpr std::string_view ours = "commons";

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
  std::vector<std::string_view> names = rank_names();
  names.insert(names.begin(), ours);
  return names;
}

Expected<Result> play_memory(const Trace& trace, const Memory& memory, std::string_view policy) {
  const auto shapes = shapes_of(trace, memory);
  if (!shapes) return std::unexpected(shapes.error());
  auto rank = make_rank(policy, trace, *shapes);
  if (policy != ours && !rank) return std::unexpected(wrong_policy(policy, Plays::memory));
  std::vector<Model> catalogue;
  for (const ModelShape& shape : *shapes) catalogue.push_back({shape.bytes, shape.load, {}});
  std::unique_ptr<Keeper> keeper;
  if (rank)
    keeper = std::make_unique<Ranked>(std::move(rank), catalogue, memory.bytes);
  else
    keeper = std::make_unique<Ours>(catalogue, memory.bytes);

  Result result;
  result.members = trace.members;
  result.loads.emplace();
  std::vector<Duration> ready(catalogue.size());
  for (RequestId row = 0; row < trace.requests.size(); ++row) {
    const Request& request = trace.requests[row];
    Outcome outcome{request.at, request.member, request.input_tokens, request.output_tokens, {}};
    const Model& model = catalogue[request.model];
    if (model.bytes <= memory.bytes) {
      const bool there = keeper->asked(request.model, Instant(request.at + std::chrono::seconds(begun_s)), row);
      if (!there) {
        ++result.loads->loads;
        result.loads->seconds += seconds(model.load);
        ready[request.model] = request.at + model.load;
      }
      const Duration wait = std::max(Duration{}, ready[request.model] - request.at);
      if (!there || wait > Duration{}) ++result.loads->misses;
      outcome.served = Served{wait, wait};
    }
    result.outcomes.push_back(outcome);
  }
  return result;
}

}  // namespace faelled::sim
