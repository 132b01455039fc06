#include "residency/habit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using Where = ModelState::Where;

constexpr Quarter eight{32, true};

TEST(Habit, KnowsNothingOfASingleDay) {
  Habit habit;
  habit.asked(eight);
  habit.over(eight);
  EXPECT_EQ(habit.likely(eight), 0);
  habit.asked(eight);
  habit.over(eight);
  EXPECT_GT(habit.likely(eight), 0.3);
  EXPECT_LT(habit.likely({33, true}), 0.01);
  EXPECT_EQ(habit.likely({32, false}), 0);
}

TEST(Habit, DrawsAFewDaysTowardsTheWholeDay) {
  Habit once, often;
  for (int day = 1; day <= 10; ++day) {
    for (std::uint32_t quarter = 0; quarter < Quarter::in_a_day; ++quarter) {
      const Quarter now{quarter, true};
      if (now == eight) once.asked(now);
      if (now == eight || quarter % 2 == 0) often.asked(now);
      once.over(now);
      often.over(now);
    }
    if (day != 2) continue;
    EXPECT_LT(once.likely(eight), 0.4) << "two days may be chance";
    EXPECT_GT(often.likely(eight), 0.6) << "less so of one that is asked for all day";
    EXPECT_GT(often.likely({33, true}), 0.3);
  }
  EXPECT_GT(once.likely(eight), 0.7);
  EXPECT_LT(once.likely({33, true}), 0.01);
}

TEST(Habit, LoadsAheadThatWereOfNoUseCountAgainstIt) {
  Habit habit;
  for (int day = 0; day < 15; ++day) {
    habit.asked(eight);
    habit.over(eight);
  }
  const double likely = habit.likely(eight);
  EXPECT_EQ(habit.worth_warming(eight), likely);
  Habit used = habit;
  for (int day = 0; day < 3; ++day) {
    habit.warmed(eight);
    used.warmed(eight);
    used.used();
  }
  EXPECT_EQ(used.worth_warming(eight), likely) << "and never more than likely";
  EXPECT_LT(habit.worth_warming(eight), 0.4 * likely);
  EXPECT_EQ(habit.likely(eight), likely);
  for (int day = 0; day < 60; ++day) habit.over({95, true});
  EXPECT_GT(habit.worth_warming(eight), 0.9 * likely) << "in two months that is forgotten";
}

TEST(Habit, ForgetsWhatIsNoLongerSo) {
  Habit habit;
  for (int day = 0; day < 30; ++day) {
    habit.asked(eight);
    habit.over(eight);
  }
  for (int day = 0; day < 18; ++day) habit.over(eight);
  EXPECT_LT(habit.likely(eight), 0.3);
}

// Days in a memory of 10: model 0 is asked for shortly after eight on most working days, 1 at any time.
struct Days {
  explicit Days(Settings settings = {}) : world(10, settings) {
    world.add({4, 4, 4});
    world.answer_takes = seconds(2);
  }

  void day(bool working_day, double asked_at_eight) {
    for (std::uint32_t quarter = 0; quarter < Quarter::in_a_day; ++quarter) {
      world.tell(QuarterIs{{quarter, working_day}});
      if (quarter == eight.number && working_day) {
        ++mornings;
        ready += world.at(0).where == Where::ready ? 1 : 0;
        const bool asks = random.below(1000) < static_cast<std::uint64_t>(1000 * asked_at_eight);
        world.pass(seconds(random.below(600)));
        if (asks) world.ask(0);
        world.pass(seconds(600));
      }
      if (random.below(60) == 0) world.ask(1);
      world.pass(minutes(quarter == eight.number && working_day ? 1 : 15));
    }
  }
  void weeks(int count, double asked_at_eight = 0.97) {
    for (int day_of_all = 0; day_of_all < 7 * count; ++day_of_all) day(day_of_all % 7 < 5, asked_at_eight);
  }

  World world;
  SeededRandom random{1};
  int mornings = 0, ready = 0;
};

TEST(Warming, WhatIsAskedEveryMorningIsReadyAfterTwoWeeks) {
  Days days({.unused_after = minutes(30)});
  days.weeks(2);
  days.mornings = days.ready = 0;
  const Counts before = days.world.planner.counts();
  days.weeks(20);
  EXPECT_GE(days.ready, 0.95 * days.mornings) << days.ready << " of " << days.mornings;
  const Counts& after = days.world.planner.counts();
  EXPECT_GE(static_cast<double>(after.warmed_used - before.warmed_used),
            0.75 * static_cast<double>(after.warmed - before.warmed));
  EXPECT_GT(after.warmed, before.warmed);
}

TEST(Warming, GoesOnWithWhatAnotherPlannerHasLearned) {
  Days days({.unused_after = minutes(30)});
  days.weeks(2, 1);
  World next(10);
  next.add({4, 4, 4});
  for (const auto& [model, habit] : days.world.planner.habits()) next.tell(HabitIs{model, habit});
  next.tell(HabitIs{99, {}});
  EXPECT_EQ(next.planner.habits(), days.world.planner.habits()) << "but for a model that is not there";
  next.tell(QuarterIs{{eight.number - 1, true}});
  next.pass(minutes(15));
  EXPECT_EQ(next.at(0).where, Where::ready);
  EXPECT_EQ(next.at(0).cause, Cause::habit);
  EXPECT_EQ(next.at(2).where, Where::absent);
}

