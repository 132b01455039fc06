#include "sim/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/seconds.hpp"

namespace faelled::sim {
namespace {

constexpr double slice_s = 60;

std::vector<double> as_weights(const std::vector<std::uint32_t>& shares) { return {shares.begin(), shares.end()}; }

// How many tokens are new since the last word about `id`.
double newly(std::vector<std::uint32_t>& seen, RequestId id, std::uint32_t tokens) {
  if (id >= seen.size()) seen.resize(id + 1);
  return static_cast<double>(tokens - std::exchange(seen[id], tokens));
}

}  // namespace

std::optional<RequestId> Fcfs::next(Instant, EngineId engine) {
  std::optional<RequestId> first;
  for (std::uint32_t member = 0; member < waiting_.members(); ++member)
    if (const auto id = waiting_.first_of(member, engine); id && (!first || *id < *first)) first = id;
  return first;
}

Vtc::Vtc(const Setting& setting, Foresight foresight)
    : waiting_(setting),
      foresight_(foresight),
      work_(setting.work),
      shares_(as_weights(setting.shares)),
      counters_(setting.shares.size()) {}

void Vtc::arrived(Instant, RequestId id, const Request& request) {
  if (!waiting_.any_of(request.member)) {
    double least = std::numeric_limits<double>::infinity();
    for (std::uint32_t other = 0; other < counters_.size(); ++other)
      if (waiting_.any_of(other)) least = std::min(least, counters_[other]);
    if (std::isfinite(least)) counters_[request.member] = std::max(counters_[request.member], least);
  }
  waiting_.add(id, request);
}

std::optional<RequestId> Vtc::next(Instant, EngineId engine) {
  std::optional<RequestId> best;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint32_t member = 0; member < counters_.size(); ++member) {
    if (counters_[member] >= least) continue;
    if (const auto id = waiting_.first_of(member, engine)) {
      best = id;
      least = counters_[member];
    }
  }
  return best;
}

void Vtc::granted(Instant, RequestId id, EngineId) {
  waiting_.remove(id);
  const Request& request = waiting_.request(id);
  charge(request.member, 1.0 * work_.input * request.input_tokens);
  if (foresight_ == Foresight::oracle) charge(request.member, 1.0 * work_.output * request.output_tokens);
}

void Vtc::progressed(Instant, RequestId id, std::uint32_t output_tokens) {
  if (foresight_ == Foresight::oracle) return;
  charge(waiting_.request(id).member, work_.output * newly(charged_, id, output_tokens));
}

MaxMin::MaxMin(const Setting& setting)
    : waiting_(setting), work_(setting.work), shares_(as_weights(setting.shares)), recent_(setting.shares.size()) {}

double MaxMin::recent(std::uint32_t member, Instant now) const {
  const double passed_s = seconds(now - recent_[member].at);
  return recent_[member].work * std::exp(-passed_s / slice_s);
}

void MaxMin::deliver(std::uint32_t member, Instant now, double work) {
  recent_[member] = {recent(member, now) + work / shares_[member], now};
}

std::optional<RequestId> MaxMin::next(Instant now, EngineId engine) {
  std::optional<RequestId> best;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint32_t member = 0; member < recent_.size(); ++member) {
    const auto id = waiting_.first_of(member, engine);
    if (!id) continue;
    const double work = recent(member, now);
    if (work >= least) continue;
    best = id;
    least = work;
  }
  return best;
}

void MaxMin::granted(Instant now, RequestId id, EngineId) {
  waiting_.remove(id);
  const Request& request = waiting_.request(id);
  deliver(request.member, now, 1.0 * work_.input * request.input_tokens);
}

void MaxMin::progressed(Instant now, RequestId id, std::uint32_t output_tokens) {
  deliver(waiting_.request(id).member, now, work_.output * newly(seen_, id, output_tokens));
}

}  // namespace faelled::sim
