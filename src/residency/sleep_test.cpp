#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Where = ModelState::Where;

class SleepTest : public testing::Test {
 protected:
  void ready(World& world, ModelNumber model) {
    world.serve(model);
    (void)world.does();
    ASSERT_EQ(world.at(model).where, Where::ready);
  }
};

TEST_F(SleepTest, TheUnusedMakesRoomAsleepAndIsWokenInAnInstant) {
  World world(10, {}, 7);
  world.add({8, 9});
  for (const ModelNumber m : {0U, 1U}) world.tell(ModelIs{m, m + 8, seconds(m + 8), 1, false, false, 7, 1});
  ready(world, 0);
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::makes_room, 1}));
  EXPECT_EQ(world.at(0).where, Where::falling_asleep);
  EXPECT_EQ(world.planner.device(0)->taken, 8U) << "its own until it sleeps";
  EXPECT_EQ(world.planner.device(1)->taken, 7U) << "from when it was decided";
  world.pass(seconds(0));
  EXPECT_THAT(world.does(), ElementsAre(Load{1, 0, Cause::asked}));
  EXPECT_EQ(world.at(0).where, Where::asleep);
  EXPECT_EQ(world.planner.device(0)->taken, 9U + 1U);
  world.pass(seconds(20));
  const TicketNumber ticket = world.ask(0);
  EXPECT_THAT(world.does(), ElementsAre(Unload{1, Cause::makes_room, 0}, Wake{0, Cause::asked}))
      << "there is no room behind for both";
  EXPECT_EQ(world.at(0).ready_in, std::chrono::milliseconds(500));
  world.pass(seconds(2));
  EXPECT_TRUE(world.endings().contains(ticket));
  EXPECT_EQ(world.planner.device(1)->taken, 0U);
  EXPECT_EQ(world.planner.counts().sleeps, 1U);
  EXPECT_EQ(world.wakes(), 1U);
}

TEST_F(SleepTest, WithoutAMemoryBehindOrAsAnEngineThatCannotItEnds) {
  for (const bool behind : {true, false}) {
    World world(10, {}, behind ? 7 : 0);
    world.can_sleep = !behind;
    world.add({8, 9});
    ready(world, 0);
    world.ask(1);
    EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Load{1, 0, Cause::asked}));
    EXPECT_FALSE(world.at(0).can_sleep);
  }
}

TEST_F(SleepTest, EndsItsAnswersBeforeItSleeps) {
  World world(10, {.turn_least = seconds(1)}, 7);
  world.add({8, 8});
  for (const ModelNumber m : {0U, 1U}) world.tell(ModelIs{m, 8, seconds(8), 1, false, false, 7, 1});
  world.answer_takes = seconds(30);
  world.ask(0);
  world.pass(seconds(9));
  world.ask(1, 1000);
  world.pass(seconds(5));
  EXPECT_THAT(world.does(), Contains(Drain{0, Cause::line_empty, 1}));
  EXPECT_EQ(world.planner.device(1)->reserved, 7U);
  EXPECT_TRUE(world.at(0).asleep_soon);
  world.pass(seconds(30));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::line_empty, 1}, Load{1, 0, Cause::asked}));
}

TEST_F(SleepTest, ServesAgainWhenTheOneItMadeRoomForIsNoLongerWaitedFor) {
  World world(10, {.turn_least = seconds(1)}, 7);
  world.add({8, 8});
  for (const ModelNumber m : {0U, 1U}) world.tell(ModelIs{m, 8, seconds(8), 1, false, false, 7, 1});
  world.answer_takes = seconds(30);
  world.ask(0);
  world.pass(seconds(9));
  const TicketNumber ticket = world.ask(1, 1000);
  world.pass(seconds(5));
  (void)world.does();
  world.tell(Ended{ticket});
  EXPECT_THAT(world.does(), ElementsAre(Serve{0}));
  EXPECT_EQ(world.planner.device(1)->reserved, 0U);
}

