#include "residency/planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Where = ModelState::Where;

TEST(Planner, LoadsWhatIsAskedForWhereThereIsRoom) {
  World world(10);
  world.add({4, 4});
  EXPECT_THAT(world.does(), IsEmpty());
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Load{1, 0, Cause::asked}));
  EXPECT_EQ(world.at(1).where, Where::loading);
  EXPECT_EQ(world.at(1).ready_in, seconds(4));
  world.pass(seconds(4));
  EXPECT_EQ(world.at(1).where, Where::ready);
  EXPECT_EQ(world.at(1).running, 1U);
}

TEST(Planner, GivesTheRoomOfTheLeastWorthAmongTheUnusedAtOnce) {
  World world(10);
  world.add({4, 4, 4});
  for (const ModelNumber m : {0U, 1U, 1U, 1U}) world.serve(m);
  (void)world.does();
  world.ask(2);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 2}, Load{2, 0, Cause::asked}));
}

TEST(Planner, CountsTheBytesOfWhatStillGoes) {
  World world(10);
  world.add({8, 8});
  world.serve(0);
  world.ends_after = seconds(3);
  (void)world.does();
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}));
  EXPECT_EQ(world.planner.device(0)->taken, 8U);
  EXPECT_EQ(world.planner.device(0)->reserved, 8U);
  world.pass(seconds(3));
  EXPECT_THAT(world.does(), ElementsAre(Load{1, 0, Cause::asked}));
}

TEST(Planner, LetsAModelInUseEndItsLineBeforeItYields) {
  World world(10, {.turn_least = seconds(1000)});
  world.add({8, 8});
  world.answer_takes = seconds(10);
  for (int i = 0; i < 5; ++i) world.ask(0);
  world.pass(seconds(9));  // loaded, and the first of five under way
  world.ask(1, 10);
  (void)world.does();
  world.pass(seconds(30));  // the wait for model 1 is far beyond four switches; one of the five still waits
  EXPECT_THAT(world.does(), IsEmpty());
  world.pass(seconds(20));
  EXPECT_THAT(world.does(),
              ElementsAre(Drain{0, Cause::line_empty, 1}, Unload{0, Cause::line_empty, 1}, Load{1, 0, Cause::asked}));
}

TEST(Planner, EndsATurnThatHasLastedTooLong) {
  World world(10, {.turn_least = seconds(60)});
  world.add({8, 8});
  world.answer_takes = seconds(10);
  for (int i = 0; i < 50; ++i) world.ask(0);
  world.pass(seconds(10));
  world.ask(1);
  (void)world.does();
  world.pass(seconds(500));
  EXPECT_THAT(world.does(), ::testing::Contains(Unload{0, Cause::turn_over, 1}));
}

TEST(Planner, DoesNotSwitchForAWaitThatIsShorterThanFourSwitches) {
  World world(10);
  world.add({8, 8});
  world.answer_takes = seconds(200);
  world.ask(0);
  world.pass(seconds(10));
  world.ask(1);
  (void)world.does();
  world.pass(seconds(15));
  EXPECT_THAT(world.does(), IsEmpty());  // its line is empty, but an answer of 200 s is worth more than 15 s of waiting
  EXPECT_GT(world.at(1).ready_in, seconds(8));
}

TEST(Planner, ServesAgainWhenNobodyWaitsForTheOneThatWasToCome) {
  World world(10);
  world.add({8, 8});
  world.answer_takes = seconds(20);
  world.ask(0);
  world.pass(seconds(9));
  std::vector<TicketNumber> tickets;
  for (int i = 0; i < 100; ++i) tickets.push_back(world.ask(1));
  world.pass(seconds(5));
  EXPECT_THAT(world.does(), ::testing::Contains(Drain{0, Cause::line_empty, 1}));
  EXPECT_EQ(world.at(1).where, Where::coming);
  for (const TicketNumber ticket : tickets) world.tell(Ended{ticket});
  EXPECT_THAT(world.does(), ElementsAre(Serve{0}));
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_EQ(world.at(1).where, Where::absent);
}

TEST(Planner, NeverTouchesAPinnedModelAndLoadsItUnasked) {
  World world(10);
  world.add({8, 8, 2});
  world.tell(Order{0, Act::pin});
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::pinned}));
  world.pass(seconds(10));
  world.ask(1);
  world.ask(2);
  EXPECT_THAT(world.does(), ElementsAre(Load{2, 0, Cause::asked}));
  EXPECT_FALSE(world.at(1).fits);  // beside it
  world.tell(Order{0, Act::unpin});
  world.pass(seconds(100));
  EXPECT_EQ(world.at(1).where, Where::ready);
}

