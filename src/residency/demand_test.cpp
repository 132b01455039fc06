#include "residency/demand.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace faelled::residency {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant begin{hours(1000)};

TEST(Demand, IsNoneBeforeTheFirstRequest) {
  const Demand demand;
  EXPECT_FALSE(demand.ever());
  EXPECT_EQ(demand.rate(begin), 0);
  EXPECT_EQ(demand.habit(begin), 0);
}

TEST(Demand, OfASteadyStreamIsItsRateOnEveryScale) {
  Demand demand;
  Instant now = begin;
  for (int i = 0; i < 60 * 24 * 20; ++i) demand.asked(now += minutes(1));
  EXPECT_NEAR(demand.habit(now), 1.0 / 60, 1e-4);
  EXPECT_NEAR(demand.rate(now), 4.0 / 60, 0.01) << "four scales";
}

TEST(Demand, ABurstCountsAtOnceAndIsSoonForgottenAHabitIsNot) {
  Demand burst, habit;
  Instant now = begin;
  for (int day = 0; day < 10; ++day, now += hours(24))
    for (int i = 0; i < 8; ++i) habit.asked(now + hours(i));
  for (int i = 0; i < 8; ++i) burst.asked(now += seconds(1));
  EXPECT_GT(burst.rate(now), 10 * habit.rate(now));
  EXPECT_LT(burst.habit(now), habit.habit(now));
  EXPECT_LT(burst.rate(now + hours(30)), habit.rate(now + hours(30)));
}

TEST(Demand, NeverRises) {
  Demand demand;
  demand.asked(begin);
  double before = demand.rate(begin);
  for (Duration passed{}; passed < hours(24 * 365); passed = passed * 2 + seconds(1)) {
    const double rate = demand.rate(begin + passed);
    EXPECT_LE(rate, before);
    EXPECT_GE(rate, 0);
    before = rate;
  }
}

TEST(Demand, IsSmall) { EXPECT_LE(sizeof(Demand), 24U); }

}  // namespace
}  // namespace faelled::residency
