#include "residency/member_weights.hpp"

#include <gtest/gtest.h>

namespace faelled::residency {
namespace {

TEST(MemberWeights, ATicketAloneCountsOnce) {
  MemberWeights weights;
  EXPECT_EQ(weights.arrived("a", 3), 1);
  weights.left("a");
  EXPECT_EQ(weights.arrived("b", 1), 1);
}

TEST(MemberWeights, ManyTicketsOfOneMemberCountNoMoreThanFewOfAnother) {
  MemberWeights weights;
  for (int i = 0; i < 8; ++i) weights.arrived("greedy", 1);
  EXPECT_EQ(weights.arrived("modest", 1), MemberWeights::most);  // 9 tickets × a half, were it not bounded
  EXPECT_LT(weights.arrived("greedy", 1), 1);
}

TEST(MemberWeights, CountByShare) {
  MemberWeights weights;
  weights.arrived("small", 1);
  EXPECT_DOUBLE_EQ(weights.arrived("large", 3), 1.5);
}

TEST(MemberWeights, ForgetWhoWaitsNoMore) {
  MemberWeights weights;
  for (int i = 0; i < 50; ++i) weights.arrived("greedy", 1);
  for (int i = 0; i < 50; ++i) weights.left("greedy");
  weights.left("greedy");
  EXPECT_EQ(weights.arrived("modest", 1), 1);
}

}  // namespace
}  // namespace faelled::residency