// Three that take turns on a device of ten, two of whose weights fit behind it.
TEST_F(SleepTest, TheLeastWorthOfTheSleepersIsStoppedForABetterOne) {
  World world(10, {}, 7);
  world.add({8, 8, 8});
  for (const ModelNumber m : {0U, 1U, 2U}) world.tell(ModelIs{m, 8, seconds(8), 1, false, false, 7, 1});
  ready(world, 0);
  for (int i = 0; i < 10; ++i) world.serve(1);  // 0 sleeps, 1 is asked for much more
  world.pass(seconds(1));
  ASSERT_EQ(world.at(0).where, Where::asleep);
  (void)world.does();
  world.ends_after = seconds(2);
  world.ask(2);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Drain{1, Cause::makes_room, 2}));
  EXPECT_EQ(world.planner.device(1)->taken, 7U) << "the former's until its process has ended";
  world.pass(seconds(2));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{1, Cause::makes_room, 2}, Load{2, 0, Cause::asked}));
  world.pass(seconds(10));
  EXPECT_EQ(world.at(1).where, Where::asleep);
  EXPECT_EQ(world.at(2).where, Where::ready);
}

TEST_F(SleepTest, ASleeperIsStoppedWhereItsWeightsLieWhenAnotherNeedsThatMemory) {
  World world(10, {}, 9);
  world.add({8, 8});
  world.tell(ModelIs{0, 10, seconds(8), 1, false, false, 7, 1});
  world.tell(ModelIs{1, 9, seconds(8), 1, false, false, 0, 0});
  ready(world, 0);
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  ASSERT_EQ(world.at(0).where, Where::asleep);
  world.tell(ModelIs{2, 9, seconds(2), 1, true});  // pinned, and takes what is left of the device
  world.pass(seconds(10));
  (void)world.does();
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Load{1, 1, Cause::asked}));
}

TEST_F(SleepTest, IsStoppedAndLoadedElsewhereWhereThatIsQuicker) {
  World world(10, {}, 14);
  world.add({9, 9});
  world.tell(ModelIs{0, 9, seconds(5), 1, false, false, 4, 1});
  world.tell(ModelIs{1, 9, seconds(5), 1, false, false, 0, 0});
  ready(world, 0);
  world.tell(ModelIs{2, 5, seconds(1), 1, true});  // so that there is no room but for a sleeper on device 1
  world.tell(Order{0, Act::sleep});
  world.tell(Order{1, Act::load});
  world.pass(seconds(10));
  ASSERT_EQ(world.at(0).where, Where::asleep);
  ASSERT_EQ(world.at(1).where, Where::ready);
  world.answer_takes = seconds(1000);
  world.ask(1);
  world.tell(Order{2, Act::unpin});
  world.tell(Order{2, Act::unload});
  world.pass(seconds(1));
  (void)world.does();
  world.ask(0);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::elsewhere, no_model}, Load{0, 1, Cause::asked}));
}

TEST_F(SleepTest, WhatIsSeenToBeHeldAsleepIsBelieved) {
  World world(10, {}, 6);
  world.can_sleep = false;
  world.add({9, 7});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 6, 1});
  ready(world, 0);
  world.asleep_read = 3;
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  EXPECT_EQ(world.planner.device(0)->taken, 3U);
  world.tell(EngineIs{0, 0, EngineState::asleep, 4, {}});
  EXPECT_EQ(world.planner.device(0)->taken, 4U);
  (void)world.does();
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Load{1, 0, Cause::asked}))
      << "seven do not fit beside the four";
}

// Seed 133 of the histories in levels_test.cpp: whoever waited did so for ever.
TEST_F(SleepTest, WhereASleeperKeepsMoreThanWasThoughtAnotherGoesToo) {
  World world(24, {}, 8);
  for (const auto& [m, bytes] : {std::pair(0U, 9U), {1U, 10U}, {2U, 10U}})
    world.tell(ModelIs{m, bytes, seconds(5), 1, false, false, m == 1 ? 8U : 0U, 2});
  ready(world, 0);
  ready(world, 1);
  world.asleep_read = 6;
  const TicketNumber ticket = world.ask(2);
  world.pass(seconds(20));
  EXPECT_TRUE(world.endings().contains(ticket));
}

