// An engine that has no room for what it was granted, and limits on a member's places.
#include <gtest/gtest.h>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

Wish of(const std::string& member, const std::string& model, std::uint32_t work = 100) {
  Wish wish;
  wish.member = member;
  wish.model = model;
  wish.work = work;
  return wish;
}

TEST(Decline, TheTicketKeepsItsPlaceAndTheRoomIsKeptForIt) {
  Pool pool;
  pool.paced_engine("e");
  const TicketNumber large = pool.ask("a", 1000);
  pool.step(Room{"e", 1});
  EXPECT_EQ(pool.granted(), std::vector{large});
  pool.step(Declined{large});
  EXPECT_TRUE(pool.granted().empty());
  const TicketNumber small = pool.ask("a", 1);
  EXPECT_TRUE(pool.granted().empty());
  pool.step(Room{"e", 2});
  EXPECT_EQ(pool.granted(), (std::vector{large, small}));
}

TEST(Decline, AFloorClaimThatDidNotFitHasTheNextRoomBeforeEveryBorrower) {
  Pool pool;
  pool.paced_engine("e");
  pool.ask("borrower", 500);
  pool.step(Room{"e", 1});
  pool.ask("borrower", 10);
  const TicketNumber claim = pool.ask("claimant", 1000);
  pool.step(Room{"e", 1});
  EXPECT_EQ(pool.granted(), std::vector{claim});
  for (int i = 0; i < 10; ++i) {
    pool.step(Declined{claim});
    pool.ask("borrower", 10);
    EXPECT_TRUE(pool.granted().empty());
    pool.step(Room{"e", 1});
    EXPECT_EQ(pool.granted(), std::vector{claim});
  }
}

TEST(Decline, CostsNothing) {
  Pool pool;
  pool.paced_engine("e");
  const TicketNumber ticket = pool.ask("a", 1000);
  pool.step(Room{"e", 1});
  EXPECT_EQ(pool.of("a").outstanding, 1000);
  pool.step(Declined{ticket});
  EXPECT_EQ(pool.of("a").outstanding, 0);
  EXPECT_EQ(pool.of("a").recent, 0);
  EXPECT_EQ(pool.of("a").running, 0U);
  EXPECT_EQ(pool.of("a").waiting, 1U);
}

TEST(Decline, AnotherEngineWithRoomTakesTheTicketAtOnce) {
  Pool pool;
  pool.paced_engine("e");
  pool.paced_engine("f");
  pool.step(Room{"f", 1});
  pool.step(Room{"e", 1});
  const TicketNumber ticket = pool.ask("a");
  const std::string first = pool.grants().at(0).engine;
  pool.step(Declined{ticket});
  EXPECT_EQ(pool.granted(), std::vector{ticket});
  EXPECT_NE(pool.grants().at(0).engine, first);
}

TEST(Decline, AnEngineThatIsNotPacedIsAskedAgainAtAnEndOrTheNextTick) {
  Pool pool;
  pool.engine("e", 2);
  const TicketNumber first = pool.ask("a");
  const TicketNumber second = pool.ask("a");
  pool.step(Declined{second});
  EXPECT_TRUE(pool.granted().empty());
  pool.end(first);
  EXPECT_EQ(pool.granted(), std::vector{second});
  pool.step(Declined{second});
  EXPECT_TRUE(pool.granted().empty());
  pool.pass(std::chrono::seconds(1));
  EXPECT_EQ(pool.granted(), std::vector{second});
}

TEST(Decline, FreesTheMembersPlaceForItsOtherModels) {
  Pool pool;
  pool.agree("a", 1, 1);
  pool.paced_engine("e", "large");
  pool.engine("f", 1, "small");
  const TicketNumber large = pool.ask(of("a", "large"));
  pool.step(Room{"e", 1});
  const TicketNumber small = pool.ask(of("a", "small"));
  EXPECT_TRUE(pool.waits(small));
  pool.step(Declined{large});
  EXPECT_EQ(pool.granted(), std::vector{small});
}

TEST(Places, AreALimitOnWhatRunsAtOnce) {
  Pool pool;
  pool.agree("a", 1, 2);
  pool.engine("e", 10);
  const TicketNumber first = pool.ask("a");
  pool.ask("a");
  const TicketNumber third = pool.ask("a");
  EXPECT_TRUE(pool.waits(third));
  EXPECT_TRUE(pool.runs(pool.ask("b")));
  pool.end(first);
  EXPECT_EQ(pool.granted(), std::vector{third});
}

TEST(Places, OfALargeModelCountMoreAndAreOneLimitOverAllModels) {
  Pool pool;
  pool.agree("a", 1, 4);
  pool.engine("e", 10, "small", 1);
  pool.engine("f", 10, "large", 4);
  const TicketNumber small = pool.ask(of("a", "small"));
  const TicketNumber large = pool.ask(of("a", "large"));
  EXPECT_TRUE(pool.waits(large));
  const TicketNumber another = pool.ask(of("a", "small"));
  EXPECT_TRUE(pool.runs(another));
  pool.end(small);
  EXPECT_TRUE(pool.waits(large));
  pool.end(another);
  EXPECT_EQ(pool.granted(), std::vector{large});
  EXPECT_EQ(pool.of("a").places, 4U);
  const TicketNumber waits = pool.ask(of("a", "small"));
  EXPECT_TRUE(pool.waits(waits));
  EXPECT_EQ(pool.scheduler.explain(waits).cause, Explanation::Cause::places);
  pool.end(large);
  EXPECT_EQ(pool.granted(), std::vector{waits});
}

TEST(Places, AMemberAtItsLimitHoldsNobodyElseBack) {
  Pool pool;
  pool.agree("a", 100, 1);
  pool.engine("e", 3);
  pool.ask("a");
  pool.ask("a");
  EXPECT_TRUE(pool.runs(pool.ask("b")));
  EXPECT_TRUE(pool.runs(pool.ask("c")));
}

TEST(Places, ARequestThatNeedsMoreThanTheAgreementHasWaitsUntilItsDeadline) {
  Pool pool;
  pool.agree("a", 1, 1);
  pool.engine("e", 10, "large", 4);
  Wish wish = of("a", "large");
  wish.patience = std::chrono::seconds(30);
  const TicketNumber ticket = pool.ask(wish);
  EXPECT_EQ(pool.scheduler.explain(ticket).cause, Explanation::Cause::places);
  pool.pass(std::chrono::seconds(30));
  EXPECT_EQ(pool.last, (std::vector<Action>{Expire{ticket}}));
}

}  // namespace
}  // namespace faelled::commons
