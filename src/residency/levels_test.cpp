#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Where = ModelState::Where;

// Models of 9 that load in 20 s, whose weights are 8, on a device of 10; behind it there is room for so many bytes.
class LevelsTest : public testing::Test {
 protected:
  static constexpr Settings settings{.read_bytes_per_s = 4, .load_start = seconds(12)};

  static ModelIs model(ModelNumber m, bool forgets = true) {
    return {m, 9, seconds(20), 1, false, false, 8, 1, DeviceKind::host, 1, forgets};
  }
  static void ready(World& world, ModelNumber m) {
    world.serve(m);
    (void)world.does();
    ASSERT_EQ(world.at(m).where, Where::ready);
  }
  // Asleep at level 2.
  static void forgotten(World& world, ModelNumber m) {
    ready(world, m);
    world.tell(Order{m, Act::sleep});
    world.pass(seconds(1));
    EXPECT_THAT(world.does(), ElementsAre(Sleep{m, Cause::ordered, no_model, 0, 2}));
    ASSERT_EQ(world.at(m).where, Where::asleep);
  }
};

TEST_F(LevelsTest, WithoutRoomBehindItsDeviceItForgetsItsWeightsAndReadsThemAgain) {
  World world(10, settings, 7);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m));
  ready(world, 0);
  EXPECT_TRUE(world.at(0).can_sleep);
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::makes_room, 1, 0, 2}));
  EXPECT_EQ(world.at(0).level, 2U);
  EXPECT_EQ(world.planner.device(0)->taken, 9U) << "its own until it sleeps";
  EXPECT_EQ(world.planner.device(1)->taken, 0U);
  world.pass(seconds(0));
  EXPECT_THAT(world.does(), ElementsAre(Load{1, 0, Cause::asked}));
  EXPECT_EQ(world.at(0).where, Where::asleep);
  EXPECT_EQ(world.at(0).backed, 0U);
  EXPECT_EQ(world.planner.device(0)->taken, 9U + 1U);
  world.pass(seconds(30));
  const TicketNumber ticket = world.ask(0);
  EXPECT_THAT(world.does(), ElementsAre(Sleep{1, Cause::makes_room, 0, 0, 2}));
  world.pass(seconds(0));
  EXPECT_THAT(world.does(), ElementsAre(Wake{0, Cause::asked}));
  EXPECT_EQ(world.at(0).ready_in, milliseconds(2500)) << "8 bytes at 4 a second";
  world.pass(seconds(4));
  EXPECT_TRUE(world.endings().contains(ticket));
  EXPECT_EQ(world.at(0).level, 0U);
  EXPECT_EQ(world.planner.counts().sleeps, 2U);
  EXPECT_EQ(world.planner.counts().forgets, 2U);
}

TEST_F(LevelsTest, WithRoomItsWeightsAreKept) {
  World world(10, settings, 8);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m));
  ready(world, 0);
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::makes_room, 1, 0, 1}));
  EXPECT_EQ(world.at(0).level, 1U);
  EXPECT_EQ(world.planner.counts().forgets, 0U);
}

TEST_F(LevelsTest, AnEngineThatCannotForgetEndsAsBefore) {
  World world(10, settings, 7);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m, false));
  ready(world, 0);
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Load{1, 0, Cause::asked}));
}

TEST_F(LevelsTest, WhereTheBytesBehindAreWorthMoreToAnotherItForgets) {
  World world(11, settings, 8);
  for (const ModelNumber m : {0U, 1U, 2U}) world.tell(model(m));
  for (int i = 0; i < 10; ++i) world.serve(0);
  world.serve(1);
  ASSERT_EQ(world.at(0).level, 1U);
  (void)world.does();
  world.ask(2);
  EXPECT_THAT(world.does(), ElementsAre(Sleep{1, Cause::makes_room, 2, 0, 2})) << "0 was asked for much more";
  EXPECT_EQ(world.at(0).where, Where::asleep);
}

TEST_F(LevelsTest, WhatReadingItsOwnTookIsBelievedAndTellsOfOthersToo) {
  World world(10, settings, 1);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m));
  world.reads_in = seconds(6);
  forgotten(world, 0);
  EXPECT_EQ(world.at(0).wake, milliseconds(2500)) << "so far it is only reckoned";
  ready(world, 0);
  forgotten(world, 0);
  EXPECT_EQ(world.at(0).wake, seconds(6));
  world.tell(Order{0, Act::unload});
  world.pass(seconds(1));
  (void)world.does();
  forgotten(world, 1);
  EXPECT_NEAR(faelled::seconds(world.at(1).wake), 6.5, 0.01);
}

