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

constexpr DeviceIs gpu0{0, 10, DeviceKind::gpu}, gpu1{1, 10, DeviceKind::gpu};

// Two devices of ten. Model 0 takes eight, and may have an engine on each.
struct Crowded {
  Crowded() {
    world.kind = DeviceKind::gpu;
    world.copies = 4;
    world.add({8, 8, 2});
    world.answer_takes = seconds(5);
  }

  // More is asked for than one engine answers, but no more than two do.
  void load(Duration by, ModelNumber model = 0) {
    for (const Instant end = world.now + by; world.now < end; world.pass(seconds(3))) world.ask(model);
  }
  void keep_both_busy() {
    while (world.at(0).running < 2) world.ask(0);
  }
  bool has_copy() { return world.planner.where(0, 1) == Where::ready; }

  World world{gpu0, gpu1};
};
struct CopiesTest : testing::Test, Crowded {};

TEST_F(CopiesTest, AFurtherEngineComesWhenSoMuchWasWaitedThatALoadIsWorthIt) {
  load(seconds(12));
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 0, Cause::asked}));
  load(seconds(60));
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 1, Cause::busy}));
  EXPECT_EQ(world.planner.counts().copies, 1U);
  const std::size_t before = world.ended_on(1);
  load(seconds(60));
  EXPECT_GT(world.ended_on(1), before + 5) << "it answers too";
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_EQ(world.at(0).device, 0U);
}

TEST_F(CopiesTest, NoneComesForABurstThatIsOverBeforeItWouldBeThere) {
  world.serve(0);
  world.answer_takes = std::chrono::milliseconds(100);
  for (int i = 0; i < 60; ++i) world.ask(0);
  world.pass(seconds(60));
  EXPECT_EQ(world.planner.counts().copies, 0U);
}

TEST_F(CopiesTest, NoneComesWhereAllPlacesAreNotTaken) {
  world.tell(ModelIs{0, 8, seconds(8), 2, false, false, 0, 0, DeviceKind::gpu, 4});
  load(seconds(300));  // the world gives one place alone, so that others wait, as if an agreement held them back
  EXPECT_EQ(world.planner.counts().copies, 0U);
}

TEST_F(CopiesTest, NeverMoreThanTheModelMayHaveAndNoneOnTheSameDevice) {
  world.tell(ModelIs{0, 3, seconds(3), 1, false, false, 0, 0, DeviceKind::gpu, 4});
  for (int i = 0; i < 400; ++i) world.ask(0);
  world.pass(seconds(300));
  EXPECT_EQ(world.planner.copies(0).size(), 1U) << "two devices, an engine on each";
  world.tell(ModelIs{0, 3, seconds(3), 1, false, false, 0, 0, DeviceKind::gpu, 1});
  world.pass(seconds(10));
  EXPECT_THAT(world.planner.copies(0), IsEmpty());
}

TEST_F(CopiesTest, GoesForAnAbsentModelWithoutWaitingForItsTurn) {
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  keep_both_busy();
  world.does();
  const TicketNumber ticket = world.ask(1);
  EXPECT_THAT(world.does(), ElementsAre(Drain{0, Cause::spare, 1, 0})) << "either of the two";
  world.pass(seconds(5));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::spare, 1, 0}, Load{1, 0, Cause::asked}));
  load(seconds(100));
  EXPECT_TRUE(world.endings().contains(ticket));
  EXPECT_EQ(world.at(0).where, Where::ready);
}

TEST_F(CopiesTest, GoesBeforeAModelThatIsOnlyUnused) {
  world.tell(ModelIs{1, 10, seconds(8), 1, false, false, 0, 0, DeviceKind::gpu, 1});
  world.tell(DeviceIs{1, 20, DeviceKind::gpu});
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  world.tell(Order{2, Act::load});
  world.pass(seconds(10));
  ASSERT_EQ(world.at(2).device, 0U);
  world.tell(ModelIs{3, 5, seconds(5), 1, false, true, 0, 0, DeviceKind::gpu, 1});
  world.pass(seconds(30));
  ASSERT_EQ(world.at(3).device, 1U);
  world.ask(1);
  world.pass(seconds(20));
  EXPECT_EQ(world.at(1).where, Where::ready);
  EXPECT_EQ(world.at(3).where, Where::ready) << "the copy's bytes were enough";
  EXPECT_THAT(world.planner.copies(0), IsEmpty());
}

