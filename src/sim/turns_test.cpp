// Models that take turns: ours beside what others do, on seeded traces.
#include "sim/turns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/seconds.hpp"
#include "sim/memory.hpp"
#include "sim/workload.hpp"

namespace faelled::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

World world(int load_s, std::uint32_t places) {
  World world;
  world.memory.emplace();
  world.memory->bytes = 2;
  world.memory->others = ModelShape{"", 1, seconds(load_s)};
  world.memory->answers = EngineModel{"", {}, {}, Places{places, 0.0001, 0.02}};
  return world;
}

struct Waits {
  std::vector<double> all, modest;
  double loads = 0;
  double until_s = 0;  // the last answer ended, on average

  static double p95(std::vector<double> waits) {
    std::ranges::sort(waits);
    return waits[static_cast<std::size_t>(0.95 * static_cast<double>(waits.size() - 1))];
  }
};

constexpr std::uint64_t seeds = 10;

Waits waits(const char* workload, const World& world, std::string_view policy) {
  Waits out;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Trace trace = make_workload(workload, seed).value();
    const Result result = play_turns(trace, world, policy).value();
    double last_s = 0;
    for (const Outcome& outcome : result.outcomes) {
      EXPECT_TRUE(outcome.served);
      const double wait = std::chrono::duration<double>(outcome.served->first_token).count();
      out.all.push_back(wait);
      if (result.members[outcome.member] != "greedy") out.modest.push_back(wait);
      last_s = std::max(last_s, std::chrono::duration<double>(outcome.at + outcome.served->finished).count());
    }
    out.loads += static_cast<double>(result.loads->loads) / seeds;
    out.until_s += last_s / seeds;
  }
  return out;
}

struct Asked {
  int at_s;
  std::uint32_t model;
};
Trace asking(const std::vector<Asked>& requests, std::uint32_t input_tokens, std::uint32_t output_tokens) {
  Trace trace;
  trace.members = {"a"};
  trace.users = {"u"};
  trace.models = {"m0", "m1", "m2"};
  for (const auto& [at_s, model] : requests)
    trace.requests.push_back({seconds(at_s), 0, 0, model, input_tokens, output_tokens});
  return trace;
}

constexpr milliseconds reading{10}, token{20};  // a prompt of 100, one of the answer

TEST(Turns, ASwitchIsADrainAndALoad) {
  const auto result = play_turns(asking({{0, 0}, {1, 1}, {2, 2}}, 100, 500), world(4, 1), "at-once").value();
  EXPECT_EQ(result.outcomes[0].served->first_token, seconds(4) + reading + token);
  EXPECT_EQ(result.outcomes[1].served->first_token, seconds(4) + reading + token);
  // m0 has its answer from 4 to 14, m1 from 5 to 15; then m2 is loaded.
  EXPECT_EQ(result.outcomes[0].served->finished, seconds(14) + reading);
  EXPECT_EQ(result.outcomes[2].served->first_token, seconds(14 + 4 - 2) + 2 * reading + token);
  EXPECT_EQ(result.loads->loads, 3U);
}

TEST(Turns, OneLineHoldsEverybodyUp) {
  const Trace trace = asking({{0, 0}, {0, 1}, {10, 2}, {11, 0}}, 100, 1000);
  const auto waited = [&](std::string_view policy) {
    return play_turns(trace, world(4, 2), policy)->outcomes[3].served->first_token;
  };
  EXPECT_EQ(waited("fifo"), seconds(24 + 4 - 11 + 4) + 2 * reading + token);
  EXPECT_EQ(waited("commons"), reading + token);
}

// A step takes 100 ms for each request that writes, and a prompt's token 1 ms.
World paged_world(double beside) {
  World paged = world(4, 1);
  EngineModel& engine = paged.memory->answers.emplace();
  engine.pace.prefill_token_s = 0.001;
  engine.pace.decode_request_s = 0.1;
  engine.batching = PagedBatching{.requests_max = 2};
  paged.memory->beside = beside;
  return paged;
}

TEST(Turns, OnABatchingEngineRequestsSlowEachOther) {
  const auto result =
      play_turns(asking({{0, 0}, {10, 0}, {10, 0}, {10, 0}}, 200, 11), paged_world(0), "commons").value();
  EXPECT_EQ(result.outcomes[0].served->first_token, seconds(4) + milliseconds(200));
  EXPECT_EQ(result.outcomes[0].served->finished, seconds(5) + milliseconds(200));
  // Both prompts in one step, then ten steps of both; the third has no place until then.
  EXPECT_EQ(result.outcomes[1].served->first_token, milliseconds(400));
  EXPECT_EQ(result.outcomes[2].served->finished, milliseconds(2400));
  EXPECT_EQ(result.outcomes[3].served->first_token, milliseconds(2600));
}

