// What an operator says, and the way back from it; and engines that never become ready.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Where = ModelState::Where;

TEST(LoadWas, IsBelievedOfTheSameModelUntilALoadIsMeasured) {
  World world(40);
  world.add({20, 20});
  world.tell(LoadWas{0, 20, seconds(2)});
  world.tell(LoadWas{1, 19, seconds(2)});
  world.tell(LoadWas{99, 20, seconds(2)});
  EXPECT_EQ(world.at(0).load, seconds(2));
  EXPECT_EQ(world.at(1).load, seconds(20)) << "it was another model then";
  EXPECT_EQ(world.planner.measured(0)->load, seconds(2)) << "the next process may have it too";
  EXPECT_FALSE(world.planner.measured(1) || world.planner.measured(99));
  world.tell(LoadWas{0, 20, seconds(3)});
  EXPECT_EQ(world.at(0).load, seconds(2));
  world.serve(0);
  world.tell(EngineIs{0, 0, EngineState::ready, 0, seconds(21)});
  EXPECT_EQ(world.planner.measured(0)->load, seconds(21));
  world.tell(Order{0, Act::renew});
  EXPECT_FALSE(world.planner.measured(0)) << "it is another model now";
}

// What is in the system's cache is read in no time, and after the machine's own restart it is not there.
TEST(LoadWas, QuickOnceMakesNoneOverdueThatTakesAsLongAsThought) {
  World world(30);
  world.add({20, 20});
  world.tell(LoadWas{0, 20, seconds(2)});
  world.stuck = 0;
  (void)world.ask(0);
  (void)world.ask(1);
  (void)world.does();
  world.pass(seconds(79));
  EXPECT_THAT(world.does(), IsEmpty());
  world.pass(seconds(1));
  EXPECT_THAT(world.does(), Contains(Unload{0, Cause::overdue, 1}));
}

TEST(Overdue, OneThatNeverBecomesReadyMakesRoomForWhoIsWaitedFor) {
  World world(10);
  world.add({8, 8});
  world.stuck = 0;
  const TicketNumber first = world.ask(0);
  const TicketNumber other = world.ask(1);
  (void)world.does();
  world.pass(seconds(59));
  EXPECT_THAT(world.does(), IsEmpty()) << "it may still come";
  EXPECT_EQ(world.at(0).ready_in, seconds(51)) << "as late as it is";
  world.pass(seconds(1));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::overdue, 1}, Load{1, 0, Cause::asked}));
  EXPECT_EQ(world.at(0).cause, Cause::overdue);
  world.stuck.reset();
  world.pass(seconds(9));
  EXPECT_TRUE(world.endings().contains(other));
  world.pass(seconds(60));
  EXPECT_TRUE(world.endings().contains(first)) << "it is tried again";
}

TEST(Overdue, ItsNextTriesAreFurtherAndFurtherApart) {
  World world(10);
  world.add({8, 8});
  world.stuck = 0;
  world.ask(0);
  std::size_t tries = 0;
  for (int minute = 0; minute < 60; ++minute) {
    world.ask(1);
    for (const Action& action : world.does())
      if (const auto* load = std::get_if<Load>(&action); load != nullptr && load->model == 0) ++tries;
    world.pass(seconds(60));
  }
  EXPECT_GE(tries, 5U);
  EXPECT_LE(tries, 12U) << "five minutes apart in the end";
  EXPECT_GE(world.ended(), 50U) << "the other has the room at least as long, and its line waits for it";
}

// Its file lies on a slow disk, and nobody has seen it loaded yet.
TEST(Overdue, OneThatIsOnlySlowComesInTheEnd) {
  World world(10);
  world.add({8, 8});
  world.stuck = 0;  // by itself
  const TicketNumber ticket = world.ask(0);
  const Duration takes = seconds(200);
  for (int second = 0; second < 3600 && !world.endings().contains(ticket); ++second) {
    if (second % 30 == 0) world.ask(1);
    const auto state = world.at(0);
    if (state.where == Where::loading && world.now - state.since >= takes) world.become_ready(0);
    world.pass(seconds(1));
  }
  EXPECT_TRUE(world.endings().contains(ticket));
}

TEST(Overdue, ALoadMayTakeFourTimesAsLongAsItWasThought) {
  World world(100);
  world.add({80, 80});
  world.stuck = 0;
  world.ask(0);
  world.ask(1);
  (void)world.does();
  world.pass(seconds(319));
  EXPECT_THAT(world.does(), IsEmpty());
  world.pass(seconds(1));
  EXPECT_THAT(world.does(), Contains(Unload{0, Cause::overdue, 1}));
}

TEST(Overdue, WhereNobodyElseWaitsItGoesOn) {
  World world(10);
  world.add({8, 8});
  world.stuck = 0;
  world.ask(0);
  (void)world.does();
  world.pass(seconds(3600));
  EXPECT_THAT(world.does(), IsEmpty());
  world.tell(EngineIs{0, 0, EngineState::ready, 0, {}});
  EXPECT_EQ(world.at(0).where, Where::ready);
}

TEST(Overdue, WhatIsPinnedStaysAndWhatWasOrderedDoesNot) {
  for (const Act act : {Act::pin, Act::load}) {
    World world(10);
    world.add({8, 8});
    world.stuck = 0;
    world.tell(Order{0, act});
    world.ask(1);
    world.pass(seconds(100));
    EXPECT_EQ(world.ended(), act == Act::pin ? 0U : 1U);
    EXPECT_EQ(world.at(0).where, act == Act::pin ? Where::loading : Where::absent) << "its order is spent";
  }
}