TEST_F(LevelsTest, OfALoadThatWasSeenTheStartIsTakenOff) {
  World world(10, settings, 1);
  world.tell(model(0));
  world.ask(0);
  world.tell(EngineIs{0, 0, EngineState::ready, 0, seconds(16)});
  world.pass(seconds(30));
  (void)world.does();
  forgotten(world, 0);
  EXPECT_EQ(world.at(0).wake, milliseconds(4500));
}

TEST_F(LevelsTest, WhereReadingTakesAsLongAsALoadItEnds) {
  World world(10, {.read_bytes_per_s = 0.4}, 7);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m));
  ready(world, 0);
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Load{1, 0, Cause::asked}));
}

TEST_F(LevelsTest, AnOrderStopsNobodyWhereItsModelCanForget) {
  World world(20, settings, 8);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m));
  world.tell(model(2, false));
  for (int i = 0; i < 5; ++i) world.serve(0);
  ready(world, 1);
  world.tell(Order{0, Act::sleep});
  world.pass(seconds(1));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::ordered, no_model, 0, 1}));
  world.tell(Order{1, Act::sleep});
  world.pass(seconds(1));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{1, Cause::ordered, no_model, 0, 2}));
  ready(world, 2);
  world.ends_after = milliseconds(100);
  world.tell(Order{2, Act::sleep});
  world.pass(seconds(1));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 2}, Drain{2, Cause::ordered, no_model},
                                        Sleep{2, Cause::ordered, no_model, 0, 1}));
}

TEST_F(LevelsTest, OneThatIsBegunAnewInsteadOfWakingDoesNotForgetAgainBeforeItIsChanged) {
  World world(10, settings, 1);
  world.tell(model(0));
  world.vain_every = 1;
  forgotten(world, 0);
  const TicketNumber ticket = world.ask(0);
  EXPECT_EQ(world.at(0).where, Where::loading);
  EXPECT_EQ(world.at(0).level, 0U);
  EXPECT_EQ(world.at(0).ready_in, seconds(20));
  world.pass(seconds(30));
  EXPECT_TRUE(world.endings().contains(ticket));
  EXPECT_FALSE(world.planner.may_sleep(0));
  world.tell(DeviceIs{1, 8});
  EXPECT_TRUE(world.planner.may_sleep(0)) << "level 1 has not failed";
  world.tell(DeviceIs{1, 1});
  world.tell(Order{0, Act::renew});
  world.pass(seconds(30));
  ready(world, 0);
  EXPECT_TRUE(world.planner.may_sleep(0));
}

TEST_F(LevelsTest, OneThatDiesOnItsWayThereOrBackDoesNotForgetAgain) {
  for (const bool back : {false, true}) {
    World world(10, settings, 1);
    world.tell(model(0));
    world.falls_asleep_in = world.reads_in = seconds(5);
    ready(world, 0);
    world.tell(Order{0, Act::sleep});
    if (back) {
      world.pass(seconds(6));
      world.ask(0);
    }
    ASSERT_EQ(world.at(0).where, back ? Where::waking : Where::falling_asleep);
    world.kill(0);
    EXPECT_EQ(world.planner.device(0)->taken, 0U);
    world.pass(seconds(60));
    ready(world, 0);
    EXPECT_FALSE(world.planner.may_sleep(0));
  }
}

TEST_F(LevelsTest, OneThatDiesAsleepIsLoadedWhenItIsWantedAndMayForgetAgain) {
  World world(10, settings, 1);
  world.tell(model(0));
  forgotten(world, 0);
  world.kill(0);
  EXPECT_EQ(world.at(0).cause, Cause::broken);
  world.ask(0);
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}));
  world.pass(seconds(30));
  EXPECT_TRUE(world.planner.may_sleep(0));
}

TEST_F(LevelsTest, OneThatKeepsItsMemoryIsStopped) {
  World world(10, settings, 1);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m));
  ready(world, 0);
  world.asleep_read = 7;
  world.ask(1);
  world.pass(seconds(1));
  EXPECT_THAT(world.does(),
              ElementsAre(Sleep{0, Cause::makes_room, 1, 0, 2}, Unload{0, Cause::keeps, 1}, Load{1, 0, Cause::asked}));
  EXPECT_FALSE(world.at(0).can_sleep);
}