TEST(Planner, TellsWhatIsLargerThanEveryMemory) {
  World world(10);
  world.add({11});
  world.ask(0);
  EXPECT_THAT(world.does(), IsEmpty());
  EXPECT_FALSE(world.at(0).fits);
  EXPECT_EQ(world.planner.wake(), Instant::max());
}

TEST(Planner, FillsTheMemoryAtStartInTheOrderOfTheCatalogue) {
  World world(10);
  world.at_start = true;
  world.add({4, 8, 4, 2});
  world.pass(seconds(20));
  EXPECT_THAT(world.does(),
              ElementsAre(Load{0, 0, Cause::at_start}, Load{2, 0, Cause::at_start}, Load{3, 0, Cause::at_start}));
}

TEST(Planner, MakesRoomWhenAnEngineTakesMoreThanItSaid) {
  World world(10);
  world.add({4, 4});
  world.serve(0);
  world.serve(1);
  (void)world.does();
  world.tell(EngineIs{1, 0, EngineState::ready, 7, {}});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, no_model})) << "the one unused for longer";
  EXPECT_EQ(world.planner.device(0)->taken, 7U);
}

TEST(Planner, WaitsLongerAfterEachFailure) {
  World world(10);
  world.add({4});
  world.ask(0);
  (void)world.does();
  world.tell(EngineGone{0});
  EXPECT_THAT(world.does(), IsEmpty());
  EXPECT_EQ(world.planner.wake(), world.now + seconds(5));
  world.breaks = 0;
  world.pass(seconds(5));
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}));
  EXPECT_EQ(world.planner.wake(), world.now + seconds(10));
}

TEST(Planner, LetsTheUnusedGoAfterAWhile) {
  World world(10, {.unused_after = seconds(300)});
  world.add({4});
  world.serve(0);
  (void)world.does();
  world.pass(seconds(298));
  EXPECT_THAT(world.does(), IsEmpty());
  world.pass(seconds(3));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
}

TEST(Planner, DoesWhatAnOperatorOrders) {
  World world(10);
  world.add({4});
  world.tell(Order{0, Act::load});
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::ordered}));
  world.pass(seconds(5));
  EXPECT_EQ(world.at(0).where, Where::ready);
  world.tell(Order{0, Act::unload});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::ordered, no_model}));
  world.pass(seconds(5));
  EXPECT_EQ(world.at(0).where, Where::absent);
}

TEST(Planner, AnOrderHoldsThoughWhoeverWaitedHasGone) {
  World world(10);
  world.add({8, 8});
  world.answer_takes = seconds(100);
  world.ask(0);
  world.pass(seconds(10));
  const TicketNumber ticket = world.ask(1);
  world.tell(Order{1, Act::load});
  ASSERT_EQ(world.at(1).where, Where::coming);
  world.tell(Ended{ticket});
  EXPECT_EQ(world.at(1).where, Where::coming);
  world.pass(seconds(200));
  EXPECT_EQ(world.at(1).where, Where::ready);
}

TEST(Planner, WhatIsOrderedDoesNotGoBeforeItCame) {
  World world(10);
  world.add({8, 8});
  world.tell(Order{0, Act::load});
  world.ask(1);
  EXPECT_EQ(world.at(0).where, Where::loading);
  world.pass(seconds(8));
  EXPECT_EQ(world.at(0).where, Where::absent) << "then it goes like any";
  EXPECT_EQ(world.at(1).where, Where::loading);
}

TEST(Planner, AnOrderForAModelThatGoesBringsItBack) {
  World world(10);
  world.add({8});
  world.answer_takes = seconds(10);
  world.ask(0);
  world.pass(seconds(9));
  world.tell(Order{0, Act::unload});
  ASSERT_EQ(world.at(0).where, Where::draining);
  world.tell(Order{0, Act::load});
  world.pass(seconds(20));
  EXPECT_EQ(world.at(0).where, Where::ready);
  world.tell(Order{0, Act::unload});
  world.pass(seconds(20));
  EXPECT_EQ(world.at(0).where, Where::absent) << "the order is done";
}

TEST(Planner, ThoseWhoWaitForGpusDoNotKeepAHostModelFromMakingRoom) {
  World world({{0, 10}, {1, 10, DeviceKind::gpu}});
  world.add({8, 8});
  world.serve(0);
  world.kind = DeviceKind::gpu;
  for (int i = 0; i < 21; ++i) world.add({8});
  world.answer_takes = std::chrono::hours(1);
  for (ModelNumber m = 2; m < 23; ++m) world.ask(m);
  world.pass(seconds(30));
  world.does();
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1}, Load{1, 0, Cause::asked}));
}