TEST_F(SleepTest, OneThatAnswersAndKeepsItsMemoryIsStoppedAndNotPutToSleepAgain) {
  World world(10, {}, 8);
  world.can_sleep = false;
  world.add({9, 9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  ready(world, 0);
  world.asleep_read = 6;  // of nine, though one was promised
  world.ask(1);
  world.pass(seconds(20));
  EXPECT_THAT(world.does(),
              ElementsAre(Sleep{0, Cause::makes_room, 1}, Unload{0, Cause::keeps, 1}, Load{1, 0, Cause::asked}));
  EXPECT_FALSE(world.at(0).can_sleep);
  ready(world, 0);
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Load{1, 0, Cause::asked}));
  world.tell(Order{0, Act::renew});
  EXPECT_TRUE(world.at(0).can_sleep) << "another engine may do better";
}

TEST_F(SleepTest, OneThatEndsInsteadOfFallingAsleepIsNotPutToSleepAgain) {
  World world(10, {}, 8);
  world.add({9, 9});
  world.can_sleep = false;
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  ready(world, 0);
  world.falls_asleep_in = seconds(5);
  world.ask(1);
  world.kill(0);
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::makes_room, 1}, Load{1, 0, Cause::asked}));
  EXPECT_EQ(world.planner.device(1)->taken, 0U);
  EXPECT_FALSE(world.at(0).can_sleep);
}

TEST_F(SleepTest, OneThatCrashesBeforeItIsToSleepMaySleepTheNextTime) {
  World world(10, {.turn_least = seconds(1)}, 7);
  world.add({8, 8});
  for (const ModelNumber m : {0U, 1U}) world.tell(ModelIs{m, 8, seconds(8), 1, false, false, 7, 1});
  ready(world, 0);
  world.answer_takes = seconds(30);
  world.ask(0);
  world.ask(1, 10);
  world.pass(seconds(20));
  ASSERT_EQ(world.at(0).where, Where::draining);
  EXPECT_TRUE(world.at(0).asleep_soon);
  world.tell(EngineIs{0, 0, EngineState::loading});  // another process in its place, which nobody asked for
  (void)world.does();
  world.pass(seconds(15));
  EXPECT_THAT(world.does(), Contains(Unload{0, Cause::line_empty, 1}));
  EXPECT_TRUE(world.at(0).can_sleep);
  EXPECT_EQ(world.planner.counts().sleeps, 0U);
}

// The connections of its answers break before anybody has told that it crashed.
TEST_F(SleepTest, OneThatHasCrashedWhenItIsPutToSleepMaySleepTheNextTime) {
  for (const bool crashed : {true, false}) {
    World world(10, {}, 7);
    world.add({8});
    world.tell(ModelIs{0, 8, seconds(8), 1, false, false, 7, 1});
    ready(world, 0);
    world.falls_asleep_in = seconds(100);
    world.tell(Order{0, Act::sleep});
    ASSERT_EQ(world.at(0).where, Where::falling_asleep);
    if (crashed) world.tell(EngineIs{0, 0, EngineState::loading});
    world.tell(EngineGone{0});
    EXPECT_EQ(world.at(0).where, Where::absent);
    EXPECT_EQ(world.at(0).can_sleep, crashed);
  }
}

TEST_F(SleepTest, OneThatDiesAsleepIsAbsentAndLoadedWhenItIsWanted) {
  World world(10, {}, 8);
  world.add({9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  ready(world, 0);
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  world.kill(0);
  EXPECT_EQ(world.at(0).where, Where::absent);
  EXPECT_EQ(world.at(0).cause, Cause::broken);
  EXPECT_EQ(world.planner.device(0)->taken, 0U);
  EXPECT_EQ(world.planner.device(1)->taken, 0U);
  (void)world.does();
  world.ask(0);
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}));
}

TEST_F(SleepTest, OneThatIsBegunAnewInsteadOfWakingIsLoading) {
  World world(10, {}, 8);
  world.add({9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  ready(world, 0);
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  world.wakes_in = seconds(100);
  world.ask(0);
  ASSERT_EQ(world.at(0).where, Where::waking);
  world.tell(EngineIs{0, 0, EngineState::loading, 0, {}});
  EXPECT_EQ(world.at(0).where, Where::loading);
  EXPECT_EQ(world.planner.device(1)->taken, 0U) << "its process has ended";
  EXPECT_EQ(world.at(0).ready_in, seconds(8));
}

TEST_F(SleepTest, RemovedRenewedAndUnloadedItsProcessEnds) {
  for (const auto& [event, cause] :
       std::initializer_list<std::pair<Event, Cause>>{{ModelGone{0}, Cause::removed},
                                                      {Order{0, Act::renew}, Cause::ordered},
                                                      {Order{0, Act::unload}, Cause::ordered}}) {
    World world(10, {}, 8);
    world.add({9});
    world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
    ready(world, 0);
    world.tell(Order{0, Act::sleep});
    world.pass(seconds(1));
    EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::ordered, no_model}));
    world.tell(event);
    EXPECT_THAT(world.does(), ElementsAre(Unload{0, cause, no_model}));
    EXPECT_EQ(world.planner.device(0)->taken + world.planner.device(1)->taken, 0U);
  }
}

