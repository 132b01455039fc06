#include "members/size_key.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::members {
namespace {

// OS2's classes: under 25,000, 25–60,000, 60–120,000 and over 120,000 inhabitants.
SizeKey classes() {
  SizeKey key;
  key.kind = KeyKind::size_class;
  key.bands = {{25'000, 22}, {60'000, 32}, {120'000, 42}, {std::nullopt, 52}};
  return key;
}

SizeKey linear(std::int64_t each, std::int64_t per, std::optional<std::int64_t> knee = {}, std::int64_t above = 0) {
  SizeKey key;
  key.kind = KeyKind::inhabitants;
  key.each = each;
  key.per = per;
  key.knee = knee;
  key.above = above;
  return key;
}

TEST(SizeKey, ABandBeginsWithItsFirstInhabitant) {
  ASSERT_TRUE(check(classes()));
  for (const auto& [inhabitants, value] :
       {std::pair(1, 22), std::pair(24'999, 22), std::pair(25'000, 32), std::pair(59'999, 32), std::pair(60'000, 42),
        std::pair(119'999, 42), std::pair(120'000, 52), std::pair(100'000'000, 52)})
    EXPECT_EQ(value_of(classes(), inhabitants), value) << inhabitants;
}

TEST(SizeKey, OfOneBandIsTheSameForAll) {
  SizeKey key;
  key.kind = KeyKind::size_class;
  key.bands = {{std::nullopt, 7}};
  ASSERT_TRUE(check(key));
  EXPECT_EQ(value_of(key, 1), 7);
  EXPECT_EQ(value_of(key, limits::inhabitants_max), 7);
}

// 25 kr a year for each inhabitant, half of it above 150,000: in oere and months.
TEST(SizeKey, AKneeMakesTheRestCheaper) {
  const SizeKey key = linear(2'500, 12, 150'000, 1'250);
  ASSERT_TRUE(check(key));
  EXPECT_EQ(value_of(key, 12), 2'500);
  EXPECT_EQ(value_of(key, 150'000), 31'250'000);
  EXPECT_EQ(value_of(key, 150'012), 31'250'000 + 1'250);
  EXPECT_EQ(value_of(key, 300'000), 31'250'000 + 15'625'000);
}

TEST(SizeKey, RoundsOnceAndHalfUp) {
  const SizeKey per_thousand = linear(1, 1'000);
  EXPECT_EQ(value_of(per_thousand, 499), 0);
  EXPECT_EQ(value_of(per_thousand, 500), 1);
  EXPECT_EQ(value_of(per_thousand, 1'499), 1);
  EXPECT_EQ(value_of(per_thousand, 1'500), 2);
  EXPECT_EQ(value_of(linear(1, 3, 1, 1), 2), 1) << "2/3, and not two times one third rounded";
}

TEST(SizeKey, NeverGivesTheLargerLess) {
  for (const SizeKey& key : {classes(), linear(2'500, 12, 150'000, 1'250), linear(1, 997, 50'000, 0)}) {
    std::int64_t before = 0;
    for (std::int64_t inhabitants = 1; inhabitants < 400'000; inhabitants += 37) {
      const std::int64_t value = value_of(key, inhabitants);
      ASSERT_GE(value, before) << inhabitants;
      before = value;
    }
  }
}

TEST(SizeKey, StaysWholeWhereAllIsAsLargeAsItMayBe) {
  const SizeKey key = linear(1'000'000'000, 1, 1, 1'000'000'000);
  ASSERT_TRUE(check(key));
  EXPECT_EQ(value_of(key, limits::inhabitants_max), 100'000'000'000'000'000);
}

TEST(SizeKey, RefusesTablesThatDoNotSayOneValueForEachSize) {
  const auto wrong = [](auto change) {
    SizeKey key = classes();
    change(key);
    return check(key).error().code == Errc::invalid;
  };
  EXPECT_TRUE(wrong([](SizeKey& key) { key.bands.clear(); }));
  EXPECT_TRUE(wrong([](SizeKey& key) { key.bands.pop_back(); })) << "the largest have none";
  EXPECT_TRUE(wrong([](SizeKey& key) { key.bands[1].below = 25'000; })) << "an empty band";
  EXPECT_TRUE(wrong([](SizeKey& key) { std::swap(key.bands[0], key.bands[1]); }));
  EXPECT_TRUE(wrong([](SizeKey& key) { key.bands[0].below = 0; }));
  EXPECT_TRUE(wrong([](SizeKey& key) { key.bands[0].value = -1; }));
  EXPECT_TRUE(wrong([](SizeKey& key) { key.bands[1].below.reset(); })) << "what comes behind is for nobody";
  EXPECT_TRUE(wrong([](SizeKey& key) { key.bands.insert(key.bands.begin(), 60, {1, 1}); }));
  EXPECT_FALSE(check(linear(-1, 1)));
  EXPECT_FALSE(check(linear(1, 0)));
  EXPECT_FALSE(check(linear(1, 1, 0)));
  EXPECT_FALSE(check(linear(1, 1, 10, -1)));
  EXPECT_TRUE(check(SizeKey{})) << "fixed";
}

}  // namespace
}  // namespace faelled::members