TEST_F(CopiesTest, TheFirstEngineGoesWhereItIsTheOneThatIsInTheWay) {
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  world.tell(ModelIs{3, 2, seconds(2), 1, true, false, 0, 0, DeviceKind::gpu, 1});  // beside the copy or the first
  world.pass(seconds(10));
  const DeviceNumber beside = world.at(3).device;
  world.tell(ModelIs{1, 10, seconds(8), 1, false, false, 0, 0, DeviceKind::gpu, 1});  // has to be on the other
  world.does();
  world.ask(1);
  world.pass(seconds(30));
  EXPECT_EQ(world.at(1).where, Where::ready);
  EXPECT_EQ(world.at(1).device, 1 - beside);
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_EQ(world.at(0).device, beside);
  EXPECT_EQ(world.loads(), 4U) << "nothing of it was loaded anew";
}

TEST_F(CopiesTest, IsCalledBackWhenNobodyWaitsForTheOneItMadeRoomFor) {
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  keep_both_busy();
  const TicketNumber ticket = world.ask(1);
  world.does();
  world.tell(Ended{ticket});
  EXPECT_THAT(world.does(), ElementsAre(Serve{0, 0}));
  EXPECT_EQ(world.planner.where(0, 0), Where::ready);
  EXPECT_EQ(world.planner.where(0, 1), Where::ready);
}

TEST_F(CopiesTest, GoesWhenTheOtherEngineHasBeenEnoughForAsLongAsALoadIsWorth) {
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  while (world.at(0).waiting + world.at(0).running > 1) world.pass(seconds(1));
  world.does();
  for (int i = 0; i < 3; ++i) {
    world.serve(0);
    world.pass(seconds(4));
  }
  EXPECT_THAT(world.does(), IsEmpty());
  world.serve(0);
  world.pass(seconds(5));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::enough, no_model, 1}));
  EXPECT_EQ(world.at(0).where, Where::ready);
}

// Somewhat more is asked for than one engine answers: one comes, and stays.
TEST_F(CopiesTest, DoesNotComeAndGoUnderASteadyLoad) {
  load(std::chrono::hours(1));
  EXPECT_EQ(world.planner.counts().copies, 1U);
  EXPECT_TRUE(has_copy());
}

TEST_F(CopiesTest, EvictsOnlyWhoHasBeenUnusedForAsLongAsALoadIsWorth) {
  world.serve(1);
  for (int i = 0; i < 8; ++i) {
    load(seconds(20));
    world.ask(1);
  }
  EXPECT_EQ(world.planner.counts().copies, 0U) << "somebody uses the other one now and then";
  load(seconds(60));
  EXPECT_EQ(world.at(1).where, Where::absent);
  EXPECT_TRUE(has_copy());
}

TEST_F(CopiesTest, MakesRoomForOneThatIsWaitedForWhileItsOwnRoomIsBeingMade) {
  world.serve(1);
  world.ends_after = seconds(30);
  for (int i = 0; i < 200 && world.at(1).where != Where::unloading; ++i) load(seconds(3));
  ASSERT_EQ(world.at(1).where, Where::unloading);
  const DeviceNumber there = world.at(1).device;
  ASSERT_EQ(world.planner.device(there)->reserved, 8U);
  world.tell(ModelIs{3, 6, seconds(6), 1, false, false, 0, 0, DeviceKind::gpu, 1});
  const TicketNumber ticket = world.ask(3);
  EXPECT_EQ(world.planner.device(there)->reserved, 0U) << "of the copy";
  load(seconds(90));
  EXPECT_TRUE(world.endings().contains(ticket));
}

TEST_F(CopiesTest, NoneComesWhileSomebodyWaitsForAnAbsentModel) {
  World crowded({gpu0, gpu1});
  crowded.kind = DeviceKind::gpu;
  crowded.copies = 4;
  crowded.add({8, 9, 9});
  crowded.tell(ModelIs{3, 2, seconds(2), 1, true, false, 0, 0, DeviceKind::gpu, 1});
  crowded.pass(seconds(5));  // pinned on one of the two: the models of nine need the other
  crowded.answer_takes = seconds(5);
  const DeviceNumber other = 1 - crowded.at(3).device;
  crowded.tell(DeviceIs{1 - other, 10, DeviceKind::gpu});
  crowded.tell(Order{1, Act::load});
  crowded.pass(seconds(20));
  ASSERT_EQ(crowded.at(1).device, other);
  for (int i = 0; i < 100; ++i) {
    crowded.ask(0);
    crowded.ask(1);
    crowded.pass(seconds(3));
    for (const Action& action : crowded.does())
      if (const auto* load = std::get_if<Load>(&action)) EXPECT_NE(load->cause, Cause::busy);
  }
}