TEST_F(SleepTest, APinnedModelNeverSleepsAndASleeperThatIsPinnedIsWoken) {
  World world(10, {.unused_after = seconds(10)}, 8);
  world.add({9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  ready(world, 0);
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  (void)world.does();
  world.tell(Order{0, Act::pin});
  EXPECT_THAT(world.does(), ElementsAre(Wake{0, Cause::pinned}));
  world.pass(seconds(100));
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(100));
  EXPECT_THAT(world.does(), IsEmpty());
}

TEST_F(SleepTest, TheUnusedSleepsFirstAndEndsLater) {
  World world(10, {.unused_after = seconds(300)}, 8);
  world.add({9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  ready(world, 0);
  world.pass(seconds(301));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::unused, no_model}));
  world.pass(seconds(290));
  EXPECT_THAT(world.does(), IsEmpty());
  world.pass(seconds(20));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
}

// Where energy is priced, all but the last: as long as that one is there its device draws.
TEST_F(SleepTest, TheUnusedGoOneByOneAndTheLastByItsEnergy) {
  Settings settings{.unused_after = seconds(100), .idle_w = 10, .wait_w = 300};
  World world(20, settings, 0);
  world.add({4, 8});
  ready(world, 0);
  ready(world, 1);
  world.pass(seconds(101));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
  world.serve(1);
  world.pass(seconds(230));
  EXPECT_THAT(world.does(), IsEmpty());
  world.pass(seconds(11));
  EXPECT_THAT(world.does(), ElementsAre(Unload{1, Cause::unused, no_model})) << "8 s at 30 times the power are 240 s";
}

TEST_F(SleepTest, OfTwoThatAreDueAtOnceOneIsTheLast) {
  World world(20, {.unused_after = seconds(100), .idle_w = 10, .wait_w = 300}, 0);
  world.add({4, 4});
  world.ends_after = seconds(5);
  for (const ModelNumber m : {0U, 1U}) world.ask(m);
  world.pass(seconds(10));
  (void)world.does();
  world.pass(seconds(100));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
}

TEST_F(SleepTest, WhatIdlesBesideOneInUseDrawsNothingAndGoesWithIt) {
  World world(20, {.idle_w = 10, .wait_w = 100}, 0);
  world.add({4, 8});
  ready(world, 0);
  world.answer_takes = seconds(500);
  world.ask(1);
  world.pass(seconds(505));
  (void)world.does();
  EXPECT_EQ(world.at(0).where, Where::ready);
  world.pass(seconds(3 + 119));
  EXPECT_THAT(world.does(), IsEmpty()) << "to have both back takes 12 s";
  world.pass(seconds(2));
  EXPECT_THAT(world.does(),
              UnorderedElementsAre(Unload{0, Cause::unused, no_model}, Unload{1, Cause::unused, no_model}));
}