TEST(Warming, AQuarterThatIsToldAgainIsNoFurtherDay) {
  Days days;
  days.weeks(1, 1);
  days.world.tell(QuarterIs{{0, true}});
  const auto habits = days.world.planner.habits();
  days.world.tell(QuarterIs{{0, true}});  // by a clock that was put back
  EXPECT_EQ(days.world.planner.habits(), habits);
}

TEST(Warming, NobodyMakesRoomForAHabit) {
  Days days({.unused_after = minutes(30)});
  days.weeks(2);
  for (const ModelNumber m : {1U, 2U}) days.world.tell(Order{m, Act::pin});
  days.world.pass(minutes(1));
  const std::uint64_t warmed = days.world.planner.counts().warmed;
  days.mornings = days.ready = 0;
  days.weeks(1);
  EXPECT_EQ(days.world.planner.counts().warmed, warmed);
}

TEST(Warming, WhatIsLoadedAheadIsNotTheFirstToGoUntilItsTimeIsOver) {
  for (const bool over : {false, true}) {
    Days days;
    days.world.add({4});
    days.weeks(2, 1);
    for (std::uint32_t quarter = 0; quarter < eight.number; ++quarter) {
      days.world.tell(QuarterIs{{quarter, true}});
      if (quarter == 0)
        for (const ModelNumber m : {0U, 1U, 2U, 3U}) days.world.tell(Order{m, Act::unload});
      days.world.pass(minutes(2));
      if (quarter == eight.number - 1) days.world.serve(1);
      days.world.pass(minutes(13));
    }
    ASSERT_EQ(days.world.at(0).where, Where::ready);
    ASSERT_EQ(days.world.at(1).where, Where::ready);
    days.world.pass(over ? minutes(17) : minutes(1));
    days.world.serve(1);
    days.world.pass(seconds(30));
    days.world.serve(2);
    EXPECT_EQ(days.world.at(0).where, over ? Where::absent : Where::ready);
    EXPECT_EQ(days.world.at(1).where, over ? Where::ready : Where::absent);
  }
}

TEST(Warming, StopsWhereItIsOfNoUse) {
  // Asked for at eight of every working day until it is learned, and then never again: by what is remembered of fifteen
  // days alone it would be loaded on fourteen mornings more.
  Days days({.unused_after = minutes(30)});
  days.weeks(3, 1);
  const std::uint64_t before = days.world.planner.counts().warmed;
  days.weeks(4, 0);
  EXPECT_LE(days.world.planner.counts().warmed - before, 7U);
  EXPECT_GT(before, 0U);
}

TEST(Warming, IsBegunSoThatItIsReadyAndNotEarlier) {
  Days days({.unused_after = minutes(30)});
  days.weeks(2, 1);
  for (std::uint32_t quarter = 0; quarter < eight.number - 1; ++quarter) {
    days.world.tell(QuarterIs{{quarter, true}});
    days.world.pass(minutes(15));
  }
  (void)days.world.does();
  days.world.tell(QuarterIs{{eight.number - 1, true}});
  days.world.pass(minutes(14));
  EXPECT_THAT(days.world.does(), ::testing::IsEmpty());
  days.world.pass(minutes(1));
  EXPECT_EQ(days.world.at(0).where, Where::ready);
  EXPECT_EQ(days.world.at(0).cause, Cause::habit);
}

TEST(Energy, AnUnusedModelGoesWhenItHasDrawnWhatItsReturnCosts) {
  // 4 s to load at 300 W, and a wait worth 700 W: 4,000 J, which 40 W draw in 100 s.
  World world(10, {.idle_w = 40, .load_w = 300, .wait_w = 700});
  world.add({4});
  world.serve(0);
  (void)world.does();
  world.pass(seconds(98));
  EXPECT_THAT(world.does(), ::testing::IsEmpty());
  world.pass(seconds(3));
  EXPECT_THAT(world.does(), ElementsAre(Unload{0, Cause::unused, no_model}));
}

TEST(Energy, HasPatienceAtTimesWhenTheModelIsUsuallyAskedFor) {
  Days days({.idle_w = 40, .load_w = 300, .wait_w = 700});
  days.weeks(2, 1);
  for (std::uint32_t quarter = 0; quarter < eight.number; ++quarter) {
    days.world.tell(QuarterIs{{quarter, true}});
    days.world.pass(minutes(15));
  }
  days.world.tell(QuarterIs{eight});
  days.world.serve(0);
  days.world.pass(minutes(10));
  EXPECT_EQ(days.world.at(0).where, Where::ready);  // far beyond its 100 s
  days.world.tell(QuarterIs{{eight.number + 4, true}});
  days.world.pass(minutes(1));
  EXPECT_EQ(days.world.at(0).where, Where::absent);
}

}  // namespace
}  // namespace faelled::residency
