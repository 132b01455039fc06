#include "sim/simulation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>

#include "sim/commons_policy.hpp"
#include "sim/measures.hpp"

namespace faelled::sim {
namespace {

std::string file(const std::string& name) {
  std::ifstream in(std::string(FAELLED_SOURCE_DIR) + "/tests/sim/vtc/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// bench/worlds/vtc-a10g.yaml, as src/config/world_test.cpp looks after.
World a10g() {
  World world;
  world.jitter = 0.02;
  OracleBatching batching;
  batching.kv_tokens_per_member = 32;
  world.engines.push_back({"a10g", {}, {0.0471, 0.000226, 0.0263, 0.000222, 1.11e-6, 3.55e-6, -0.161e-6}, batching});
  return world;
}

World two_places() {
  World world;
  world.engines.push_back({"pool", {}, {}, Places{2, 0, 0.1}});
  return world;
}

Trace trace_of(const std::string& rows) {
  return read_trace("time_s,member,user,model,input_tokens,output_tokens\n" + rows).value();
}

struct Band {
  double mean = 0, deviation = 0;
  bool holds(double published) const { return std::abs(published - mean) <= 2 * deviation; }
};

Band band_of(const std::vector<double>& runs) {
  const double n = static_cast<double>(runs.size());
  const double mean = std::accumulate(runs.begin(), runs.end(), 0.0) / n;
  double squares = 0;
  for (const double run : runs) squares += (run - mean) * (run - mean);
  return {mean, std::sqrt(squares / (n - 1))};
}

struct Published {
  std::string policy;
  double max, mean, tokens_per_s, light_first_token_s;
};

class Arena : public testing::TestWithParam<Published> {};

TEST_P(Arena, PublishedFiguresLieInTheBandOfTwentyRuns) {
  const Trace trace = read_trace(file("vtc-arena.csv")).value();
  std::vector<double> max, mean, tokens, light;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Result result = simulate(trace, a10g(), GetParam().policy, seed).value();
    const ServiceDifference difference = service_difference(result, {}, std::chrono::seconds(600));
    max.push_back(difference.max);
    mean.push_back(difference.mean);
    tokens.push_back(tokens_per_s(result));
    light.push_back(light_first_token_s(result).value());
  }
  EXPECT_TRUE(band_of(max).holds(GetParam().max)) << band_of(max).mean << " ± " << band_of(max).deviation;
  EXPECT_TRUE(band_of(mean).holds(GetParam().mean)) << band_of(mean).mean << " ± " << band_of(mean).deviation;
  EXPECT_TRUE(band_of(light).holds(GetParam().light_first_token_s)) << band_of(light).mean;
  EXPECT_NEAR(band_of(tokens).mean / GetParam().tokens_per_s, 1, 0.03);
}

INSTANTIATE_TEST_SUITE_P(Policies, Arena,
                         testing::Values(Published{"fcfs", 760, 433.5, 776.9, 55.9},
                                         Published{"vtc", 368.4, 251.7, 778.8, 3.37},
                                         Published{"vtc-oracle", 329.5, 227.5, 780.6, 4.77}));

TEST(Measures, OfTheAuthorsLogsAreWhatTheirOwnProgramsSay) {
  const Result log = read_result(file("vtc-results-arena-vtc.csv")).value();
  const ServiceDifference difference = service_difference(log, {}, std::chrono::seconds(600));
  EXPECT_NEAR(difference.max, 368.3946, 1e-4);
  EXPECT_NEAR(difference.mean, 251.6578, 1e-4);
  EXPECT_NEAR(difference.mean_of_service, 0.1955, 1e-4);
  EXPECT_NEAR(difference.jain_mean, 0.2999, 1e-4);
  EXPECT_NEAR(tokens_per_s(log), 778.8083, 1e-4);
  EXPECT_NEAR(light_first_token_s(log).value(), 3.3737, 1e-4);
}

TEST(Simulation, TheRefereeFindsNothingAgainstTheCommonsOnTheArena) {
  const Trace trace = read_trace(file("vtc-arena.csv")).value();
  CommonsPolicy policy(setting_of(trace, a10g()));
  const Result result = run(trace, a10g(), policy, 1);
  EXPECT_EQ(policy.referee().total(), 0U) << testing::PrintToString(policy.referee().violations());
  EXPECT_EQ(result.floor_violations, 0U);
  EXPECT_EQ(simulate(trace, a10g(), "vtc", 1)->floor_violations, std::nullopt);
}

TEST(Simulation, TheSameSeedGivesTheSameRunAndAnotherAnotherOne) {
  const Trace trace = read_trace(file("vtc-arena.csv")).value();
  const auto run_with = [&](std::uint64_t seed) { return write_result(simulate(trace, a10g(), "vtc", seed).value()); };
  EXPECT_EQ(run_with(7), run_with(7));
  EXPECT_NE(run_with(7), run_with(8));
}

TEST(Simulation, APlaceServesOneRequestAtATimeAndWhoWaitsTooLongGoesUnserved) {
  World world = two_places();
  world.others.wait_max = std::chrono::milliseconds(500);
  const Trace trace = trace_of("0,a,u,m,1,10\n0,a,u,m,1,5\n0.1,b,u,m,1,10\n0.2,b,u,m,1,10\n");
  EXPECT_EQ(write_result(simulate(trace, world, "fcfs", std::nullopt).value()),
            "time_s,member,input_tokens,output_tokens,first_token_s,finished_s\n"
            "0.000,a,1,10,0.100001,1.000001\n"
            "0.000,a,1,5,0.100001,0.500001\n"
            "0.100,b,1,10,0.500002,1.400002\n"
            "0.200,b,1,10,-1,-1\n");
}

TEST(Simulation, AModelThatNoEngineServesAndAnUnknownPolicyAreRefusedWithTheWayOut) {
  World world = two_places();
  world.engines[0].models = {"large"};
  const Trace trace = trace_of("0,a,u,small,1,1\n");
  EXPECT_TRUE(simulate(trace, world, "fcfs", std::nullopt).error().message.contains("'small'"));
  EXPECT_TRUE(simulate(trace, two_places(), "luck", std::nullopt).error().hint.contains("fcfs, vtc"));
}

TEST(Trace, ComesBackAsItWasWritten) {
  const std::string text = file("vtc-arena.csv");
  EXPECT_EQ(write_trace(read_trace(text).value()), text);
}

TEST(Trace, EveryMistakeIsSaidWithItsLine) {
  const std::string head = "time_s,member,user,model,input_tokens,output_tokens\n";
  const auto said = [&](const std::string& text) { return read_trace(text).error().message; };
  EXPECT_TRUE(said("time_s,member\n0,a\n").contains("no column user"));
  EXPECT_TRUE(said(head).contains("no request"));
  EXPECT_TRUE(said(head + "0,a,u,m,1,1\n1,a,u,m,1\n").contains("line 3: 5 fields, not 6"));
  EXPECT_TRUE(said(head + "2,a,u,m,1,1\n1,a,u,m,1,1\n").contains("line 3: time_s '1' is before"));
  EXPECT_TRUE(said(head + "nan,a,u,m,1,1\n").contains("line 2: time_s 'nan' is no time"));
  EXPECT_TRUE(said(head + "0,a,u,m,0,1\n").contains("line 2: input_tokens '0' is no whole number"));
  EXPECT_TRUE(said(head + "0,,u,m,1,1\n").contains("line 2: member '' is no name"));
}

}  // namespace
}  // namespace faelled::sim
