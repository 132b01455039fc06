#include "sim/workload.hpp"

#include <gtest/gtest.h>

#include <map>

namespace faelled::sim {
namespace {

std::map<std::string, double> requests_per_s(std::string_view name) {
  std::map<std::string, double> rates;
  double seconds = 0;
  for (const Workload& workload : workloads())
    if (workload.name == name) seconds = workload.seconds;
  const Trace trace = make_workload(name, 1).value();
  for (const Request& request : trace.requests) rates[trace.members[request.member]] += 1 / seconds;
  return rates;
}

TEST(Workload, TheSameSeedGivesTheSameTraceWhichReadsBackAsItIs) {
  for (const Workload& workload : workloads()) {
    const std::string text = write_trace(make_workload(workload.name, 3).value());
    EXPECT_EQ(write_trace(make_workload(workload.name, 3).value()), text) << workload.name;
    EXPECT_NE(write_trace(make_workload(workload.name, 4).value()), text) << workload.name;
    EXPECT_EQ(write_trace(read_trace(text).value()), text) << workload.name;
  }
}

TEST(Workload, MembersAskAsOftenAsTheRuleSays) {
  auto overload = requests_per_s("overload");
  EXPECT_NEAR(overload["m01"], 3, 0.01);
  EXPECT_NEAR(overload["m02"], 1.5, 0.01);
  auto multi = requests_per_s("overload-multi");
  EXPECT_EQ(multi.size(), 8U);
  EXPECT_NEAR(multi["m01"] + multi["m02"] + multi["m03"] + multi["m04"] + multi["m05"] + multi["m06"] + multi["m07"] +
                  multi["m08"],
              5 * 0.6 + 3 * 0.4, 0.02);
  EXPECT_NEAR(requests_per_s("poisson_short_long_2")["short-answers"], 8, 0.5);
  EXPECT_NEAR(requests_per_s("on_off_less")["modest"], 0.25, 0.01);
  auto greed = requests_per_s("greed");
  EXPECT_EQ(greed.size(), 20U);
  double honest = 0, greedy = 0;
  for (const auto& [member, rate] : greed) (member.starts_with("greedy") ? greedy : honest) += rate;
  const double capacity = 40 / 0.02 / 256;
  EXPECT_NEAR(honest, 16 / 20.0 * 0.8 * capacity, 0.15 * capacity);
  EXPECT_NEAR(greedy, 4 / 20.0 * 3 * capacity, 0.05 * capacity);
  auto fits = requests_per_s("greed_fits");
  honest = greedy = 0;
  for (const auto& [member, rate] : fits) (member.starts_with("greedy") ? greedy : honest) += rate;
  EXPECT_NEAR(honest, 0.8 * capacity, 0.15 * capacity);
  EXPECT_NEAR(greedy, 4 / 20.0 * 3 * capacity, 0.05 * capacity);
}

TEST(Workload, AnotherNameIsRefusedWithThoseThereAre) {
  EXPECT_TRUE(make_workload("calm", 1).error().hint.contains("overload, overload-multi"));
}

}  // namespace
}  // namespace faelled::sim
