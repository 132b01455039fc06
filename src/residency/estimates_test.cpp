#include <gtest/gtest.h>

#include <cmath>

#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::seconds;
using Where = ModelState::Where;

// `places` models of 8 lie in memory, all unused, and `more` others are waited for that cannot come; a switch takes 8
// s.
struct Turns {
  Turns(std::uint32_t places, std::uint32_t more) : world(std::uint64_t{10} * places, settings) {
    for (std::uint32_t m = 0; m <= places + more; ++m) world.add({m < places + 1 ? 8U : 9U});
    for (ModelNumber m = 0; m <= places; ++m) world.serve(m);  // the last one by a switch
    for (ModelNumber m = 1; m <= places; ++m) world.tell(Order{m, Act::load});
    for (ModelNumber m = 0; m <= places; ++m)
      if (world.at(m).where == Where::ready) world.tell(Order{m, Act::pin});
    for (std::uint32_t m = 0; m < more; ++m) world.tell(ModelIs{places + 1 + m, 8, seconds(8)});
    for (std::uint32_t m = 0; m < more; ++m) waiting.push_back(world.ask(places + 1 + m));
  }
  double promised_s() const { return std::chrono::duration<double>(world.planner.promise(world.now)).count(); }

  static constexpr Settings settings{.promise_least = seconds(1), .service_guess = seconds(1)};
  World world;
  std::vector<TicketNumber> waiting;
};

// 1.5 × N/G × S / (1 − ρ), docs/decisions/0023; here long after something was asked for.
TEST(Promise, GrowsWithTheModelsThatAreAskedForForEachPlace) {
  for (const std::uint32_t places : {1U, 2U, 3U}) {
    for (const std::uint32_t more : {0U, 1U, 4U}) {
      Turns turns(places, more);
      turns.world.pass(std::chrono::hours(2));
      EXPECT_NEAR(turns.promised_s(), 1.5 * (places + more) / places * 8, 0.01) << places << " and " << more;
      for (const TicketNumber ticket : turns.waiting) turns.world.tell(Ended{ticket});
      EXPECT_NEAR(turns.promised_s(), 1.5 * 8, 0.01) << "nobody waits any more";
    }
  }
}

TEST(Promise, GrowsWithWhatIsAskedForOfThosePlacesButNotForEver) {
  Turns turns(1, 0);
  const double quiet_s = turns.promised_s();
  const ModelNumber model = turns.world.at(0).where == Where::ready ? 0 : 1;
  // Each answer takes a second: what is asked for in five minutes is about half of what one place answers.
  for (int i = 0; i < 600; ++i) {
    if (i % 2 == 0) turns.world.ask(model);
    turns.world.pass(seconds(1));
  }
  EXPECT_GT(turns.promised_s(), 1.6 * quiet_s);
  EXPECT_LT(turns.promised_s(), 2.4 * quiet_s);
  for (int i = 0; i < 5000; ++i) turns.world.ask(model);
  EXPECT_NEAR(turns.promised_s(), 1.5 * 8 / (1 - 0.9), 0.01) << "as if nine tenths were asked for";
}

TEST(Promise, IsNeverShorterThanTheSetting) {
  World world(10, {.promise_least = seconds(60)});
  EXPECT_EQ(world.planner.promise(world.now), seconds(60));
}

TEST(Promise, IsSoManyDaysAtMostHoweverLongLoadsAre) {
  World world(10);
  world.add({8, 8});
  world.serve(0);
  world.tell(ModelIs{1, 8, std::chrono::hours(1'000'000)});
  world.ask(1);  // a switch
  EXPECT_LE(world.planner.promise(world.now), std::chrono::days(12));
  EXPECT_GT(world.planner.promise(world.now), std::chrono::days(11));
}

TEST(ReadyIn, CountsThatAFailedModelIsNotTriedAgainYet) {
  World world(10);
  world.add({4});
  world.ask(0);
  world.tell(EngineGone{0});
  EXPECT_EQ(world.at(0).ready_in, seconds(5 + 4));
  world.pass(seconds(2));
  EXPECT_EQ(world.at(0).ready_in, seconds(3 + 4));
}

}  // namespace
}  // namespace faelled::residency
