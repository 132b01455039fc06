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

TEST(Changes, AnEngineThatIsBackBeforeItsOldTicketsHaveEndedServesAgain) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber old = pool.ask("a");
  const TicketNumber next = pool.ask("a");
  pool.step(EngineGone{"e"});
  pool.engine("e", 1);
  EXPECT_EQ(pool.granted(), std::vector{next});
  pool.end(old, 0, Ending::failed);
  EXPECT_TRUE(pool.runs(next));
  const TicketNumber third = pool.ask("a");
  pool.end(next);
  EXPECT_EQ(pool.granted(), std::vector{third});
}

TEST(Changes, AnEngineMayComeBackWithAnotherModel) {
  Pool pool;
  pool.engine("e", 1, "small");
  Wish wish;
  wish.model = "small";
  const TicketNumber old = pool.ask(wish);
  pool.step(EngineGone{"e"});
  pool.engine("e", 1, "large");
  wish.model = "large";
  EXPECT_TRUE(pool.runs(pool.ask(wish)));
  pool.end(old, 10, Ending::failed);
  EXPECT_EQ(pool.of("a").running, 1U);
}

TEST(Changes, ALivingEngineKeepsItsModelAndPrice) {
  Pool pool;
  pool.engine("e", 1, "m");
  pool.step(EngineIs{"e", "other", 5, 1, false, Price{7, 7}});
  Wish wish;
  wish.model = "other";
  EXPECT_TRUE(pool.waits(pool.ask(wish)));
  EXPECT_TRUE(pool.runs(pool.ask("a")));
}

TEST(Changes, TicketsOfAnEngineThatFailedGoElsewhereInTheirOldOrder) {
  Pool pool;
  pool.engine("e", 3);
  const TicketNumber first = pool.ask("a");
  const TicketNumber second = pool.ask("a");
  const TicketNumber third = pool.ask("a");
  const TicketNumber fourth = pool.ask("a");
  pool.step(EngineGone{"e"});
  for (const TicketNumber ticket : {second, first, third}) pool.end(ticket, 0, Ending::returned);
  EXPECT_EQ(pool.scheduler.waiting("m", 10), (std::vector{first, second, third, fourth}));
  pool.engine("f", 2);
  EXPECT_EQ(pool.granted(), (std::vector{first, second}));
}

TEST(Changes, FewerPlacesTakeNothingFromWhatRuns) {
  Pool pool;
  pool.engine("e", 2);
  const TicketNumber first = pool.ask("a");
  const TicketNumber second = pool.ask("a");
  const TicketNumber third = pool.ask("a");
  pool.engine("e", 1);
  EXPECT_TRUE(pool.last.empty());
  pool.end(first);
  EXPECT_TRUE(pool.last.empty());
  pool.end(second);
  EXPECT_EQ(pool.granted(), std::vector{third});
}

TEST(Changes, AnAgreementWithMorePlacesLetsWaitingTicketsGoAtOnceAndOneWithFewerStopsNone) {
  Pool pool;
  pool.agree("a", 1, 1);
  pool.engine("e", 10);
  const TicketNumber first = pool.ask("a");
  const TicketNumber second = pool.ask("a");
  const TicketNumber third = pool.ask("a");
  EXPECT_TRUE(pool.runs(first));
  pool.agree("a", 1, 2);
  EXPECT_EQ(pool.granted(), std::vector{second});
  pool.agree("a", 1, 1);
  pool.end(first);
  EXPECT_TRUE(pool.granted().empty());
  pool.end(second);
  EXPECT_EQ(pool.granted(), std::vector{third});
}

TEST(Changes, AShareThatGrowsWhileTicketsRunCountsAtTheNextChoice) {
  Pool pool;
  pool.agree("a", 1);
  pool.agree("b", 1);
  pool.engine("e", 2);
  const TicketNumber a = pool.ask("a");
  (void)pool.ask("b");
  const TicketNumber more_of_b = pool.ask("b");
  const TicketNumber more_of_a = pool.ask("a");
  pool.agree("a", 3);  // had half of all, may have three quarters
  pool.end(a);
  EXPECT_EQ(pool.granted(), std::vector{more_of_a});
  EXPECT_EQ(pool.of("a").floor, 3 * (pool.of("a").recent + pool.of("b").recent) / 4);
  EXPECT_TRUE(pool.waits(more_of_b));
}

TEST(Changes, AMemberThatLeftWhileItsTicketsRanIsForgottenWithTheLastOfThem) {
  Pool pool;
  pool.agree("a", 5, 3);
  pool.engine("e", 2);
  const TicketNumber first = pool.ask("a");
  const TicketNumber second = pool.ask("a");
  pool.step(Leave{"a"});
  pool.end(first);
  EXPECT_TRUE(pool.scheduler.member("a"));
  pool.end(second);
  EXPECT_FALSE(pool.scheduler.member("a"));
  pool.ask("a");
  EXPECT_EQ(pool.of("a").share, 1U);
  EXPECT_EQ(pool.of("a").places_max, 0U);
}

TEST(Changes, AMemberThatAgreesAgainBeforeItsLastTicketEndsStays) {
  Pool pool;
  pool.agree("a", 5);
  pool.engine("e", 2);
  const TicketNumber first = pool.ask("a");
  pool.step(Leave{"a"});
  pool.agree("a", 7);
  pool.end(first);
  EXPECT_EQ(pool.of("a").share, 7U);
}

}  // namespace
}  // namespace faelled::commons