TEST_F(LevelsTest, WhereTheRoomBehindDoesNotComeItForgetsInstead) {
  World world(11, settings, 8);
  for (const ModelNumber m : {0U, 1U, 2U}) world.tell(model(m));
  ready(world, 0);
  for (int i = 0; i < 30; ++i) world.serve(1);
  ASSERT_EQ(world.at(0).level, 1U);
  world.ends_after = seconds(5);
  (void)world.does();
  world.ask(2);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Drain{1, Cause::makes_room, 2}));
  world.shrank = true;
  world.tell(DeviceIs{1, 4});
  world.pass(seconds(6));
  EXPECT_THAT(world.does(), Contains(Sleep{1, Cause::makes_room, 2, 0, 2}));
  EXPECT_EQ(world.planner.device(1)->reserved, 0U);
}

TEST_F(LevelsTest, ASleeperWithoutWeightsIsEndedBeforeOneWithThemWhereItsRestIsWanted) {
  World world(20, settings, 8);
  for (const ModelNumber m : {0U, 1U}) world.tell(model(m));
  for (const ModelNumber m : {0U, 1U}) world.ask(m);
  world.pass(seconds(30));
  for (const ModelNumber m : {0U, 1U}) world.tell(Order{m, Act::sleep});
  world.pass(seconds(1));
  ASSERT_EQ(world.at(0).level, 1U);
  ASSERT_EQ(world.at(1).level, 2U);
  (void)world.does();
  world.tell(ModelIs{2, 19, seconds(5)});
  world.ask(2);
  EXPECT_THAT(world.does(), ElementsAre(Unload{1, Cause::makes_room, 2}, Load{2, 0, Cause::asked}))
      << "its loss is the smaller one";
}

TEST_F(LevelsTest, TheUnusedForgetsFirstAndEndsLater) {
  Settings some = settings;
  some.unused_after = seconds(300);
  World world(10, some, 1);
  world.tell(model(0));
  ready(world, 0);
  world.pass(seconds(301));
  EXPECT_THAT(world.does(), ElementsAre(Sleep{0, Cause::unused, no_model, 0, 2}));
  world.pass(seconds(290));
  EXPECT_THAT(world.does(), IsEmpty());
  world.pass(seconds(20));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
}

// Invariant: memory once. Invariant: no answer cut off.
// As the histories of planner_test.cpp, with a memory behind the device and engines that sleep at one level, at both or
// at none: World looks at both memories at each step, that only sleepers are woken, that none gets a ticket, that those
// at level 2 take nothing behind, and that who did not come back from there goes there no more.
TEST(Sleep, AnswersEverybodyInRandomHistories) {
  const std::uint64_t first = 1;
  std::uint64_t slept = 0, forgot = 0, woken = 0;
  for (std::uint64_t seed = first; seed < first + 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    const Settings settings = random_settings(random);
    World world(10 + random.below(30), settings, 1 + random.below(40));
    temper(world, random);
    if (random.below(4) == 0) world.asleep_read = 1 + random.below(8);
    if (random.below(3) == 0) world.vain_every = static_cast<std::uint32_t>(1 + random.below(5));
    const auto models = static_cast<ModelNumber>(2 + random.below(8));
    for (ModelNumber m = 0; m < models; ++m) {
      world.can_sleep = random.below(5) != 0;
      world.forgets = random.below(3) != 0;
      world.residue = random.below(3);
      world.add({1 + random.below(10)});
    }
    std::size_t asked = 0;
    for (int i = 0; i < 200; ++i) {
      const auto model = static_cast<ModelNumber>(random.below(1 + random.below(models)));
      switch (const auto what = random.below(24)) {
        case 0:
        case 1:
        case 2:
        case 3:
          world.disturb(model, what, random);
          break;
        case 4:
        case 5:
          world.tell(Order{model, Act::sleep});
          break;
        case 6:
          world.tell(Order{model, Act::wake});
          break;
        case 7:
          world.tell(Order{model, Act::renew});
          break;
        default:
          world.ask_by_chance(model, random);
          ++asked;
      }
      if (random.below(2) == 0) world.pass(milliseconds(random.below(10'000)));
    }
    world.answer_all(models, asked);
    slept += world.planner.counts().sleeps;
    forgot += world.planner.counts().forgets;
    woken += world.wakes();
    if (HasFailure()) return;
  }
  EXPECT_GT(slept - forgot, 500U);
  EXPECT_GT(forgot, 500U);
  EXPECT_GT(woken, 300U);
}

}  // namespace
}  // namespace faelled::residency
