// Batch work that gives way to people.
#include <gtest/gtest.h>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

Wish batch_of(const std::string& member, const std::string& caller = "nightly") {
  Wish wish;
  wish.member = member;
  wish.caller = caller;
  wish.lane = Lane::batch;
  wish.revocable = true;
  return wish;
}

TEST(Batch, OfABorrowerIsTakenBackForAPersonsFloorClaimAndReturnsToItsPlaceInLine) {
  Pool pool;
  pool.engine("e", 2);
  const TicketNumber first = pool.ask(batch_of("night"));
  const TicketNumber second = pool.ask(batch_of("night"));
  const TicketNumber third = pool.ask(batch_of("night"));
  const TicketNumber person = pool.ask("day");
  EXPECT_EQ(pool.last, (std::vector<Action>{Revoke{second, person}}));
  pool.step(End{second, Ending::returned, 50, 0});
  EXPECT_EQ(pool.granted(), std::vector{person});
  EXPECT_EQ(pool.scheduler.waiting("m", 10), (std::vector{second, third}));
  pool.end(first);
  EXPECT_EQ(pool.granted(), std::vector{second});
}

// Else it had its place again in the same step, was taken back again, and so on without end.
TEST(Batch, ThatWouldHaveItsPlaceBackByItsEntitlementIsNotTakenBackForABorrower) {
  Pool pool;
  pool.agree("idle", 98);
  pool.agree("night", 1);
  pool.agree("day", 1);
  pool.step(Capacity{100});
  pool.engine("e", 1);
  pool.end(pool.ask("day", 500), 500);
  Wish batch = batch_of("night");
  batch.work = 1000;
  const TicketNumber running = pool.ask(batch);
  ASSERT_TRUE(pool.runs(running));
  const TicketNumber person = pool.ask("day", 100);
  EXPECT_TRUE(pool.last.empty()) << "it is above its entitlement, and the batch would not be";
  pool.end(running, 1000);
  EXPECT_EQ(pool.granted(), std::vector{person});
}

TEST(Batch, IsTakenBackForAPersonThatComesBelowItsFloorWhileItWaits) {
  Pool pool;
  pool.engine("e", 2);
  pool.end(pool.ask("day", 1000), 1000);
  const TicketNumber batch = pool.ask(batch_of("night"));
  const TicketNumber other = pool.ask("other");
  const TicketNumber person = pool.ask("day", 100);
  EXPECT_TRUE(pool.last.empty()) << "it has had more than the others";
  pool.step(Progress{batch, 3000, 0});
  EXPECT_TRUE(pool.last.empty());
  pool.pass(std::chrono::seconds(1));
  EXPECT_EQ(pool.last, (std::vector<Action>{Revoke{batch, person}}));
  pool.pass(std::chrono::seconds(1));
  EXPECT_TRUE(pool.last.empty()) << "one at a time";
  EXPECT_TRUE(pool.runs(other));
}

TEST(Batch, OneIsTakenBackAtATime) {
  Pool pool;
  pool.engine("e", 2);
  pool.ask(batch_of("night"));
  const TicketNumber second = pool.ask(batch_of("night"));
  pool.ask("day");
  EXPECT_EQ(pool.last.size(), 1U);
  pool.ask("day");
  EXPECT_TRUE(pool.last.empty());
  pool.step(End{second, Ending::done, 100, 0});  // it was done before it could be taken back
  EXPECT_EQ(pool.granted().size(), 1U);
}

TEST(Batch, OfOnesOwnMemberGivesWayToItsPeople) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber own = pool.ask(batch_of("a"));
  const TicketNumber person = pool.ask("a", 100, "person");
  EXPECT_EQ(pool.last, (std::vector<Action>{Revoke{own, person}}));
  pool.step(End{own, Ending::returned, 0, 0});
  EXPECT_EQ(pool.granted(), std::vector{person});
}

TEST(Batch, IsNotTakenBackWhereSomethingIsFreeOrForBatchOrForABorrower) {
  Pool pool;
  pool.engine("e", 2);
  pool.ask(batch_of("night"));
  EXPECT_TRUE(pool.runs(pool.ask("day")));
  pool.ask(batch_of("other"));
  EXPECT_TRUE(pool.last.empty());
  pool.ask("day", 1, "colleague");  // has had more than a third of all
  EXPECT_TRUE(pool.last.empty());
}

TEST(Batch, OfAMemberBelowItsFloorIsNotTakenBackForOthers) {
  Pool pool;
  pool.agree("night", 10);
  pool.engine("e", 2);
  pool.ask("day", 1000);
  pool.ask(batch_of("night"));
  pool.ask("evening", 100);
  EXPECT_TRUE(pool.last.empty());
}

TEST(Batch, ThatIsNotRevocableRunsToItsEnd) {
  Pool pool;
  pool.engine("e", 1);
  Wish wish = batch_of("night");
  wish.revocable = false;
  pool.ask(wish);
  pool.ask("day");
  EXPECT_TRUE(pool.last.empty());
}

TEST(Batch, PeopleAreNeverTakenBackWhateverTheEventSays) {
  Pool pool;
  pool.engine("e", 1);
  Wish person;
  person.revocable = true;
  pool.ask(person);
  pool.ask("b");
  EXPECT_TRUE(pool.last.empty());
}

TEST(Batch, OnAnEngineThatHasGoneIsNotTakenBackAsThatMakesNoRoom) {
  Pool pool;
  pool.engine("e", 1);
  pool.ask(batch_of("night"));
  pool.step(EngineGone{"e"});
  pool.ask("day");
  EXPECT_TRUE(pool.last.empty());
}

TEST(Batch, OnAnEngineWithTooFewPlacesIsNotTakenBackUntilThatMakesRoom) {
  Pool pool;
  pool.engine("e", 2);
  pool.ask(batch_of("night"));
  pool.ask(batch_of("night"));
  pool.engine("e", 1);
  pool.ask("day");
  EXPECT_TRUE(pool.last.empty());
}

TEST(Batch, ThatIsReturnedWithoutHavingBeenTakenBackWaitsAgain) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber ticket = pool.ask("a");
  const TicketNumber next = pool.ask("a");
  pool.step(EngineGone{"e"});
  pool.step(End{ticket, Ending::returned, 0, 0});
  EXPECT_EQ(pool.scheduler.waiting("m", 10), (std::vector{ticket, next}));
}

}  // namespace
}  // namespace faelled::commons