TEST(Planner, AtStartEachKindOfMemoryIsFilledWhateverTheOtherDoes) {
  World world({{0, 20}, {1, 20, DeviceKind::gpu}});
  world.at_start = true;
  for (int i = 0; i < 4; ++i) {
    world.kind = DeviceKind::gpu;
    world.add({4});
    world.kind = DeviceKind::host;
    world.add({6});
  }
  world.pass(seconds(20));
  std::size_t ready = 0;
  for (ModelNumber m = 0; m < 8; ++m) ready += world.at(m).where == Where::ready ? 1 : 0;
  EXPECT_EQ(ready, 4U + 3U);
  EXPECT_EQ(world.at(7).where, Where::absent);
}

TEST(Planner, ForgetsAModelThatLeavesTheCatalogue) {
  World world(10);
  world.add({4});
  world.serve(0);
  (void)world.does();
  world.tell(ModelGone{0});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::removed, no_model}));
  world.pass(seconds(1));
  EXPECT_FALSE(world.planner.model(0, world.now).has_value());
  EXPECT_EQ(world.planner.device(0)->taken, 0U);
}

TEST(Planner, SmallModelsDoNotStarveALargeOne) {
  World world(10);
  world.add({2, 2, 2, 2, 2, 10});
  world.answer_takes = seconds(5);
  auto minute = [&, next = 0U]() mutable {
    for (int second = 0; second < 60; ++second) {
      for (int i = 0; i < 3; ++i) world.ask(next++ % 5);
      world.pass(seconds(1));
    }
  };
  minute();
  const TicketNumber large = world.ask(5);
  for (int i = 0; i < 10 && !world.endings().contains(large); ++i) minute();
  EXPECT_TRUE(world.endings().contains(large));
}

TEST(Planner, LoadsAModelOnlyIntoMemoryOfItsKind) {
  World world({{0, 20}, {1, 10, DeviceKind::gpu}});
  world.add({4});
  world.kind = DeviceKind::gpu;
  world.add({4, 8, 12});
  world.ask(0);
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}, Load{1, 1, Cause::asked}));
  EXPECT_FALSE(world.at(3).fits) << "there is room for it in memory of another kind";
  EXPECT_EQ(world.planner.largest(3), 10U);
  world.pass(seconds(10));
  world.ask(2);
  EXPECT_THAT(world.does(), ElementsAre(Unload{1, Cause::makes_room, 2, 1}, Load{2, 1, Cause::asked}))
      << "what lies in the other memory stays";
}

TEST(Planner, LoadsIntoAGroupOfGpusOnlyWhatSpreads) {
  World world({{0, 20, DeviceKind::gpu, no_device, 2}, {1, 10, DeviceKind::gpu}});
  world.kind = DeviceKind::gpu;
  world.add({8, 9, 12});
  world.spreads = true;
  world.add({12, 8});
  EXPECT_EQ(world.planner.largest(2), 10U);
  EXPECT_FALSE(world.at(2).fits) << "in the group there would be room";
  EXPECT_TRUE(world.at(3).fits);
  world.serve(0);
  world.serve(3);
  (void)world.does();
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 1, 1}, Load{1, 1, Cause::asked}));
  world.ask(4);
  EXPECT_THAT(world.does(), ElementsAre(Load{4, 0, Cause::asked})) << "the group has room beside the large one";
  // From now on its engine cannot divide it.
  world.tell(DeviceIs{2, 12, DeviceKind::gpu});
  world.tell(ModelIs{3, 12, seconds(12), 1, false, false, 0, 0, DeviceKind::gpu});
  world.tell(Order{3, Act::renew});
  world.pass(seconds(60));
  world.serve(3);
  EXPECT_EQ(world.at(3).device, 2U);
}

TEST(Planner, AtStartAGroupOfGpusIsFilledBesideTheOthers) {
  World world({{0, 20, DeviceKind::gpu, no_device, 2}, {1, 10, DeviceKind::gpu}});
  world.kind = DeviceKind::gpu;
  world.at_start = true;
  world.add({8});
  world.spreads = true;
  world.add({18});
  world.spreads = false;
  world.add({8});  // there is no room for it on the only card
  world.pass(seconds(60));
  EXPECT_EQ(world.at(0).device, 1U);
  EXPECT_EQ(world.at(1).device, 0U);
  EXPECT_EQ(world.at(2).where, Where::absent);
}

