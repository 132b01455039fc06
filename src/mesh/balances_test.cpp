#include "mesh/balances.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::mesh {
namespace {

// One member that works all the time and one that never does, for ten minutes.
void lend(commons::Scheduler& commons, Instant& now) {
  commons.step(now, commons::Agree{"busy", 1, 0});
  commons.step(now, commons::Agree{"away", 1, 0});
  commons.step(now, commons::EngineIs{"e", "m", 1});
  for (commons::TicketNumber ticket = 1; ticket <= 60; ++ticket) {
    commons.step(now, commons::Arrive{ticket, "busy", "u", "m", {}, false, 100, 0, Instant::max()});
    now += std::chrono::seconds(10);
    commons.step(now, commons::End{ticket, commons::Ending::done, 100, 450});
  }
}

TEST(Balances, OutliveTheProcess) {
  commons::Scheduler before;
  Instant now{std::chrono::hours(1)};
  lend(before, now);
  const auto away = before.member("away").value();
  EXPECT_GT(away.lent, 0);
  EXPECT_EQ(away.credit, -before.member("busy")->credit);
  const auto events = balances_of(balances_text(before));
  ASSERT_TRUE(events);
  commons::Scheduler after;
  for (const commons::Event& event : *events) after.step(now, event);
  EXPECT_EQ(after.member("away")->credit, away.credit);
  EXPECT_EQ(after.member("away")->lent, away.lent);
  EXPECT_EQ(after.member("busy")->borrowed, before.member("busy")->borrowed);
  EXPECT_EQ(after.capacity_per_s(), before.capacity_per_s());
  EXPECT_EQ(balances_text(after), balances_text(before));
}

TEST(Balances, SayWhichLineCannotBeRead) {
  for (const char* text : {"capacity x\n", "capacity 1\naarhus 1 2\n", "capacity 1\naarhus 1 2 3 4\n",
                           "capacity 1\naarhus 1 2 99999999999999999999\n", "aarhus 1 2 3\n", "capacity 1\n 1 2 3\n",
                           "capacity 1\naarhus 1 -2 3\n"}) {
    const auto read = balances_of(text);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().message.contains("line ")) << text;
  }
  EXPECT_TRUE(balances_of("")->empty());
}

}  // namespace
}  // namespace faelled::mesh