TEST_F(CopiesTest, ItsFailureKeepsTheNextOneAwayAndNotTheModel) {
  world.copies_break = true;
  load(seconds(120));
  const auto tries = world.planner.counts().copies;
  EXPECT_GE(tries, 1U);
  EXPECT_LE(tries, 5U) << "5, 10, 20, 40 s apart at least";
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_FALSE(world.at(0).retries);
  world.copies_break = false;
  load(seconds(120));
  EXPECT_TRUE(has_copy());
}

TEST_F(CopiesTest, TakesThePartOfAFirstEngineThatDies) {
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  world.does();
  world.kill(0, 0);
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_EQ(world.at(0).device, 1U);
  EXPECT_THAT(world.planner.copies(0), IsEmpty());
  for (const Action& action : world.does()) EXPECT_FALSE(std::holds_alternative<Unload>(action));
}

TEST_F(CopiesTest, TakesThePartOfAFirstEngineThatFails) {
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  while (world.at(0).running > 0) world.pass(seconds(1));
  world.does();
  world.tell(EngineIs{0, 0, EngineState::failed, 0, {}});
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::broken, no_model, 0}));
  EXPECT_EQ(world.at(0).where, Where::ready);
  EXPECT_EQ(world.at(0).device, 1U);
}

TEST_F(CopiesTest, APinHoldsOneEngineAndLetsTheOtherGo) {
  world.tell(Order{0, Act::pin});
  load(seconds(120));
  ASSERT_TRUE(has_copy());
  world.ask(1);
  world.pass(seconds(30));
  EXPECT_EQ(world.at(1).device, 1U);
  EXPECT_EQ(world.at(0).where, Where::ready);
}

TEST_F(CopiesTest, AllGoWhenTheModelIsUnloadedRemovedOrRenewed) {
  for (const Event& event : {Event(ModelGone{0}), Event(Order{0, Act::renew}), Event(Order{0, Act::unload})}) {
    Crowded with;
    with.load(seconds(120));
    ASSERT_TRUE(with.has_copy());
    while (with.world.at(0).running > 0) with.world.pass(seconds(1));
    with.world.does();
    with.world.tell(event);
    const auto did = with.world.does();
    std::size_t unloads = 0;
    for (const Action& action : did) unloads += std::holds_alternative<Unload>(action) ? 1 : 0;
    EXPECT_EQ(unloads, 2U);
    EXPECT_EQ(with.world.planner.device(1)->taken, 0U);
  }
}

// Whoever it made room for is no longer waited for, but it is as its model was.
TEST_F(CopiesTest, AnEngineOfTheFormerDefinitionIsNeverCalledBack) {
  for (const Event& event : {Event(Order{0, Act::renew}), Event(ModelGone{0})}) {
    Crowded with;
    World& crowded = with.world;
    with.load(seconds(120));
    ASSERT_TRUE(with.has_copy());
    crowded.answer_takes = seconds(1000);
    const auto busy = [&](DeviceNumber d) { return crowded.planner.engine(0, d).running > 0; };
    for (int i = 0; i < 100 && !(busy(0) && busy(1)); ++i) with.load(seconds(3));
    const TicketNumber ticket = crowded.ask(1);
    const DeviceNumber goes = crowded.planner.where(0, 0) == Where::draining ? 0 : 1;
    ASSERT_EQ(crowded.planner.where(0, goes), Where::draining);
    crowded.kill(0, 1 - goes);
    crowded.tell(DeviceIs{2, 10, DeviceKind::gpu});
    crowded.tell(event);
    crowded.tell(ModelIs{0, 8, seconds(1), 1, false, false, 0, 0, DeviceKind::gpu, 4});
    crowded.ask(0);
    crowded.pass(seconds(20));
    ASSERT_EQ(crowded.at(0).where, Where::ready);
    (void)crowded.does();
    crowded.tell(Ended{ticket});
    for (const Action& action : crowded.does()) EXPECT_FALSE(std::holds_alternative<Serve>(action));
    EXPECT_EQ(crowded.planner.where(0, goes), Where::draining);
  }
}