// A sleeper's context draws as much as a ready one's.
TEST_F(SleepTest, NobodySleepsToSaveEnergyAndASleeperGoesWhenItHasDrawnWhatItSaves) {
  Settings settings{.idle_w = 10, .wait_w = 100};
  World world(10, settings, 8);
  world.add({9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  ready(world, 0);
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  (void)world.does();
  world.pass(seconds(70));
  EXPECT_THAT(world.does(), IsEmpty()) << "7.5 s that waking is quicker than loading, at ten times the power, are 75 s";
  world.pass(seconds(10));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
  ready(world, 0);
  world.pass(seconds(81));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
}

TEST_F(SleepTest, WhoAsksWhileItFallsAsleepIsToldAndHasItWoken) {
  World world(10, {}, 8);
  world.add({9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  world.falls_asleep_in = seconds(2);
  ready(world, 0);
  world.tell(Order{0, Act::sleep});
  const TicketNumber ticket = world.ask(0);
  EXPECT_EQ(world.at(0).ready_in, seconds(1));
  world.pass(seconds(2));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::ordered, no_model}, Wake{0, Cause::asked}));
  world.pass(seconds(2));
  EXPECT_TRUE(world.endings().contains(ticket));
}

TEST_F(SleepTest, TellsTheWaitByWhatWakingTookOfLate) {
  World world(10, {}, 8);
  world.add({9});
  world.tell(ModelIs{0, 9, seconds(8), 1, false, false, 8, 1});
  world.wakes_in = seconds(3);
  ready(world, 0);
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  world.tell(Order{0, Act::wake});
  world.pass(seconds(5));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::ordered, no_model}, Wake{0, Cause::ordered}));
  EXPECT_EQ(world.at(0).wake, seconds(3));
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  world.ask(0);
  EXPECT_EQ(world.at(0).ready_in, seconds(3));
}

// Closed to those behind it, its device had a sleeper that neither woke nor made room.
TEST_F(SleepTest, ALargeModelAndASleeperThatIsWaitedForDoNotKeepEachOtherOut) {
  World world({{0, 10, DeviceKind::gpu, 1}, {1, 100}}, {.turn_least = seconds(60)});
  const auto add = [&](ModelNumber m, std::uint64_t bytes) {
    world.tell(ModelIs{m, bytes, seconds(10), 1, false, false, bytes, 1, DeviceKind::gpu});
  };
  constexpr ModelNumber sleeper = 0, used = 1, large = 2;
  add(sleeper, 9);
  add(used, 8);
  add(large, 10);
  world.answer_takes = seconds(5);
  world.serve(sleeper);
  for (int i = 0; i < 20; ++i) world.ask(used);
  world.pass(seconds(1));
  ASSERT_EQ(world.at(sleeper).where, Where::asleep);
  world.ask(large, 4);
  world.pass(seconds(10));
  world.ask(sleeper, 0.25);
  world.pass(std::chrono::hours(1));
  EXPECT_EQ(world.ended(), 23U);
}

TEST_F(SleepTest, OfTwoSleepersThatEachNeedTheRestOfTheOtherOneIsWoken) {
  World world({{0, 10, DeviceKind::gpu, 1}, {1, 100}}, {.turn_least = seconds(1)});
  const auto add = [&](ModelNumber m, std::uint64_t bytes) {
    world.tell(ModelIs{m, bytes, seconds(10), 1, false, false, 8, 1, DeviceKind::gpu});
  };
  for (const ModelNumber m : {0U, 1U, 2U}) add(m, m < 2 ? 9 : 8);
  for (const ModelNumber m : {0U, 1U, 2U}) world.serve(m);
  world.answer_takes = seconds(30);
  world.ask(2);
  for (const ModelNumber m : {0U, 1U}) {
    ASSERT_EQ(world.at(m).where, Where::asleep);
    add(m, 10);
    world.ask(m);
  }
  world.pass(std::chrono::hours(1));
  EXPECT_EQ(world.ended(), 6U);
}

// Room in memory of another kind is none for it.
TEST_F(SleepTest, ASleeperOfAGpuIsNotEndedForRoomInTheHostsMemory) {
  World world({{0, 10, DeviceKind::gpu, 1}, {1, 100}});
  for (const ModelNumber m : {0U, 1U}) world.tell(ModelIs{m, 9, seconds(2), 1, false, false, 7, 1, DeviceKind::gpu});
  world.serve(0);
  world.serve(1);
  ASSERT_EQ(world.at(0).where, Where::asleep);
  world.answer_takes = seconds(1000);
  world.ask(1);
  world.does();
  world.ask(0);
  world.pass(seconds(5));
  for (const Action& action : world.does()) EXPECT_FALSE(std::holds_alternative<Unload>(action));
  EXPECT_EQ(world.at(0).where, Where::asleep);
  world.pass(std::chrono::hours(1));
  EXPECT_EQ(world.loads(), 2U) << "it was woken";
  EXPECT_EQ(world.ended(), 4U);
}

}  // namespace
}  // namespace faelled::residency
