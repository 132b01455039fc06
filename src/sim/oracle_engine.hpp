// The engine of the published logs: S-LoRA's control loop with its knowledge of the true lengths. Private to sim.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine.hpp"

namespace faelled::sim {

class OracleEngine final : public Engine {
 public:
  OracleEngine(EngineId id, const Pace& pace, const OracleBatching& batching, StepLength length);
  Turn turn(Instant now, Desk& desk) override;

  static bool can_ever_fit(const OracleBatching& batching, const Request& request);

 private:
  struct Run {
    RequestId id;
    std::uint32_t member;
    std::uint32_t tokens;    // in memory
    std::uint32_t produced;  // output tokens
    std::uint32_t left;      // output tokens
  };

  void finish(Instant now, Desk& desk);
  void end_those_done(Instant now, Desk& desk);
  void admit(Instant now, Desk& desk);
  bool fits(const Run& candidate);
  static void insert(std::vector<Run>& runs, const Run& run);
  Duration prefill_length();
  Duration decode_length();

  EngineId id_;
  Pace pace_;
  OracleBatching batching_;
  StepLength length_;
  std::vector<Run> running_;   // most left first: all lose one in a step, so the order stays
  std::vector<Run> admitted_;  // whose prompts are being read
  std::vector<Run> imagined_;  // of fits(): its memory is kept
  enum class Doing { nothing, prefill, decode } doing_ = Doing::nothing;
  std::uint32_t decode_steps_ = 0;  // since the last admission
};

}  // namespace faelled::sim
