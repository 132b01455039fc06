#include "gateway/refusal_log.hpp"

#include <gtest/gtest.h>

namespace faelled::gateway {
namespace {

std::string told(RefusalCounts& counts) {
  std::string all;
  for (const auto& sum : counts.take()) all += sum.address + "+" + std::to_string(sum.more) + " ";
  return all;
}

TEST(RefusalCounts, SayTheFirstOfAnAddressAndCountTheRest) {
  RefusalCounts counts(10);
  EXPECT_TRUE(counts.add("192.0.2.1:4000"));
  for (int port = 5000; port < 5999; ++port) EXPECT_FALSE(counts.add("192.0.2.1:" + std::to_string(port)));
  EXPECT_TRUE(counts.add("[2001:db8::1]:1"));
  EXPECT_TRUE(counts.add("203.0.113.9 by 192.0.2.1:4000"));
  EXPECT_FALSE(counts.add("203.0.113.9 by 192.0.2.1:4001"));
  EXPECT_EQ(told(counts), "192.0.2.1+999 203.0.113.9+1 ") << "what was said in full needs no sum";
  EXPECT_TRUE(counts.empty());
  EXPECT_TRUE(counts.add("192.0.2.1:4000")) << "another interval";
}

// Invariant: everything bounded
TEST(RefusalCounts, HoldNoMoreAddressesThanTheirBound) {
  RefusalCounts counts(2);
  int said = 0;
  for (int i = 0; i < 100'000; ++i) said += counts.add("10.0." + std::to_string(i) + ":1") ? 1 : 0;
  EXPECT_EQ(said, 2);
  EXPECT_EQ(told(counts), "others+99998 ");
}

}  // namespace
}  // namespace faelled::gateway