// A model in use, of which one answer runs.
class OrderTest : public testing::Test {
 protected:
  OrderTest() {
    world.add({8, 8});
    for (const ModelNumber m : {0U, 1U}) world.tell(ModelIs{m, 8, seconds(8), 1, false, false, 7, 1});
    world.answer_takes = seconds(100);
    world.falls_asleep_in = seconds(3);
    world.ask(0);
    world.pass(seconds(9));
    (void)world.does();
  }
  World world{10, {}, 7};
};

TEST_F(OrderTest, ToGoIsTakenBackWhileAnswersRun) {
  world.tell(Order{0, Act::unload});
  EXPECT_THAT(world.does(), ElementsAre(Drain{0, Cause::ordered}));
  world.tell(Order{0, Act::load});
  EXPECT_THAT(world.does(), ElementsAre(Serve{0}));
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_EQ(world.at(0).cause, Cause::ordered);
  world.pass(seconds(200));
  EXPECT_THAT(world.does(), IsEmpty()) << "it stays";
}

TEST_F(OrderTest, ToSleepIsTakenBackWhileAnswersRun) {
  world.tell(Order{0, Act::sleep});
  EXPECT_THAT(world.does(), ElementsAre(Drain{0, Cause::ordered}));
  EXPECT_TRUE(world.at(0).asleep_soon);
  world.tell(Order{0, Act::wake});
  EXPECT_THAT(world.does(), ElementsAre(Serve{0}));
  EXPECT_EQ(world.planner.device(1)->reserved, 0U) << "no bed is kept for it";
  world.pass(seconds(200));
  EXPECT_THAT(world.does(), IsEmpty());
}

TEST_F(OrderTest, ToSleepIsTakenBackWhileItFallsAsleep) {
  world.pass(seconds(100));
  world.tell(Order{0, Act::sleep});
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::ordered}));
  world.tell(Order{0, Act::wake});
  EXPECT_THAT(world.does(), IsEmpty()) << "it cannot be told to while it does";
  world.pass(seconds(4));
  EXPECT_THAT(world.does(), ElementsAre(Wake{0, Cause::ordered}));
  EXPECT_EQ(world.at(0).where, Where::ready);
}

TEST_F(OrderTest, ToWakeIsTakenBackWhileItIsWoken) {
  world.pass(seconds(100));
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(4));
  for (const bool asked : {true, false}) {
    world.tell(Order{0, Act::wake});
    ASSERT_EQ(world.at(0).where, Where::waking);
    world.tell(Order{0, Act::sleep});
    if (asked) world.ask(0);
    (void)world.does();
    world.pass(seconds(4));
    EXPECT_EQ(world.at(0).where, asked ? Where::ready : Where::asleep) << "who was asked for meanwhile stays up";
    world.pass(seconds(200));
    if (!asked) return;
    world.tell(Order{0, Act::sleep});
    world.pass(seconds(4));
  }
}

TEST_F(OrderTest, ToSleepIsForgottenWhereTheWakingFails) {
  world.pass(seconds(100));
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(4));
  world.tell(Order{0, Act::wake});
  world.tell(Order{0, Act::sleep});
  world.kill(0);
  ASSERT_EQ(world.at(0).where, Where::absent);
  world.tell(ModelIs{0, 8, seconds(8), 1, false, true, 7, 1});
  world.pass(seconds(30));
  EXPECT_EQ(world.at(0).where, Where::ready) << "it was loaded anew, as at a start";
}

TEST_F(OrderTest, WhatGoesForAnotherIsNotCalledBackByAnOrder) {
  world.tell(Order{1, Act::load});
  ASSERT_EQ(world.at(0).where, Where::draining);
  (void)world.does();
  world.tell(Order{0, Act::load});
  EXPECT_THAT(world.does(), IsEmpty());
}

TEST(Order, OneThatNeedsNotMakeRoomAnyMoreSaysSo) {
  World world(10);
  world.add({8, 8});
  world.answer_takes = seconds(100);
  world.ask(0);
  world.pass(seconds(9));
  world.tell(Order{1, Act::load});
  ASSERT_EQ(world.at(0).where, Where::draining);
  world.tell(Order{1, Act::unload});
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_EQ(world.at(0).cause, Cause::recalled);
}

TEST(Order, ToLoadWhatFailedTriesItAtOnce) {
  World world(10);
  world.add({8});
  world.ask(0);
  world.tell(EngineIs{0, 0, EngineState::failed, 0, {}});
  ASSERT_EQ(world.at(0).where, Where::failed);
  (void)world.does();
  world.tell(Order{0, Act::load});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::ordered}, Load{0, 0, Cause::asked}));
}

TEST(Order, ToLoadTriesAgainWhatTookMoreThanThereIs) {
  World world(10);
  world.add({4});
  world.serve(0);
  world.tell(EngineIs{0, 0, EngineState::ready, 12, {}});
  world.pass(seconds(1));
  ASSERT_EQ(world.at(0).where, Where::absent);
  ASSERT_FALSE(world.at(0).fits);
  EXPECT_TRUE(world.at(0).may_be_tried);
  world.ask(0);
  (void)world.does();
  world.pass(seconds(3600));
  EXPECT_THAT(world.does(), IsEmpty()) << "not by itself: it would make all others go";
  world.tell(Order{0, Act::load});
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}));
  EXPECT_TRUE(world.at(0).fits);
  EXPECT_EQ(world.at(0).bytes, 4U);
}

TEST(Order, WhatCannotFitByItsFileIsNotTried) {
  World world(10);
  world.add({12});
  EXPECT_FALSE(world.at(0).may_be_tried);
  world.tell(Order{0, Act::load});
  EXPECT_THAT(world.does(), IsEmpty());
}

}  // namespace
}  // namespace faelled::residency
