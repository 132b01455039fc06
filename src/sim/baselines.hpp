// The policies that the commons is measured against. Private to sim.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/policy.hpp"
#include "sim/waiting.hpp"

namespace faelled::sim {

// First come, first served, over all members.
class Fcfs final : public Policy {
 public:
  explicit Fcfs(const Setting& setting) : waiting_(setting) {}
  void arrived(Instant, RequestId id, const Request& request) override { waiting_.add(id, request); }
  std::optional<RequestId> next(Instant now, EngineId engine) override;
  void granted(Instant, RequestId id, EngineId) override { waiting_.remove(id); }
  void gave_up(Instant, RequestId id) override { waiting_.remove(id); }

 private:
  Waiting waiting_;
};

// Virtual token counters (OSDI'24, arXiv 2401.00588, as in the authors' program): the smallest counter is next; a
// member whose queue was empty is lifted to the least of those that wait. Prompts are charged at the grant, output
// tokens as they come, or with foresight (the paper's oracle) at the grant too.
class Vtc final : public Policy {
 public:
  enum class Foresight { none, oracle };
  Vtc(const Setting& setting, Foresight foresight);
  void arrived(Instant now, RequestId id, const Request& request) override;
  std::optional<RequestId> next(Instant now, EngineId engine) override;
  void granted(Instant now, RequestId id, EngineId engine) override;
  void progressed(Instant now, RequestId id, std::uint32_t output_tokens) override;
  void gave_up(Instant, RequestId id) override { waiting_.remove(id); }

 private:
  void charge(std::uint32_t member, double work) { counters_[member] += work / shares_[member]; }

  Waiting waiting_;
  Foresight foresight_;
  WorkPrice work_;
  std::vector<double> shares_;
  std::vector<double> counters_;
  std::vector<std::uint32_t> charged_;  // output tokens, by request
};

// Weighted max-min over slices without a memory beyond them: whoever got the least work for its share lately is next.
// Work counts as it is delivered and fades with a time constant of a minute.
class MaxMin final : public Policy {
 public:
  explicit MaxMin(const Setting& setting);
  void arrived(Instant, RequestId id, const Request& request) override { waiting_.add(id, request); }
  std::optional<RequestId> next(Instant now, EngineId engine) override;
  void granted(Instant now, RequestId id, EngineId engine) override;
  void progressed(Instant now, RequestId id, std::uint32_t output_tokens) override;
  void gave_up(Instant, RequestId id) override { waiting_.remove(id); }

 private:
  struct Recent {
    double work = 0;
    Instant at{};
  };
  double recent(std::uint32_t member, Instant now) const;
  void deliver(std::uint32_t member, Instant now, double work);

  Waiting waiting_;
  WorkPrice work_;
  std::vector<double> shares_;
  std::vector<Recent> recent_;
  std::vector<std::uint32_t> seen_;  // output tokens, by request
};

}  // namespace faelled::sim
