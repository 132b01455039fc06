// A line that is full: who loses a ticket, so that nobody is shut out by one who asks for much.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

using ::testing::ElementsAre;

Settings bounded(std::uint32_t waiting_max) {
  Settings settings = Pool::prompts_alone();
  settings.waiting_max = waiting_max;
  return settings;
}

std::vector<Action> refuses(TicketNumber ticket) { return {Refuse{ticket}}; }

// Invariant: nobody shut out
TEST(FullLine, WhoeverHasTheMostInItLosesTheLast) {
  Pool pool(bounded(4));
  for (int i = 0; i < 3; ++i) pool.ask("greedy");
  const TicketNumber modest = pool.ask("modest");
  const TicketNumber another = pool.ask("another");
  EXPECT_EQ(pool.last, refuses(3));
  EXPECT_TRUE(pool.waits(modest) && pool.waits(another));
  EXPECT_EQ(pool.scheduler.waiting(), 4U);
}

TEST(FullLine, WhoHasAsMuchAsAnybodyIsRefusedItself) {
  Pool pool(bounded(2));
  pool.ask("a");
  pool.ask("b");
  const TicketNumber second = pool.ask("b");
  EXPECT_EQ(pool.last, refuses(second));
  EXPECT_EQ(pool.scheduler.explain(second).state, Explanation::State::unknown);
  const TicketNumber first = pool.ask("c");
  EXPECT_EQ(pool.last, refuses(first)) << "all have one, and one is too many";
}

TEST(FullLine, AMembersBatchGoesBeforeItsPeople) {
  Pool pool(bounded(3));
  Wish batch;
  batch.lane = Lane::batch;
  const TicketNumber first = pool.ask(batch);
  const TicketNumber last = pool.ask(batch);
  pool.ask("a");
  pool.ask("a", 100, "colleague");
  EXPECT_EQ(pool.last, refuses(last));
  pool.ask("a", 100, "colleague");
  EXPECT_EQ(pool.last, refuses(first));
}

TEST(FullLine, OfAllColleaguesTheOneWhoCameLast) {
  Pool pool(bounded(2));
  pool.ask("a", 100, "u");
  pool.ask("a", 100, "v");
  const TicketNumber last = pool.ask("a", 100, "u");
  EXPECT_EQ(pool.last, refuses(last));
}

// Invariant: nobody shut out
TEST(FullLine, AColleagueWithAThousandLosesOneAndNotWhoCameLast) {
  Pool pool(bounded(4));
  for (int i = 0; i < 4; ++i) pool.ask("a", 100, "greedy");
  const TicketNumber modest = pool.ask("a", 100, "modest");
  EXPECT_EQ(pool.last, refuses(4));
  EXPECT_TRUE(pool.waits(modest));
  const TicketNumber another = pool.ask("a", 100, "another");
  EXPECT_EQ(pool.last, refuses(3));
  const TicketNumber again = pool.ask("a", 100, "modest");
  EXPECT_EQ(pool.last, refuses(again)) << "both have two, and this came last";
  EXPECT_TRUE(pool.waits(modest) && pool.waits(another));
}

TEST(FullLine, LinesOfOtherModelsAndThoseThatAreServedDoNotCount) {
  Pool pool(bounded(1));
  pool.engine("e", 2);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.ask("a"), static_cast<TicketNumber>(i + 1));
  Wish other;
  other.model = "n";
  const TicketNumber elsewhere = pool.ask(other);
  EXPECT_TRUE(pool.waits(elsewhere) && pool.waits(3));
  const TicketNumber more = pool.ask("a");
  EXPECT_EQ(pool.last, refuses(more));
  pool.end(1);
  EXPECT_THAT(pool.granted(), ElementsAre(3));
}

TEST(FullLine, WhatComesBackIsNotRefused) {
  Pool pool(bounded(1));
  pool.engine("e", 1);
  const TicketNumber first = pool.ask("a");
  pool.ask("a");
  pool.step(EngineIs{"e", "m", 0, 1, false, Price{}});
  pool.end(first, 0, Ending::returned);
  EXPECT_TRUE(pool.last.empty());
  EXPECT_EQ(pool.scheduler.waiting(), 2U);
}

}  // namespace
}  // namespace faelled::commons
