#include "mesh/balances.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

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
  const auto kept = read_balances(text_of(balances_of(before)));
  ASSERT_TRUE(kept);
  commons::Scheduler after;
  for (const commons::Event& event : events_of(*kept)) after.step(now, event);
  EXPECT_EQ(after.member("away")->credit, away.credit);
  EXPECT_EQ(after.member("away")->lent, away.lent);
  EXPECT_EQ(after.member("busy")->borrowed, before.member("busy")->borrowed);
  EXPECT_EQ(after.capacity_per_s(), before.capacity_per_s());
  EXPECT_EQ(balances_of(after), balances_of(before));
}

TEST(Balances, SayWhichLineCannotBeRead) {
  for (const char* text : {"capacity x\n", "capacity 1\naarhus 1 2\n", "capacity 1\naarhus 1 2 3 4\n",
                           "capacity 1\naarhus 1 2 99999999999999999999\n", "aarhus 1 2 3\n", "capacity 1\n 1 2 3\n",
                           "capacity 1\naarhus 1 -2 3\n", "capacity 1\naarhus 1 2 3\naarhus 1 2 3\n"}) {
    const auto read = read_balances(text);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().message.contains("line ")) << text;
  }
  EXPECT_EQ(read_balances(""), Balances{});
}

// While a new server takes over from an old one both lend and borrow, and both write.
TEST(Balances, OfTwoServersThatWriteInTurnAreTheSumOfBoth) {
  SeededRandom random(1);
  const auto some = [&] {
    Balances out{static_cast<commons::Work>(random.below(100)), {}};
    for (const char* member : {"aarhus", "odense", "vejle"})
      if (random.below(2) == 0)
        out.members[member] = {static_cast<commons::Work>(random.below(200)) - 100,
                               static_cast<commons::Work>(random.below(100)),
                               static_cast<commons::Work>(random.below(100))};
    return sum(out, {});  // without those that are zero
  };
  Balances stored = some();
  struct Server {
    Balances own, known;
  };
  Server servers[2] = {{stored, stored}, {stored, stored}};
  Balances all = stored;
  for (int i = 0; i < 200; ++i) {
    Server& server = servers[random.below(2)];
    const Balances more = some();
    server.own = sum(server.own, more);
    all = sum(all, more);
    if (random.below(2) == 0) continue;
    const Balances others = difference(stored, server.known);
    server.own = stored = server.known = sum(server.own, others);
  }
  for (Server& server : servers) {
    const Balances others = difference(stored, server.known);
    server.own = stored = server.known = sum(server.own, others);
  }
  EXPECT_EQ(stored, all);
}

}  // namespace
}  // namespace faelled::mesh