// One that is unused is enough; another model waits that has no room there whatever goes.
TEST_F(CopiesTest, RoomForAFurtherEngineIsMadeOnce) {
  World one({{0, 16, DeviceKind::gpu}, {1, 10, DeviceKind::gpu}}, {.turn_least = seconds(300)});
  one.kind = DeviceKind::gpu;
  one.copies = 4;
  one.add({3, 3, 3, 3, 15});
  for (const ModelNumber m : {1U, 2U, 3U}) one.serve(m);
  for (const ModelNumber m : {1U, 2U, 3U}) ASSERT_EQ(one.at(m).device, 1U);
  one.pass(seconds(310));
  one.answer_takes = seconds(5);
  one.ends_after = seconds(30);
  for (int i = 0; i < 100; ++i) one.ask(0);
  one.pass(seconds(2));
  one.ask(4);
  (void)one.does();
  for (int i = 0; i < 60 && one.planner.copies(0).empty(); ++i) {
    one.ask(0);
    one.pass(seconds(1));
  }
  ASSERT_EQ(one.at(4).where, Where::absent);
  std::size_t unloads = 0;
  for (const Action& action : one.does()) unloads += std::holds_alternative<Unload>(action) ? 1 : 0;
  EXPECT_EQ(unloads, 1U);
  EXPECT_EQ(one.planner.copies(0).size(), 1U);
}

TEST_F(CopiesTest, ComeAsOrderedThoughNobodyWaits) {
  world.serve(0);
  world.does();
  world.tell(Scale{0, 2});
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 1, Cause::ordered}));
  EXPECT_TRUE(world.at(0).scales);
  world.pass(seconds(10));
  EXPECT_TRUE(has_copy());
  EXPECT_FALSE(world.at(0).scales);
  world.pass(std::chrono::minutes(5));
  EXPECT_THAT(world.planner.copies(0), IsEmpty()) << "it goes as others do";
}

TEST_F(CopiesTest, AreOrderedAsManyAsTheModelMayHave) {
  world.tell(DeviceIs{2, 10, DeviceKind::gpu});
  world.tell(DeviceIs{3, 10, DeviceKind::gpu});
  world.tell(ModelIs{0, 8, seconds(8), 2, false, false, 0, 0, DeviceKind::gpu, 3});
  world.serve(0);
  world.tell(Scale{0, 4});
  world.pass(seconds(10));
  EXPECT_TRUE(world.at(0).scales) << "one after another";
  world.pass(seconds(10));
  EXPECT_EQ(world.planner.copies(0).size(), 2U);
  EXPECT_FALSE(world.at(0).scales);
}

TEST_F(CopiesTest, AreGivenUpWhereSomebodyElseIsThereOrIsWaitedFor) {
  world.serve(0);
  world.serve(1);
  world.does();
  world.tell(Scale{0, 2});
  EXPECT_FALSE(world.at(0).scales);
  EXPECT_THAT(world.does(), IsEmpty()) << "it was used just now";
  world.pass(std::chrono::minutes(5));
  world.tell(Scale{0, 2});
  world.pass(seconds(20));
  EXPECT_EQ(world.at(1).where, Where::absent) << "unused for long";
  EXPECT_TRUE(has_copy());
}

TEST_F(CopiesTest, AreGivenUpWhereAnAbsentModelIsWaitedFor) {
  world.tell(DeviceIs{1, 12, DeviceKind::gpu});
  world.add({3, 12});
  world.serve(0);
  world.answer_takes = seconds(1000);
  world.ask(3);
  world.pass(seconds(5));
  ASSERT_EQ(world.at(3).device, 1U);
  const TicketNumber ticket = world.ask(4);  // it could be nowhere else
  world.does();
  world.tell(Scale{0, 2});
  EXPECT_FALSE(world.at(0).scales);
  EXPECT_THAT(world.does(), IsEmpty()) << "though it would fit beside model 3";
  world.tell(Ended{ticket});
  world.tell(Scale{0, 2});
  EXPECT_THAT(world.does(), ElementsAre(Load{0, 1, Cause::ordered}));
}

// Nobody can ask for it before all are there.
TEST(Copies, ThatAreOrderedComeThoughUnusedModelsGoSooner) {
  for (const Settings& settings : {Settings{.unused_after = seconds(10)}, Settings{.idle_w = 40, .load_w = 50}}) {
    World world({gpu0, gpu1, {2, 10, DeviceKind::gpu}, {3, 10, DeviceKind::gpu}}, settings);
    world.kind = DeviceKind::gpu;
    world.copies = 4;
    world.add({8});
    world.tell(Order{0, Act::load});
    EXPECT_TRUE(world.at(0).scales) << "the first one comes";
    world.pass(seconds(8));
    EXPECT_FALSE(world.at(0).scales);
    world.tell(Scale{0, 4});
    world.pass(seconds(24));
    EXPECT_EQ(world.at(0).where, Where::ready);
    EXPECT_EQ(world.planner.copies(0).size(), 3U);
    EXPECT_FALSE(world.at(0).scales);
    world.pass(std::chrono::minutes(1));
    EXPECT_EQ(world.at(0).where, Where::absent) << "then it goes like any";
  }
}

