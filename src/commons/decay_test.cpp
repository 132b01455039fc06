#include "commons/decay.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace faelled::commons {
namespace {

using std::chrono::seconds;

TEST(Decay, AWeightDoublesEveryHalfLifeAndNeverFalls) {
  const Decay decay;
  std::uint64_t before = 0;
  for (std::chrono::milliseconds at{0}; at < seconds(31 * Decay::half_life_s); at += std::chrono::milliseconds(10)) {
    const std::uint64_t weight = decay.weight(Instant{at});
    const std::uint64_t doubled = decay.weight(Instant{at + seconds(Decay::half_life_s)});
    EXPECT_GE(weight, before);
    EXPECT_GE(doubled, 2 * weight);
    EXPECT_LE(doubled, 2 * weight + 1);  // the same, but for the rounding down
    before = weight;
  }
}

TEST(Decay, AWeightIsTheExponentialWithinAnEightThousandth) {
  const Decay decay;
  for (int s = 0; s < Decay::half_life_s; ++s)
    EXPECT_NEAR(static_cast<double>(decay.weight(Instant{seconds(s)})),
                4096 * std::exp2(static_cast<double>(s) / Decay::half_life_s), 0.5);
}

TEST(Decay, BetweenTwoSecondsAWeightGrowsInSmallSteps) {
  const Decay decay;
  for (std::chrono::milliseconds at{0}; at < seconds(Decay::half_life_s); at += std::chrono::milliseconds(1)) {
    const double whole = 4096 * std::exp2(static_cast<double>(at.count()) / 1000 / Decay::half_life_s);
    EXPECT_NEAR(static_cast<double>(decay.weight(Instant{at})), whole, 4) << at.count();  // a step is at most 2.1
  }
}

TEST(Decay, RebasingShiftsSumsByAsMuchAsWeightsFall) {
  Decay decay;
  const Instant late{seconds(40 * Decay::half_life_s + 13)};
  const std::uint64_t before = decay.weight(late);
  const unsigned shift = decay.rebase(late);
  EXPECT_EQ(shift, 40U);
  EXPECT_EQ(decay.weight(late), before >> shift);
  EXPECT_EQ(decay.rebase(late), 0U);
}

TEST(Decay, RebasesOnlyWhenWeightsHaveGrownLarge) {
  Decay decay;
  EXPECT_EQ(decay.rebase(Instant{seconds(32 * Decay::half_life_s - 1)}), 0U);
  EXPECT_EQ(decay.rebase(Instant{seconds(32 * Decay::half_life_s)}), 32U);
}

TEST(Decay, AfterYearsOfSilenceNothingIsLeftAndNoShiftIsTooWide) {
  Decay decay;
  const Instant late{std::chrono::hours(24 * 365 * 100)};
  EXPECT_LE(decay.rebase(late), 127U);
  EXPECT_GE(decay.weight(late), 4096U);
  EXPECT_LT(decay.weight(late), 2 * 4096U);
}

TEST(Decay, BeginsWhereverTheClockDoes) {
  for (const seconds start : {seconds(-1'000'000'007), seconds(-1), seconds(0), seconds(41), seconds(1'000'000'007)}) {
    Decay decay;
    (void)decay.rebase(Instant{start});
    EXPECT_GE(decay.weight(Instant{start}), 4096U) << start.count();
    EXPECT_EQ(decay.weight(Instant{start + seconds(Decay::half_life_s)}), 2 * decay.weight(Instant{start}));
  }
}

}  // namespace
}  // namespace faelled::commons
