// Models that take turns: ours beside what others do, on seeded traces.
#include "sim/turns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/workload.hpp"

namespace faelled::sim {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

World world(int load_s, std::uint32_t places) {
  World world;
  world.memory.emplace();
  world.memory->bytes = 2;
  world.memory->others = ModelShape{"", 1, seconds(load_s)};
  world.memory->answers = Places{places, 0.0001, 0.02};
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

TEST(Turns, ASwitchIsADrainAndALoad) {
  Trace trace;
  trace.members = {"a"};
  trace.users = {"u"};
  trace.models = {"m0", "m1", "m2"};
  for (const auto& [at_s, model] : {std::pair(0, 0U), {1, 1U}, {2, 2U}})
    trace.requests.push_back({seconds(at_s), 0, 0, model, 0, 500});
  const auto result = play_turns(trace, world(4, 1), "at-once").value();
  EXPECT_EQ(result.outcomes[0].served->first_token, seconds(4));
  EXPECT_EQ(result.outcomes[1].served->first_token, seconds(4));
  // m0 has its answer from 4 to 14, m1 from 5 to 15; then m2 is loaded.
  EXPECT_EQ(result.outcomes[2].served->first_token, seconds(14 + 4 - 2));
  EXPECT_EQ(result.loads->loads, 3U);
}

TEST(Turns, OneLineHoldsEverybodyUp) {
  Trace trace;
  trace.members = {"a"};
  trace.users = {"u"};
  trace.models = {"m0", "m1", "m2"};
  for (const auto& [at_s, model] : {std::pair(0, 0U), {0, 1U}, {10, 2U}, {11, 0U}})
    trace.requests.push_back({seconds(at_s), 0, 0, model, 0, 1000});
  EXPECT_EQ(play_turns(trace, world(4, 2), "fifo")->outcomes[3].served->first_token, seconds(24 + 4 - 11 + 4));
  EXPECT_EQ(play_turns(trace, world(4, 2), "commons")->outcomes[3].served->first_token, seconds(0));
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

TEST(Turns, AGreedyMemberDoesNotMakeTheModestWait) {
  const World four_s = world(4, 2);
  const Waits fair = waits("turns_600", four_s, "commons");
  const Waits unfair = waits("turns_600", four_s, "unfair");
  EXPECT_LE(Waits::p95(fair.modest), 0.7 * Waits::p95(unfair.modest));
  EXPECT_LE(fair.until_s, 1.02 * unfair.until_s);  // the same work in the same time
}

TEST(Turns, SaysWhichPoliciesThereAre) {
  Trace trace;
  EXPECT_THAT(play_turns(trace, world(4, 2), "lru").error().hint, HasSubstr("commons, unfair"));
}

}  // namespace
}  // namespace faelled::sim
