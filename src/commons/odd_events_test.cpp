// Events that race, lie, repeat, or come in numbers.
#include <gtest/gtest.h>

#include <set>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

using std::chrono::seconds;

TEST(OddEvents, ADeadlinePassesOnceAndNoEndFollows) {
  Pool pool;
  Wish wish;
  wish.patience = seconds(30);
  const TicketNumber ticket = pool.ask(wish);
  EXPECT_EQ(pool.scheduler.next_tick(), pool.now + seconds(10));  // the next settlement
  pool.pass(seconds(29));
  EXPECT_TRUE(pool.last.empty());
  EXPECT_EQ(pool.scheduler.next_tick(), pool.now + seconds(1));
  pool.pass(seconds(1));
  EXPECT_EQ(pool.last, (std::vector<Action>{Expire{ticket}}));
  pool.pass(seconds(30));
  EXPECT_TRUE(pool.last.empty());
  pool.engine("e", 1);
  pool.step(End{ticket, Ending::cancelled, 0, 0});
  EXPECT_TRUE(pool.last.empty());
  EXPECT_EQ(pool.scheduler.waiting() + pool.scheduler.running(), 0U);
}

TEST(OddEvents, ADeadlineIsOfTheWaitAndNotOfWhatRuns) {
  Pool pool;
  pool.engine("e", 1);
  Wish wish;
  wish.patience = seconds(30);
  const TicketNumber ticket = pool.ask(wish);
  pool.pass(seconds(3600));
  EXPECT_TRUE(pool.runs(ticket));
}

TEST(OddEvents, AClockThatRunsBackwardsStandsStill) {
  Pool pool;
  Wish wish;
  wish.patience = seconds(30);
  const TicketNumber ticket = pool.ask(wish);
  pool.pass(seconds(20));
  pool.pass(seconds(-1'000'000));
  EXPECT_TRUE(pool.last.empty());
  EXPECT_TRUE(pool.waits(ticket));
  pool.pass(seconds(1'000'000 + 9));
  EXPECT_TRUE(pool.waits(ticket));
  pool.pass(seconds(1));
  EXPECT_EQ(pool.last, (std::vector<Action>{Expire{ticket}}));
}

TEST(OddEvents, AClockThatJumpsAYearAheadExpiresAllAndServesOn) {
  Pool pool;
  for (int i = 0; i < 100; ++i) pool.ask("a");
  pool.pass(std::chrono::hours(24 * 365));
  EXPECT_EQ(pool.last.size(), 100U);
  pool.engine("e", 1);
  EXPECT_TRUE(pool.runs(pool.ask("a")));
}

TEST(OddEvents, TenThousandRequestsAtOnceFromOneClientCostTheOthersNothing) {
  Pool pool;
  pool.engine("e", 4);
  std::vector<TicketNumber> running;
  for (int i = 0; i < 10'000; ++i) {
    pool.ask("flood", 100, "one client");
    for (const TicketNumber ticket : pool.granted()) running.push_back(ticket);
  }
  EXPECT_EQ(running.size(), 4U);
  const TicketNumber modest = pool.ask("modest");
  EXPECT_EQ(pool.scheduler.explain(modest).position, 1U);
  pool.end(running[0]);
  EXPECT_EQ(pool.granted(), std::vector{modest});
  for (TicketNumber ticket = 1; ticket <= 10'000; ++ticket) pool.step(End{ticket, Ending::cancelled, 0, 0});
  pool.end(modest);
  EXPECT_EQ(pool.scheduler.waiting() + pool.scheduler.running(), 0U);
}

TEST(OddEvents, WhatNamesNothingThatIsThereChangesNothing) {
  Pool pool;
  pool.agree("a", 3);
  pool.engine("e", 1);
  pool.ask("a");
  pool.ask("a");
  const auto before = pool.scheduler.members();
  for (const Event& event :
       std::vector<Event>{Leave{"nobody"}, EngineGone{"nowhere"}, Room{"nowhere", 5}, Declined{99}, Progress{99, 1, 1},
                          End{99, Ending::done, 1, 1}, End{99, Ending::returned, 1, 1}, Declined{2}, Progress{2, 9, 9},
                          End{2, Ending::returned, 9, 9}}) {
    pool.step(event);
    EXPECT_TRUE(pool.last.empty()) << event.index();
    EXPECT_EQ(pool.scheduler.members(), before) << event.index();
  }
}

TEST(OddEvents, ATicketThatArrivesTwiceIsOne) {
  Pool pool;
  pool.engine("e", 2);
  Arrive arrive;
  arrive.ticket = 1;
  arrive.member = "a";
  arrive.model = "m";
  arrive.deadline = pool.now + seconds(100);
  pool.step(arrive);
  EXPECT_EQ(pool.granted().size(), 1U);
  arrive.member = "b";
  pool.step(arrive);
  EXPECT_TRUE(pool.last.empty());
  EXPECT_FALSE(pool.scheduler.member("b"));
}

TEST(OddEvents, AnEndThatComesTwiceCountsOnce) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber ticket = pool.ask("a");
  pool.end(ticket);
  pool.end(ticket);
  EXPECT_EQ(pool.of("a").delivered, 100);
}

TEST(OddEvents, MembersModelsAndCallersThatNobodyKnowsWaitAndLeaveNoLineBehind) {
  Pool pool;
  for (int i = 0; i < 1000; ++i) {
    Wish wish;
    wish.member = "unknown";
    wish.model = "model " + std::to_string(i);
    wish.patience = seconds(i % 2 == 0 ? 10 : 20);
    const TicketNumber ticket = pool.ask(wish);
    if (i % 3 == 0) pool.step(End{ticket, Ending::cancelled, 0, 0});
  }
  pool.pass(seconds(30));
  EXPECT_EQ(pool.scheduler.waiting(), 0U);
  EXPECT_TRUE(pool.scheduler.waiting("model 1", 1).empty());
  EXPECT_EQ(pool.of("unknown").waiting, 0U);
}

TEST(OddEvents, SharesOfNothingCountAsOne) {
  Pool pool;
  pool.agree("none", 0);
  pool.agree("one", 1);
  EXPECT_EQ(pool.of("none").share, 1U);
  pool.engine("e", 1);
  const TicketNumber running = pool.ask("one");
  pool.ask("one");
  const TicketNumber claim = pool.ask("none");
  pool.end(running);
  EXPECT_EQ(pool.granted(), std::vector{claim});
}

TEST(OddEvents, APacedEngineGetsNoMoreThanItAskedFor) {
  Pool pool;
  pool.paced_engine("e");
  for (int i = 0; i < 5; ++i) pool.ask("a");
  EXPECT_EQ(pool.scheduler.running(), 0U);
  pool.step(Room{"e", 2});
  EXPECT_EQ(pool.granted().size(), 2U);
  pool.step(Room{"e", 0});
  EXPECT_TRUE(pool.last.empty());
  pool.end(1);
  EXPECT_TRUE(pool.last.empty());
  pool.step(Room{"e", 1});
  EXPECT_EQ(pool.granted().size(), 1U);
}

TEST(OddEvents, AnyTimeIsATime) {
  for (const Instant start : {Instant{seconds(-5)}, Instant{}, Instant{std::chrono::hours(24 * 365 * 50)}}) {
    Pool pool;
    pool.now = start;
    pool.engine("e", 1);
    const TicketNumber first = pool.ask("a");
    EXPECT_EQ(pool.of("a").recent, 100);
    const TicketNumber second = pool.ask("b");
    pool.end(first);
    EXPECT_EQ(pool.granted(), std::vector{second});
  }
}

}  // namespace
}  // namespace faelled::commons
