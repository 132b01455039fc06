// CommonsPolicy: the scheduler of production behind the simulator's seam, under the eyes of the Referee. It
// translates and decides nothing.
#pragma once

#include <string>
#include <vector>

#include "commons/referee.hpp"
#include "commons/scheduler.hpp"
#include "sim/policy.hpp"

namespace faelled::sim {

class CommonsPolicy final : public Policy {
 public:
  explicit CommonsPolicy(const Setting& setting, const commons::Settings& settings = {});

  void arrived(Instant now, RequestId id, const Request& request) override;
  std::optional<RequestId> next(Instant now, EngineId engine) override;
  void granted(Instant, RequestId, EngineId) override {}
  void declined(Instant now, RequestId id, EngineId engine) override;
  void progressed(Instant now, RequestId id, std::uint32_t output_tokens) override;
  void ended(Instant now, RequestId id) override;
  void gave_up(Instant now, RequestId id) override;
  std::optional<std::uint64_t> floor_violations() const override { return referee_.count(commons::Invariant::floor); }

  const commons::Scheduler& scheduler() const { return scheduler_; }
  const commons::Referee& referee() const { return referee_; }

 private:
  struct Known {
    std::uint32_t input_tokens = 0;
    std::uint32_t output_tokens = 0;  // so far
  };

  std::span<const commons::Action> step(Instant now, const commons::Event& event);

  commons::Scheduler scheduler_;
  commons::Referee referee_;
  std::vector<std::string> engines_;
  std::vector<std::string> members_;
  std::vector<std::string> lines_;  // by model: models that the same engines serve wait in one line
  std::vector<Known> requests_;
};

}  // namespace faelled::sim
