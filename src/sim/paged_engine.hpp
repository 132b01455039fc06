// An engine like vLLM: memory in blocks, lengths unknown, prompts read in chunks beside decoding, and when memory runs
// out the last one admitted gives its own back and is computed again. Private to sim.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "sim/engine.hpp"

namespace faelled::sim {

class PagedEngine final : public Engine {
 public:
  PagedEngine(EngineId id, const Pace& pace, const PagedBatching& batching, StepLength length);
  Turn turn(Instant now, Desk& desk) override;

  static bool can_ever_fit(const PagedBatching& batching, const Request& request);

 private:
  struct Run {
    RequestId id;
    std::uint32_t tokens;    // prompt and output so far
    std::uint32_t computed;  // of them, in memory after the step under way
    std::uint32_t produced;  // output tokens
    std::uint32_t blocks;
  };

  void finish(Instant now, Desk& desk);
  Duration begin(Instant now, Desk& desk);
  // Preempts those behind `at` until its next tokens have room. False: it had to go itself.
  bool make_room(std::size_t at, Instant now, Desk& desk);
  void preempt_last(Instant now, Desk& desk);
  void take_in(Instant now, Desk& desk);
  bool admit(Run run);
  void read(Run& run);  // as much of it as the step's budget allows
  Duration step_length();
  std::uint32_t blocks_for(std::uint32_t tokens) const { return blocks_for(batching_, tokens); }
  static std::uint32_t blocks_for(const PagedBatching& batching, std::uint32_t tokens);

  EngineId id_;
  Pace pace_;
  PagedBatching batching_;
  StepLength length_;
  std::uint32_t free_blocks_;
  std::uint32_t spare_blocks_;  // kept free at an admission
  std::vector<Run> running_;    // in order of admission
  std::deque<Run> preempted_;   // go before everybody who waits outside
  // Of the step that is being put together:
  std::uint32_t budget_ = 0;
  std::uint32_t prompt_tokens_ = 0;
  std::uint32_t decoding_ = 0;
};

}  // namespace faelled::sim
