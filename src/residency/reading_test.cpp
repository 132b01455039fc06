#include "residency/reading.hpp"

#include <gtest/gtest.h>

namespace faelled::residency {
namespace {

constexpr std::uint64_t gb = 1'000'000'000;

TEST(Reading, IsGuessedThenLearnedFromLoadsAndThenFromReadings) {
  Reading reading(30, 1e9);
  EXPECT_DOUBLE_EQ(reading.seconds_of(16 * gb), 16);
  reading.loaded(16 * gb, 38);
  EXPECT_DOUBLE_EQ(reading.seconds_of(16 * gb), 8) << "what the start did not take";
  reading.read(10 * gb, 2);
  EXPECT_DOUBLE_EQ(reading.seconds_of(16 * gb), 3.2) << "seen, not reckoned";
  reading.loaded(16 * gb, 300);
  EXPECT_DOUBLE_EQ(reading.seconds_of(16 * gb), 3.2);
}

TEST(Reading, ALoadThatIsShorterThanAStartIsThoughtToBeStillReads) {
  Reading reading(30, 1e9);
  reading.loaded(gb, 10);
  EXPECT_DOUBLE_EQ(reading.seconds_of(gb), 1);
}

TEST(Reading, FollowsADiskThatHasBecomeSlow) {
  Reading reading(30, 1e9);
  reading.read(8 * gb, 1);
  for (int i = 0; i < 30; ++i) reading.read(8 * gb, 16);
  EXPECT_NEAR(reading.seconds_of(8 * gb), 16, 3);
}

TEST(Reading, NothingAndNoTimeSayNothing) {
  Reading reading(30, 1e9);
  reading.read(0, 1);
  EXPECT_DOUBLE_EQ(reading.seconds_of(gb), 1);
  reading.read(gb, 0);
  EXPECT_GT(reading.seconds_of(gb), 0);
}

}  // namespace
}  // namespace faelled::residency