TEST_F(CopiesTest, AreGivenUpWhenOneFailsOrTheModelGoes) {
  world.serve(0);
  world.copies_break = true;
  world.tell(Scale{0, 2});
  world.pass(seconds(20));
  EXPECT_EQ(world.planner.counts().copies, 1U) << "it is not tried again";
  EXPECT_FALSE(world.at(0).scales);
  EXPECT_EQ(world.at(0).where, Where::ready);
  world.copies_break = false;
  world.pass(std::chrono::minutes(1));
  for (const Event& event : {Event(ModelGone{0}), Event(Order{0, Act::unload})}) {
    Crowded with;
    with.world.serve(0);
    with.world.tell(Scale{0, 2});
    with.world.tell(event);
    with.world.pass(seconds(20));
    EXPECT_FALSE(with.world.at(0).scales);
    EXPECT_EQ(with.world.planner.device(0)->taken + with.world.planner.device(1)->taken, 0U);
  }
}

// Invariant: memory once. Invariant: no answer cut off.
// As the histories of planner_test.cpp, with several devices of a kind and bursts for one model. World looks at each
// step that no model has two engines on a device and that nobody who is waited for is kept out by a further engine;
// here that everybody is answered, and that copies go when the load goes.
TEST(Copies, AnswersEverybodyInRandomHistories) {
  const std::uint64_t first = 1;
  std::uint64_t copies = 0;
  for (std::uint64_t seed = first; seed < first + 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    Settings settings;
    settings.turn_least = seconds(1 + random.below(40));
    if (random.below(3) == 0) settings.unused_after = seconds(1 + random.below(100));
    const bool behind = random.below(3) == 0;
    const DeviceNumber host = behind ? 3 : no_device;
    World world({{3, 10 + random.below(40)},
                 {0, 10 + random.below(10), DeviceKind::gpu, host},
                 {1, 10 + random.below(10), DeviceKind::gpu, host},
                 {2, 10 + random.below(10), DeviceKind::gpu, host}},
                settings);
    world.at_start = random.below(2) == 0;
    world.ends_after = std::chrono::milliseconds(random.below(3000));
    world.falls_asleep_in = std::chrono::milliseconds(random.below(3000));
    world.answer_takes = std::chrono::milliseconds(100 + random.below(10'000));
    world.copies_break = random.below(5) == 0;
    world.kind = DeviceKind::gpu;
    const auto models = static_cast<ModelNumber>(2 + random.below(6));
    for (ModelNumber m = 0; m < models; ++m) {
      world.copies = static_cast<std::uint32_t>(1 + random.below(4));
      world.can_sleep = behind && random.below(3) != 0;
      world.residue = random.below(3);
      world.add({1 + random.below(10)});
    }
    std::size_t asked = 0;
    for (int i = 0; i < 60; ++i) {
      const auto model = static_cast<ModelNumber>(random.below(1 + random.below(models)));
      const auto most = random.below(4) == 0 ? 1 + random.below(30) : 1;
      switch (const auto what = random.below(24)) {
        case 0:
        case 1:
        case 2:
        case 3:
          world.disturb(model, what, random);
          break;
        case 4:
          if (const auto copies_of = world.planner.copies(model); !copies_of.empty())
            world.kill(model, copies_of.back().device);
          break;
        case 5:
          world.tell(Order{model, Act::renew});
          break;
        case 6:
          world.tell(Order{model, Act::sleep});
          break;
        case 7:
          world.tell(Scale{model, static_cast<std::uint32_t>(1 + random.below(4))});
          break;
        default:
          for (std::uint64_t n = 0; n < most; ++n, ++asked) world.ask_by_chance(model, random);
      }
      if (random.below(2) == 0) world.pass(std::chrono::milliseconds(random.below(20'000)));
    }
    world.answer_all(models, asked);
    for (ModelNumber m = 0; m < models; ++m) EXPECT_THAT(world.planner.copies(m), IsEmpty()) << "of model " << m;
    copies += world.planner.counts().copies;
    if (HasFailure()) return;
  }
  EXPECT_GT(copies, 300U);
}

}  // namespace
}  // namespace faelled::residency
