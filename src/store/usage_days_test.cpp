#include "store/usage_days.hpp"

#include <gtest/gtest.h>

namespace faelled::store {
namespace {

WallTime at_us(std::int64_t us) { return from_unix_micros(us); }

TEST(UsageDays, CountsDaysBefore1970Too) {
  EXPECT_EQ(day_of(0), 0);
  EXPECT_EQ(day_of(day_us - 1), 0);
  EXPECT_EQ(day_of(day_us), 1);
  EXPECT_EQ(day_of(-1), -1);
  EXPECT_EQ(day_of(-day_us), -1);
  EXPECT_EQ(day_of(-day_us - 1), -2);
}

TEST(UsageDays, OfWholeDaysLeaveNothingOutside) {
  EXPECT_EQ(days_of({.from = at_us(2 * day_us), .to = at_us(4 * day_us)}), (UsageDays{2, 3, {}}));
}

TEST(UsageDays, OfAQuestionInTheMiddleOfDaysSayWhatWasNotAskedFor) {
  EXPECT_EQ(days_of({.from = at_us(2 * day_us + 5), .to = at_us(3 * day_us + 7)}),
            (UsageDays{2, 3, {{2 * day_us, 2 * day_us + 5}, {3 * day_us + 7, 4 * day_us}}}));
  EXPECT_EQ(days_of({.from = at_us(5), .to = at_us(7)}), (UsageDays{0, 0, {{0, 5}, {7, day_us}}}));
}

TEST(UsageDays, OfAnEmptyTimeAreNone) {
  const UsageDays none = days_of({.from = at_us(7), .to = at_us(7)});
  EXPECT_LT(none.last, none.first);
}

TEST(UsageDays, TakeOffWhatLiesOutsideAndDropWhatIsThenNothing) {
  const std::vector<UsageSum> days{
      {"a", "k", "m", 3, 30, 0, 3}, {"b", "k", "m", 1, 10, 0, 1}, {"c", "k", "m", 9, 9, 9, 9}};
  const std::vector<UsageSum> outside{{"b", "k", "m", 1, 10, 0, 1}, {"a", "k", "m", 1, 10, 0, 1}};
  const UsageSumPage page = page_of(days, outside, 2);
  EXPECT_EQ(page.sums, (std::vector<UsageSum>{{"a", "k", "m", 2, 20, 0, 2}}));
  EXPECT_EQ(page.next, (UsageKey{"b", "k", "m"})) << "where it goes on, though that one itself is gone";
}

TEST(UsageDays, NeverTakeOffMoreThanThereIs) {
  const std::vector<UsageSum> days{{"a", "k", "m", 3, 30, 0, 3}}, outside{{"a", "k", "m", 2, 40, 1, 3}};
  EXPECT_EQ(page_of(days, outside, 2).sums, (std::vector<UsageSum>{{"a", "k", "m", 1, 0, 0, 0}}));
}

}  // namespace
}  // namespace faelled::store
