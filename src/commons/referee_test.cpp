// The Referee finds what is wrong: each invariant is broken once by a scheduler that is made up here.
#include "commons/referee.hpp"

#include <gtest/gtest.h>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

using std::chrono::seconds;

class Wrong : public testing::Test {
 protected:
  Wrong() {
    saw(Capacity{10});
    saw(Agree{"a", 1, 0});
    saw(Agree{"b", 1, 2});
    saw(EngineIs{"e", "m", 0, 1, false, Price{}});
  }

  void saw(const Event& event, const std::vector<Action>& actions = {}) { referee_.saw(now_, event, actions); }
  void arrives(TicketNumber ticket, const std::string& member, std::uint32_t work = 100,
               Lane lane = Lane::interactive) {
    Arrive arrive;
    arrive.ticket = ticket;
    arrive.member = member;
    arrive.model = "m";
    arrive.lane = lane;
    arrive.revocable = true;
    arrive.prompt_tokens = work;
    arrive.deadline = now_ + seconds(3600);
    saw(arrive);
  }
  static Grant grant(TicketNumber ticket, Work charged = 100, Why why = Why::floor) {
    return {ticket, "e", why, charged};
  }
  void places(std::uint32_t count, const std::vector<Action>& actions) {
    saw(EngineIs{"e", "m", count, 1, false, Price{}}, actions);
  }
  // That invariant alone, and once.
  void expect(Invariant invariant) {
    EXPECT_EQ(referee_.count(invariant), 1U);
    EXPECT_EQ(referee_.total(), 1U) << testing::PrintToString(referee_.violations());
    ASSERT_FALSE(referee_.violations().empty());
    EXPECT_TRUE(referee_.violations().front().starts_with(name_of(invariant)));
  }

  Instant now_{std::chrono::hours(1)};
  Referee referee_{Pool::prompts_alone()};
};

TEST_F(Wrong, NothingAtFirst) {
  arrives(1, "a");
  places(1, {grant(1)});
  saw(Progress{1, 100, 0});
  saw(End{1, Ending::done, 100, 0});
  EXPECT_EQ(referee_.total(), 0U);
}

TEST_F(Wrong, RoomStaysFree) {
  arrives(1, "a");
  places(1, {});
  expect(Invariant::conservation);
}

TEST_F(Wrong, ABorrowerGoesBeforeAClaim) {
  arrives(1, "a", 1000);
  places(1, {grant(1, 1000)});
  arrives(2, "a");
  arrives(3, "b");
  // After an answer of no token one token is expected: the least there is.
  saw(End{1, Ending::done, 1000, 0}, {grant(2, 102, Why::borrowed)});
  expect(Invariant::floor);
}

TEST_F(Wrong, BatchGoesBeforePeople) {
  arrives(1, "a", 100, Lane::batch);
  arrives(2, "b");
  places(1, {grant(1)});
  expect(Invariant::lanes);
}

TEST_F(Wrong, TheMoreCountedGoesFirst) {
  arrives(1, "a");
  arrives(2, "a");
  arrives(3, "b");
  places(2, {grant(1), grant(2)});
  expect(Invariant::order);
}

TEST_F(Wrong, AMemberGetsMoreThanItsPlaces) {
  for (const TicketNumber ticket : {1, 2, 3}) arrives(ticket, "b");
  places(3, {grant(1), grant(2), grant(3)});
  expect(Invariant::places);
}

TEST_F(Wrong, AnEngineGetsMoreThanItsPlaces) {
  arrives(1, "a");
  arrives(2, "a");
  places(1, {grant(1), grant(2)});
  expect(Invariant::places);
}

TEST_F(Wrong, ATicketRunsTwice) {
  arrives(1, "a");
  places(2, {grant(1), grant(1)});
  expect(Invariant::tickets);
}

TEST_F(Wrong, AWithdrawnTicketIsGranted) {
  arrives(1, "a");
  saw(End{1, Ending::cancelled, 0, 0});
  places(1, {grant(1)});
  expect(Invariant::tickets);
}

TEST_F(Wrong, AWaitDoesNotEnd) {
  arrives(1, "a");
  now_ += seconds(3600);
  saw(Tick{});
  expect(Invariant::tickets);
}

TEST_F(Wrong, AWaitEndsEarly) {
  arrives(1, "a");
  saw(Tick{}, {Expire{1}});
  expect(Invariant::tickets);
}

TEST_F(Wrong, AStreamOfAPersonIsTakenBack) {
  arrives(1, "a");
  places(1, {grant(1)});
  arrives(2, "b");
  saw(Tick{}, {Revoke{1, 2}});
  expect(Invariant::revoked);
}

TEST_F(Wrong, AGrantChargesWhatNobodyExpects) {
  arrives(1, "a");
  places(1, {grant(1, 99)});
  expect(Invariant::charged);
}

TEST_F(Wrong, AMembersBooksAreNotWhatWasTold) {
  Pool pool;
  pool.engine("e", 1);
  Referee referee(Pool::prompts_alone());
  referee.saw(pool.now, EngineIs{"e", "m", 1, 1, false, Price{}}, {});
  pool.end(pool.ask("a"));
  referee.compare(pool.scheduler);
  EXPECT_EQ(referee.count(Invariant::books), referee.total());
  EXPECT_GT(referee.total(), 0U);
}

// A member that is served alone while another of the same class waits is ahead sooner or later.
TEST_F(Wrong, OneLagsBehindTheOther) {
  saw(Agree{"b", 1, 0});
  saw(Capacity{1'000'000'000});
  arrives(1, "a");
  arrives(2, "b");
  for (TicketNumber ticket = 3; ticket < 9; ++ticket) arrives(ticket, "a");
  places(1, {grant(1)});
  for (TicketNumber ticket = 3; ticket < 8; ++ticket)
    saw(End{ticket == 3 ? 1 : ticket - 1, Ending::done, 100, 0}, {grant(ticket, 102)});
  EXPECT_GT(referee_.count(Invariant::lag), 0U);
  EXPECT_EQ(referee_.count(Invariant::lag) + referee_.count(Invariant::order), referee_.total());
}

}  // namespace
}  // namespace faelled::commons
