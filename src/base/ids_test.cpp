#include "base/ids.hpp"

#include <gtest/gtest.h>

#include "base/plain_name.hpp"

namespace faelled {
namespace {

TEST(Ids, HaveAFixedLengthAndSortByTime) {
  SeededRandom random(1);
  ManualClock clock;
  const std::string first = make_id("req_", clock.wall(), random);
  clock.advance(1ms);
  const std::string second = make_id("req_", clock.wall(), random);
  EXPECT_EQ(first.size(), 30U);
  EXPECT_EQ(second.size(), 30U);
  EXPECT_LT(first, second);
  EXPECT_TRUE(is_id("req_", first));
}

TEST(Ids, KnowsWhatIsNoId) {
  EXPECT_FALSE(is_id("req_", "req_"));
  EXPECT_FALSE(is_id("req_", "req_01JD9Z8V3M6Q8Y4T2K7N5R0WXU"));  // U is no Crockford digit
  EXPECT_FALSE(is_id("key_", "req_01JD9Z8V3M6Q8Y4T2K7N5R0WXA"));
}

TEST(Ids, EncodeTheTimeAsUlidDoes) {
  SeededRandom random(1);
  // The ULID specification's example: 1469918176385 ms is 01ARYZ6S41.
  EXPECT_EQ(make_ulid(from_unix_micros(1469918176385'000), random).substr(0, 10), "01ARYZ6S41");
}

TEST(Ids, SecretsCarryAllTheirBits) {
  SystemRandom random;
  EXPECT_EQ(random_text(20, random).size(), 32U);
  EXPECT_NE(random_text(20, random), random_text(20, random));
}

TEST(PlainName, IsVisibleAsciiWithoutQuotesAndBackslash) {
  EXPECT_TRUE(is_plain_name("org/best:1"));
  for (const char* name : {"a b", "a\"", "a\\", "\xc3\xa6"}) EXPECT_FALSE(is_plain_name(name)) << name;
}

}  // namespace
}  // namespace faelled
