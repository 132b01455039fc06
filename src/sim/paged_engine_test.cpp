#include "sim/paged_engine.hpp"

#include <gtest/gtest.h>

#include "sim/baselines.hpp"
#include "sim/simulation.hpp"

namespace faelled::sim {
namespace {

World paged(std::uint32_t kv_tokens, double watermark = 0) {
  World world;
  PagedBatching batching;
  batching.kv_tokens = kv_tokens;
  batching.step_tokens_max = 64;
  batching.watermark = watermark;
  world.engines.push_back({"gpu", {}, {.decode_s = 1}, batching});  // every step takes a second
  return world;
}

Trace trace_of(const std::string& rows) {
  return read_trace("time_s,member,user,model,input_tokens,output_tokens\n" + rows).value();
}

// First come, first served; remembers what it was told.
class Listener final : public Policy {
 public:
  explicit Listener(const Setting& setting) : fcfs_(setting) {}
  void arrived(Instant now, RequestId id, const Request& request) override { fcfs_.arrived(now, id, request); }
  std::optional<RequestId> next(Instant now, EngineId engine) override { return fcfs_.next(now, engine); }
  void granted(Instant now, RequestId id, EngineId engine) override {
    ++running;
    running_max = std::max(running_max, running);
    fcfs_.granted(now, id, engine);
  }
  void declined(Instant, RequestId id, EngineId) override { declined_ids.push_back(id); }
  void preempted(Instant, RequestId id) override { preempted_ids.push_back(id); }
  void ended(Instant, RequestId) override { --running; }
  void gave_up(Instant now, RequestId id) override { fcfs_.gave_up(now, id); }

  int running = 0, running_max = 0;
  std::vector<RequestId> declined_ids, preempted_ids;

 private:
  Fcfs fcfs_;
};

struct Played {
  Result result;
  Listener listener;
  double first_token_s(std::size_t id) const { return seconds(result.outcomes[id].served->first_token); }
  double finished_s(std::size_t id) const { return seconds(result.outcomes[id].served->finished); }
  static double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
};

Played play(const World& world, const std::string& rows) {
  const Trace trace = trace_of(rows);
  Listener listener(setting_of(trace, world));
  Result result = run(trace, world, listener, std::nullopt);
  return {std::move(result), std::move(listener)};
}

TEST(PagedEngine, ReadsPromptsInChunksWithinTheBudgetOfAStepBesideDecoding) {
  // 64 tokens a step: the first reads 16; the second 48, 63 and 49 of its 160 beside the first one's single tokens.
  const Played played = play(paged(1024), "0,a,u,m,16,10\n0,b,u,m,160,2\n");
  EXPECT_DOUBLE_EQ(played.first_token_s(0), 1);
  EXPECT_DOUBLE_EQ(played.finished_s(0), 10);
  EXPECT_DOUBLE_EQ(played.first_token_s(1), 3);
  EXPECT_DOUBLE_EQ(played.finished_s(1), 4);
}

TEST(PagedEngine, TakesInWhosePromptFitsWithoutKnowingItsLength) {
  // Four blocks: two prompts of one block each, though either wants three blocks in the end.
  const Played played = play(paged(64), "0,a,u,m,16,32\n0,b,u,m,16,32\n");
  EXPECT_EQ(played.listener.running_max, 2);
}

TEST(PagedEngine, PreemptsTheLastAdmittedWhenMemoryRunsOutAndComputesItAgain) {
  const Played played = play(paged(64), "0,a,u,m,16,40\n0,b,u,m,16,40\n");
  EXPECT_EQ(played.listener.preempted_ids, std::vector<RequestId>{1});
  EXPECT_DOUBLE_EQ(played.finished_s(0), 40) << "the first goes on undisturbed";
  EXPECT_DOUBLE_EQ(played.first_token_s(1), 1) << "what it produced stays";
  EXPECT_DOUBLE_EQ(played.finished_s(1), 63) << "40, one step for its prompt and the 17 of before, 22 for the rest";
}

TEST(PagedEngine, NobodyFromOutsideGoesBeforeAPreemptedOne) {
  const Played played = play(paged(64), "0,a,u,m,16,40\n0,b,u,m,16,40\n5,c,u,m,16,1\n");
  EXPECT_GE(played.first_token_s(2), 35) << "though its prompt would fit beside the first";
}

TEST(PagedEngine, TheWatermarkHoldsBackAdmissionsButNotTheFirst) {
  const Played played = play(paged(64, 0.5), "0,a,u,m,33,1\n0,b,u,m,1,1\n");
  EXPECT_DOUBLE_EQ(played.finished_s(0), 1);
  EXPECT_EQ(played.listener.declined_ids.front(), 1U);
  EXPECT_DOUBLE_EQ(played.finished_s(1), 2);
}

TEST(PagedEngine, WhatCanNeverFitGoesUnservedAndWhatJustFitsIsServed) {
  const Played played = play(paged(64), "0,a,u,m,60,5\n0,b,u,m,60,4\n");
  EXPECT_FALSE(played.result.outcomes[0].served);
  EXPECT_TRUE(played.result.outcomes[1].served);
}

}  // namespace
}  // namespace faelled::sim
