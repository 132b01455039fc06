// What changes while tickets run: engines, prices, agreements, members. All of it races with what runs.
#include <gtest/gtest.h>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

TEST(Changes, APriceThatChangesCountsFromTheNextGrantOn) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber first = pool.ask("a", 100);
  pool.step(EngineIs{"e", "m", 1, 1, false, Price{100, 200}});
  pool.step(Progress{first, 50, 10});  // half of the prompt was cached
  EXPECT_EQ(pool.of("a").delivered, 50 + 10 * 2);
  pool.step(End{first, Ending::done, 50, 10});
  EXPECT_EQ(pool.of("a").delivered, 70);
  EXPECT_EQ(pool.of("a").outstanding, 0);
  EXPECT_EQ(pool.of("a").recent, 70);
  const TicketNumber second = pool.ask("a", 100);
  pool.step(End{second, Ending::done, 100, 0});
  EXPECT_EQ(pool.of("a").delivered, 70 + 100 * 100);
}

TEST(Changes, APriceOfNothingThatBecomesOneIsNoFault) {
  Pool pool;
  pool.step(EngineIs{"e", "m", 1, 1, false, Price{0, 0}});
  const TicketNumber first = pool.ask("a", 100);
  pool.step(EngineIs{"e", "m", 1, 1, false, Price{1, 2}});
  pool.step(Progress{first, 50, 10});
  pool.end(first, 50);
  EXPECT_EQ(pool.of("a").recent, 0);
}

TEST(Changes, PlacesOfAModelThatChangeCountFromTheNextGrantOn) {
  Pool pool;
  pool.agree("a", 1, 4);
  pool.engine("e", 10, "m", 1);
  const TicketNumber first = pool.ask("a");
  pool.engine("e", 10, "m", 2);
  EXPECT_EQ(pool.of("a").places, 1U);
  const TicketNumber second = pool.ask("a");
  EXPECT_EQ(pool.of("a").places, 3U);
  pool.end(first);
  EXPECT_EQ(pool.of("a").places, 2U);
  pool.end(second);
  EXPECT_EQ(pool.of("a").places, 0U);
}

}  // namespace
}  // namespace faelled::commons