TEST(Turns, EnginesThatWorkBesideEachOtherAreSlowerByWhatTheWorldSays) {
  const Trace trace = asking({{0, 0}, {0, 1}, {20, 0}, {20, 1}, {40, 0}}, 200, 11);
  const auto alone = play_turns(trace, paged_world(0), "commons").value();
  const auto beside = play_turns(trace, paged_world(0.5), "commons").value();
  EXPECT_EQ(alone.outcomes[3].served->finished, milliseconds(1200));
  // The first of the two to begin saw nobody at work yet.
  EXPECT_EQ(beside.outcomes[3].served->finished, milliseconds(1800));
  EXPECT_EQ(beside.outcomes[4].served->finished, milliseconds(1200));
}

// m1 is loaded for four of m0's ten seconds.
TEST(Turns, ALoadSlowsTheEnginesThatWorkBesideIt) {
  const Trace trace = asking({{0, 0}, {20, 0}, {22, 1}, {60, 0}}, 200, 101);
  World paged = paged_world(0);
  EXPECT_EQ(play_turns(trace, paged, "commons")->outcomes[1].served->finished, milliseconds(10'200));
  paged.memory->load_beside = 0.25;
  const auto slowed = play_turns(trace, paged, "commons").value();
  EXPECT_EQ(slowed.outcomes[1].served->finished, milliseconds(10'200 + 32 * 25));
  EXPECT_EQ(slowed.outcomes[2].served->first_token, seconds(4) + milliseconds(200));
  EXPECT_EQ(slowed.outcomes[3].served->finished, milliseconds(10'200));
}

TEST(Turns, ASeedDrawsTheJitterAndNoneLeavesItOut) {
  const Trace trace = asking({{0, 0}, {5, 1}, {30, 2}}, 200, 11);
  World paged = paged_world(0);
  const auto exact = play_turns(trace, paged, "commons").value();
  paged.jitter = 0.1;
  EXPECT_EQ(write_result(play_turns(trace, paged, "commons").value()), write_result(exact));
  EXPECT_EQ(write_result(play_turns(trace, paged, "commons", 1).value()),
            write_result(play_turns(trace, paged, "commons", 1).value()));
  EXPECT_NE(write_result(play_turns(trace, paged, "commons", 1).value()), write_result(exact));
}

// m0 is asked for after eight on working days, but for two Fridays; in the evening m1 drives it out, and then m2 leaves
// room for it. The planner knows after two days.
TEST(Turns, CountsWhatWasLoadedBeforeItWasAskedForAndHowMuchOfThatWasUsed) {
  constexpr int days = 21, day_s = 24 * 3600, morning_s = 8 * 3600 + 120, evening_s = 20 * 3600;
  std::vector<Asked> requests;
  for (int day = 0; day < days; ++day) {
    if (day % 7 < 5 && day != 11 && day != 18) requests.push_back({day * day_s + morning_s, 0});
    requests.push_back({day * day_s + evening_s, 1});
    requests.push_back({day * day_s + evening_s + 300, 2});
  }
  World sized = world(4, 1);
  sized.memory->bytes = 10;
  sized.memory->models = {{"m0", 4, seconds(4)}, {"m1", 8, seconds(4)}, {"m2", 6, seconds(4)}};
  const auto result = play_turns(asking(requests, 10, 10), sized, "commons").value();
  EXPECT_EQ(result.loads->warmed, 13U);
  EXPECT_EQ(result.loads->warmed_used, 11U);
  EXPECT_EQ(play_turns(asking(requests, 10, 10), sized, "at-once")->loads->warmed, 0U);
}

// A place's time is the prompt's and the tokens', so the grant is known from the first token.
void expect_answers_within_stays(const Trace& trace, const World& world, std::string_view policy) {
  const Result result = play_turns(trace, world, policy).value();
  const Places& places = std::get<Places>(world.memory->answers->batching);
  std::size_t outside = 0;
  for (std::size_t row = 0; row < result.outcomes.size(); ++row) {
    const Outcome& outcome = result.outcomes[row];
    ASSERT_TRUE(outcome.served);
    const Duration before_token =
        after_seconds(places.input_token_s * outcome.input_tokens) + after_seconds(places.output_token_s);
    const Duration granted = outcome.at + outcome.served->first_token - before_token;
    const Duration ended = outcome.at + outcome.served->finished;
    outside += std::ranges::none_of(result.loads->stays, [&](const Stay& stay) {
      return stay.model == trace.requests[row].model && stay.loaded <= granted && ended <= stay.gone;
    });
  }
  EXPECT_EQ(outside, 0U) << policy;
}

TEST(Turns, AModelAnswersOnlyWhileItIsInMemory) {
  for (const std::uint32_t places : {1U, 2U})
    for (const std::uint64_t seed : {1U, 2U, 3U})
      for (const std::string_view policy : turn_policy_names()) {
        SCOPED_TRACE("places " + std::to_string(places) + ", seed " + std::to_string(seed));
        expect_answers_within_stays(make_workload("turns_600", seed).value(), world(4, places), policy);
      }
}

class TurnsBeside : public testing::TestWithParam<const char*> {};

TEST_P(TurnsBeside, OursWaitsAFifthLessThanSwitchingAtOnceAndLoadsLess) {
  const World four_s = world(4, 2);
  const Waits ours = waits(GetParam(), four_s, "commons");
  const Waits at_once = waits(GetParam(), four_s, "at-once");
  EXPECT_LE(Waits::p95(ours.all), 0.8 * Waits::p95(at_once.all));
  EXPECT_LT(ours.loads, at_once.loads);
  EXPECT_LE(Waits::p95(ours.all), Waits::p95(waits(GetParam(), four_s, "tenure").all));
  EXPECT_LE(Waits::p95(ours.all), 0.2 * Waits::p95(waits(GetParam(), four_s, "fifo").all));
}

INSTANTIATE_TEST_SUITE_P(Loads, TurnsBeside, testing::Values("turns_300", "turns_600"));

// What is asked for in these can be served in time. Where it cannot, the server refuses whoever has waited that long.
TEST(Turns, NobodyWaitsLongerThanWasPromised) {
  for (const char* workload : {"turns_150", "turns_300"})
    for (std::uint64_t seed = 1; seed <= 10; ++seed)
      EXPECT_EQ(play_turns(make_workload(workload, seed).value(), world(4, 2), "commons")->loads->past_promise, 0U)
          << workload << " of seed " << seed;
}

TEST(Turns, AGreedyMemberDoesNotMakeTheModestWait) {
  const World four_s = world(4, 2);
  const Waits fair = waits("turns_600", four_s, "commons");
  const Waits unfair = waits("turns_600", four_s, "unfair");
  EXPECT_LE(Waits::p95(fair.modest), 0.7 * Waits::p95(unfair.modest));
  EXPECT_LE(fair.until_s, 1.02 * unfair.until_s);  // the same work in the same time
}

// Asked one after the other, with answers of no length, it is the question of sim/memory.hpp; and a load that is under
// way counts as it does there.
TEST(Turns, CountsMissesAndLoadsAsAMemoryDoes) {
  const Trace trace = asking({{0, 0}, {2, 0}, {100, 1}, {200, 2}, {300, 0}, {400, 2}, {500, 1}, {503, 1}}, 1, 1);
  for (const auto& [policy, loads] : {std::pair("lru", 5U), std::pair("belady", 4U)}) {
    const Loads turns = *play_turns(trace, world(4, 2), policy)->loads;
    const Loads memory = *play_memory(trace, *world(4, 2).memory, policy)->loads;
    EXPECT_EQ(turns.loads, loads) << policy;
    EXPECT_EQ(turns.misses, loads + 2) << policy;
    EXPECT_EQ(memory.loads, turns.loads) << policy;
    EXPECT_EQ(memory.misses, turns.misses) << policy;
  }
}

// m0 was asked for first and is done last.
TEST(Turns, ARankSaysWhichUnusedModelGoes) {
  Trace trace = asking({{0, 0}, {50, 1}, {200, 2}, {300, 0}}, 100, 5000);
  trace.requests[1].output_tokens = 100;
  EXPECT_EQ(play_turns(trace, world(4, 1), "at-once")->loads->loads, 3U);
  EXPECT_EQ(play_turns(trace, world(4, 1), "lru")->loads->loads, 4U);
  EXPECT_EQ(play_turns(trace, world(4, 1), "belady")->loads->loads, 3U);
}

// The seldom one costs ten times as much to load.
TEST(Turns, FrequencyAndCostAreWeighedWhereAnswersTakeTime) {
  World sized = world(4, 1);
  sized.memory->others.reset();
  sized.memory->models = {{"m0", 1, seconds(40)}, {"m1", 1, seconds(4)}, {"m2", 1, seconds(4)}};
  const Trace trace = asking({{0, 0}, {100, 1}, {200, 1}, {300, 2}, {400, 0}}, 1, 1);
  EXPECT_EQ(play_turns(trace, sized, "lru")->loads->seconds, 40 + 4 + 4 + 40);
  EXPECT_EQ(play_turns(trace, sized, "gdsf")->loads->seconds, 40 + 4 + 4);
}

}  // namespace
}  // namespace faelled::sim
