#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Where = ModelState::Where;

// A change of what a model is: its engine ends in peace and comes back as it is now.
TEST(Renewal, RenewsWhatIsThereOnceItsAnswersHaveEnded) {
  World world(10);
  world.add({4});
  world.answer_takes = seconds(10);
  world.ask(0);
  world.pass(seconds(5));
  (void)world.does();
  world.tell(Order{0, Act::renew});
  world.tell(ModelIs{0, 2, seconds(2), 1, false, false});
  EXPECT_THAT(world.does(), ElementsAre(Drain{0, Cause::ordered}));
  EXPECT_EQ(world.planner.device(0)->taken, 4U) << "what runs is as large as it was";
  world.pass(seconds(9));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::ordered}, Load{0, 0, Cause::at_start}));
  EXPECT_EQ(world.planner.device(0)->taken, 2U);
}

TEST(Renewal, WhatWasMeasuredOfTheFormerEngineSaysNothingOfTheNext) {
  World world(10);
  world.add({4});
  world.serve(0);
  world.tell(EngineIs{0, 0, EngineState::ready, 9, seconds(7)});
  EXPECT_EQ(world.at(0).bytes, 9U);
  world.ends_after = seconds(3);
  world.tell(Order{0, Act::renew});
  world.tell(ModelIs{0, 2, seconds(2), 1, false, false});
  world.tell(EngineIs{0, 0, EngineState::ready, 10, seconds(7)});
  EXPECT_EQ(world.at(0).bytes, 10U) << "of what goes";
  EXPECT_EQ(world.at(0).load, seconds(2));
  world.pass(seconds(3));
  EXPECT_EQ(world.at(0).bytes, 2U);
}

TEST(Renewal, RenewsAPinnedModelAndLoadsItAgain) {
  World world(10);
  world.add({4});
  world.tell(Order{0, Act::pin});
  world.pass(seconds(5));
  (void)world.does();
  world.tell(Order{0, Act::renew});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::ordered}, Load{0, 0, Cause::pinned}));
}

// What it is from now on is told after it was begun anew.
TEST(Renewal, CountsWhatIsLoadedAsWhatItHasBecome) {
  World world(100);
  world.add({10, 60});
  world.breaks = 0;
  world.ask(0);
  world.pass(seconds(1));
  ASSERT_EQ(world.at(0).where, Where::absent) << "it has failed, and waits";
  world.breaks.reset();
  (void)world.does();
  world.tell(Order{0, Act::renew});
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}));
  world.tell(ModelIs{0, 50, seconds(10)});
  EXPECT_EQ(world.planner.device(0)->taken, 50U);
  world.ask(1);
  EXPECT_THAT(world.does(), IsEmpty()) << "there is no room for both";
}

TEST(Renewal, LeavesARenewedModelAwayThatWasNotThere) {
  World world(10);
  world.add({4});
  world.tell(Order{0, Act::renew});
  EXPECT_THAT(world.does(), IsEmpty());
}

// It made room for another whose asker then left: it must not be called back as it was.
TEST(Renewal, DoesNotCallBackAModelThatIsRemovedOrRenewedWhileItMakesRoom) {
  for (const bool removed : {true, false}) {
    World world(10, {.turn_least = seconds(1)});
    world.add({8, 8});
    world.answer_takes = seconds(100);
    world.ask(0);
    world.pass(seconds(9));
    const TicketNumber waiting = world.ask(1, 1000);
    world.pass(seconds(20));
    ASSERT_EQ(world.at(0).where, Where::draining);
    if (removed) {
      world.tell(ModelGone{0});
    } else {
      world.tell(Order{0, Act::renew});
    }
    world.tell(Ended{waiting});
    EXPECT_EQ(world.at(0).where, Where::draining);
    (void)world.does();
    world.pass(seconds(200));
    EXPECT_THAT(world.does(), ElementsAre(Unload{0, removed ? Cause::removed : Cause::ordered}));
  }
}

TEST(Renewal, MakesRoomAnewForAModelThatGrewMeanwhile) {
  World world(10);
  world.add({5, 5, 4});
  world.serve(0);
  world.serve(1);
  world.ends_after = seconds(3);
  (void)world.does();
  world.ask(2);
  ASSERT_EQ(world.at(2).where, Where::coming);
  world.tell(ModelIs{2, 10, seconds(10), 1, false, false});
  world.pass(seconds(20));
  EXPECT_EQ(world.at(2).where, Where::ready);
  EXPECT_EQ(world.at(0).where, Where::absent);
  EXPECT_EQ(world.at(1).where, Where::absent);
}

TEST(Renewal, AModelThatComesBackWhileItStillGoesIsLoadedAnew) {
  World world(10);
  world.add({4});
  world.serve(0);
  world.ends_after = seconds(3);
  (void)world.does();
  world.tell(ModelGone{0});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::removed}));
  world.tell(ModelIs{0, 6, seconds(6), 1, false, true});
  world.ask(0);
  world.pass(seconds(3));
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}));
  EXPECT_EQ(world.planner.device(0)->taken, 6U);
}

}  // namespace
}  // namespace faelled::residency
