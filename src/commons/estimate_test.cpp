#include "commons/estimate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <vector>

#include "base/random.hpp"

namespace faelled::commons {
namespace {

Estimate of(std::initializer_list<std::uint32_t> answers) {
  Estimate estimate;
  for (const std::uint32_t answer : answers) estimate.add(answer);
  return estimate;
}

TEST(Estimate, IsTheMiddleOneBeforeTheFirstToken) {
  EXPECT_EQ(of({100}).expected(0), 100U);
  EXPECT_EQ(of({64, 64, 1024}).expected(0), 64U);
}

TEST(Estimate, OnceAnAnswerHasOutlivedTheShortOnesIsTheMiddleOfTheLongOnes) {
  EXPECT_EQ(of({64, 64, 1024}).expected(64), 1024U);
  EXPECT_EQ(of({64, 64, 1024, 512}).expected(100), 512U);
  EXPECT_EQ(of({64, 64, 1024, 512}).expected(600), 1024U);
}

TEST(Estimate, OfAnAnswerLongerThanAllIsHalfAsLongAgain) {
  EXPECT_EQ(of({64}).expected(64), 96U);
  EXPECT_EQ(of({64}).expected(1000), 1500U);
}

TEST(Estimate, IsMoreThanThereIs) {
  SeededRandom random(1);
  Estimate estimate;
  for (int i = 0; i < 10'000; ++i) {
    estimate.add(static_cast<std::uint32_t>(random.below(2000)));
    const auto so_far = static_cast<std::uint32_t>(random.below(3000));
    ASSERT_GT(estimate.expected(so_far), so_far);
  }
}

TEST(Estimate, IsTheLowerMiddleOfTheLongerOnesWhateverCameAndWent) {
  SeededRandom random(2);
  Estimate estimate;
  std::vector<std::uint32_t> last;
  for (int i = 0; i < 20'000; ++i) {
    const auto answer = static_cast<std::uint32_t>(random.below(random.below(2) == 0 ? 4 : 3000));
    estimate.add(answer);
    last.push_back(answer);
    if (last.size() > Estimate::answers_max) last.erase(last.begin());
    const auto so_far = static_cast<std::uint32_t>(random.below(3) * random.below(1500));
    std::vector<std::uint32_t> longer;
    std::ranges::copy_if(last, std::back_inserter(longer), [&](std::uint32_t a) { return a > so_far || so_far == 0; });
    std::ranges::sort(longer);
    const std::uint32_t expected =
        longer.empty() ? so_far + std::max<std::uint32_t>(so_far / 2, 1) : longer[(longer.size() - 1) / 2];
    ASSERT_EQ(estimate.expected(so_far), std::max(expected, so_far + 1)) << i;
  }
}

TEST(Estimate, ForgetsAllButTheLastSixtyAnswers) {
  Estimate estimate;
  for (std::size_t i = 0; i < Estimate::answers_max; ++i) estimate.add(10'000);
  for (std::size_t i = 0; i < Estimate::answers_max; ++i) estimate.add(10);
  EXPECT_EQ(estimate.expected(0), 10U);
}

TEST(Estimate, OfAnswersWithoutATokenExpectsOne) { EXPECT_EQ(of({0, 0}).expected(0), 1U); }

TEST(Estimate, KeepsVeryLongAnswersAsTheLongestItCanSay) {
  EXPECT_EQ(of({std::numeric_limits<std::uint32_t>::max()}).expected(0), 65'535U);
}

}  // namespace
}  // namespace faelled::commons
