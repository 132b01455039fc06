// Why a ticket waits, and what would let it go.
#include <gtest/gtest.h>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

using Cause = Explanation::Cause;
using State = Explanation::State;

TEST(Explain, SaysNothingOfATicketThatIsNotThere) { EXPECT_EQ(Pool().scheduler.explain(7), Explanation{}); }

TEST(Explain, SaysWhereATicketRuns) {
  Pool pool;
  pool.engine("e", 1);
  const Explanation said = pool.scheduler.explain(pool.ask("a"));
  EXPECT_EQ(said.state, State::running);
  EXPECT_EQ(said.engine, "e");
  EXPECT_EQ(said.member, "a");
  EXPECT_EQ(said.model, "m");
  EXPECT_EQ(said.cause, Cause::none);
}

TEST(Explain, NoEngineIsTheCauseWhereNoneOfTheModelTakesTickets) {
  Pool pool;
  const TicketNumber ticket = pool.ask("a");
  EXPECT_EQ(pool.scheduler.explain(ticket).cause, Cause::no_engine);
  pool.engine("e", 0);
  EXPECT_EQ(pool.scheduler.explain(ticket).cause, Cause::no_engine);
  pool.engine("other", 1, "another model");
  EXPECT_EQ(pool.scheduler.explain(ticket).cause, Cause::no_engine);
}

TEST(Explain, ColleaguesAreTheCauseWhereOthersOfOnesMemberGoFirst) {
  Pool pool;
  pool.engine("e", 2);
  pool.ask("a");
  pool.ask("b", 1000);
  const TicketNumber first = pool.ask("a");
  const TicketNumber second = pool.ask("a");
  EXPECT_EQ(pool.scheduler.explain(first).cause, Cause::floor_claims);
  EXPECT_EQ(pool.scheduler.explain(second).cause, Cause::colleagues);
}

TEST(Explain, ABorrowerIsToldHowMuchOfItsFloorItHasHad) {
  Pool pool;
  pool.engine("e", 2);
  pool.ask("a", 700);
  pool.ask("b", 300);
  const TicketNumber ticket = pool.ask("a");
  const Explanation said = pool.scheduler.explain(ticket);
  EXPECT_EQ(said.cause, Cause::borrowing);
  EXPECT_EQ(said.share_percent, 140U);
  EXPECT_EQ(said.position, 1U);
}

TEST(Explain, PositionsAreTheOrderInWhichTheyGo) {
  Pool pool;
  pool.engine("e", 1);
  TicketNumber running = pool.ask("a");
  std::vector<TicketNumber> all;
  for (int i = 0; i < 6; ++i)
    for (const std::string member : {"a", "b", "c"}) all.push_back(pool.ask(member));
  for (std::size_t left = all.size(); left > 0; --left) {
    const std::vector<TicketNumber> order = pool.scheduler.waiting("m", 100);
    ASSERT_EQ(order.size(), left);
    for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(pool.scheduler.explain(order[i]).position, i + 1);
    pool.end(running);
    ASSERT_EQ(pool.granted(), std::vector{order.front()});
    running = order.front();
  }
}

TEST(Explain, OneThatHasAllItsPlacesStandsLast) {
  Pool pool;
  pool.agree("a", 1, 1);
  pool.engine("e", 2);
  pool.ask("a");
  const TicketNumber at_its_limit = pool.ask("a");
  pool.ask("b");
  const TicketNumber other = pool.ask("b");
  EXPECT_EQ(pool.scheduler.waiting("m", 10), (std::vector{other, at_its_limit}));
  EXPECT_EQ(pool.scheduler.explain(at_its_limit).cause, Cause::places);
}

TEST(Explain, TheLineIsCutWhereOneAsksForLess) {
  Pool pool;
  for (int i = 0; i < 10; ++i) pool.ask("a");
  EXPECT_EQ(pool.scheduler.waiting("m", 3), (std::vector<TicketNumber>{1, 2, 3}));
  EXPECT_TRUE(pool.scheduler.waiting("unknown", 3).empty());
  Wish batch;
  batch.member = "b";
  batch.lane = Lane::batch;
  for (int i = 0; i < 12; ++i) {
    pool.ask("b", 100, "caller " + std::to_string(i % 5));
    batch.caller = "caller " + std::to_string(i % 3);
    pool.ask(batch);
  }
  const std::vector<TicketNumber> all = pool.scheduler.waiting("m", 100);
  ASSERT_EQ(all.size(), 34U);
  for (std::size_t limit = 0; limit <= all.size(); ++limit)
    EXPECT_EQ(pool.scheduler.waiting("m", limit), std::vector(all.begin(), all.begin() + static_cast<long>(limit)));
}

TEST(Explain, AMemberThatIsAwayIsToldWhatItWouldFind) {
  Pool pool;
  pool.agree("away", 1);
  pool.agree("here", 1);
  pool.engine("e", 1);
  pool.ask("here", 1000);
  EXPECT_EQ(pool.of("away").floor, 500);
  EXPECT_EQ(pool.of("here").floor, 1000);
}

}  // namespace
}  // namespace faelled::commons