TEST(Planner, FillsAllMemoriesAtStartThoughTheyAreToldAfterTheModels) {
  Planner planner;
  const Instant now{std::chrono::hours(1)};
  for (ModelNumber m = 0; m < 3; ++m)
    planner.step(now, ModelIs{m, 4, seconds(1), 1, false, true, 0, 0, m == 0 ? DeviceKind::host : DeviceKind::gpu});
  const auto actions = planner.step(now, DevicesAre{{{0, 5}, {1, 5, DeviceKind::gpu}, {2, 5, DeviceKind::gpu}}});
  EXPECT_THAT(std::vector(actions.begin(), actions.end()),
              ElementsAre(Load{0, 0, Cause::at_start}, Load{1, 1, Cause::at_start}, Load{2, 2, Cause::at_start}));
}

TEST(Planner, SwitchesOnSeveralGpusAtOnce) {
  World world({{0, 10, DeviceKind::gpu}, {1, 10, DeviceKind::gpu}});
  world.kind = DeviceKind::gpu;
  world.ends_after = seconds(2);
  world.add({10, 10, 10, 10});
  world.serve(0);
  world.serve(1);
  world.does();
  world.ask(2);
  world.ask(3);
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room, 2}, Unload{1, Cause::makes_room, 3, 1}));
}

TEST(Planner, ACardThatIsTakenByOthersHasLessForModelsUntilItIsGivenBack) {
  World world({{0, 10, DeviceKind::gpu}});
  world.kind = DeviceKind::gpu;
  world.add({4, 4});
  world.serve(0);
  world.serve(1);
  world.does();
  world.shrank = true;
  world.tell(DeviceIs{0, 6, DeviceKind::gpu});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::makes_room}));
  world.ask(0);
  EXPECT_THAT(world.does(), ElementsAre(Unload{1, Cause::makes_room, 0}, Load{0, 0, Cause::asked}));
  world.pass(seconds(10));
  world.tell(DeviceIs{0, 10, DeviceKind::gpu});
  world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Load{1, 0, Cause::asked}));
}

TEST(Planner, APinThatAnOperatorGaveStaysWhenTheDefinitionChangesInAnotherWay) {
  World world(10);
  world.add({4});
  const auto define = [&](std::uint32_t places, bool pinned) {
    world.tell(ModelIs{0, 4, seconds(4), places, pinned});
    return world.at(0).pinned;
  };
  world.tell(Order{0, Act::pin});
  EXPECT_TRUE(define(5, false));
  EXPECT_TRUE(define(5, true));
  EXPECT_FALSE(define(5, false)) << "it says so now";
  EXPECT_TRUE(define(5, true));
  world.tell(Order{0, Act::unpin});
  EXPECT_FALSE(define(4, true));
  world.tell(ModelGone{0});
  EXPECT_TRUE(define(4, true)) << "it is another";
}

// Invariant: memory once. Invariant: no answer cut off.
// Chance decides who asks for what when, which engines break and what an operator does; World checks at each step that
// the books are right, that no answer is cut off and that no engine begins twice. Here: everybody gets an answer.
TEST(Planner, AnswersEverybodyInRandomHistories) {
  const std::uint64_t first = 1;
  for (std::uint64_t seed = first; seed < first + 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    Settings settings;
    settings.turn_least = seconds(1 + random.below(60));
    if (random.below(3) == 0) settings.unused_after = seconds(1 + random.below(100));
    const DeviceIs host{0, 10 + random.below(30)};
    const DeviceIs gpu{1, 10 + random.below(20), DeviceKind::gpu}, other_gpu{2, gpu.bytes, DeviceKind::gpu};
    World world = random.below(2) == 0 ? World({host}, settings) : World({host, gpu, other_gpu}, settings);
    world.at_start = random.below(2) == 0;
    world.ends_after = std::chrono::milliseconds(random.below(3000));
    world.answer_takes = std::chrono::milliseconds(100 + random.below(20'000));
    const auto models = static_cast<ModelNumber>(2 + random.below(8));
    for (ModelNumber m = 0; m < models; ++m) {
      if (world.planner.devices() > 1 && random.below(2) == 0) world.kind = DeviceKind::gpu;
      world.add({1 + random.below(10)});
      world.kind = DeviceKind::host;
    }
    std::size_t asked = 0;
    for (int i = 0; i < 200; ++i) {
      const auto model = static_cast<ModelNumber>(random.below(1 + random.below(models)));
      switch (const auto what = random.below(20)) {
        case 0:
        case 1:
        case 2:
        case 3:
          world.disturb(model, what, random);
          break;
        default:
          world.ask_by_chance(model, random);
          ++asked;
      }
      if (random.below(2) == 0) world.pass(std::chrono::milliseconds(random.below(10'000)));
    }
    world.answer_all(models, asked);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace faelled::residency
