// Lending over weeks: transfers, their bound, and what credit is good for.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

using std::chrono::seconds;

// A settlement's worth of work of one member, while the others rest.
void works(Pool& pool, const std::string& member, std::uint32_t work) {
  pool.end(pool.ask(member, work), work);
  pool.pass(seconds(10));
}

TEST(Credit, WhatOneBorrowsTheOthersHaveLentInProportionToWhatTheyLeft) {
  Pool pool;
  pool.agree("a", 1);
  pool.agree("b", 1);
  pool.agree("c", 2);
  pool.engine("e", 1);
  works(pool, "a", 1000);  // entitled to a quarter
  EXPECT_EQ(pool.of("a").borrowed, 750);
  EXPECT_EQ(pool.of("a").credit, -750);
  EXPECT_EQ(pool.of("b").lent, 250);
  EXPECT_EQ(pool.of("c").lent, 500);
  EXPECT_EQ(pool.of("b").credit + pool.of("c").credit, 750);
}

TEST(Credit, IsNeitherMadeNorLostByRounding) {
  Pool pool;
  SeededRandom random(3);
  for (int i = 0; i < 7; ++i) pool.agree("m" + std::to_string(i), 1 + random.below(97));
  pool.engine("e", 1);
  for (int i = 0; i < 500; ++i) {
    works(pool, "m" + std::to_string(random.below(7)), static_cast<std::uint32_t>(1 + random.below(1009)));
    Work credit = 0, lent = 0, borrowed = 0;
    for (const MemberState& member : pool.scheduler.members()) {
      credit += member.credit;
      lent += member.lent;
      borrowed += member.borrowed;
    }
    ASSERT_EQ(credit, 0) << i;
    ASSERT_EQ(lent, borrowed) << i;
  }
}

TEST(Credit, IsBoundedByAWeekOfEntitlementOnEitherSide) {
  Settings settings = Pool::prompts_alone();
  settings.credit_max = seconds(60);
  Pool pool(settings);
  pool.agree("a", 1);
  pool.agree("b", 1);
  pool.engine("e", 1);
  for (int i = 0; i < 100; ++i) works(pool, "a", 1000);  // 100 a second; each is entitled to 50
  EXPECT_EQ(pool.of("a").credit, -50 * 60);
  EXPECT_EQ(pool.of("b").credit, 50 * 60);
  EXPECT_GT(pool.of("a").borrowed, 40'000);
}

TEST(Credit, LendsFirstToTheMemberThatLentBefore) {
  Settings settings = Pool::prompts_alone();
  settings.credit_step = seconds(10);
  Pool pool(settings);
  for (const std::string member : {"lender", "taker", "idle"}) pool.agree(member, 1);
  pool.engine("e", 2);
  for (int i = 0; i < 50; ++i) works(pool, "taker", 900);
  EXPECT_GT(pool.of("lender").credit, 0);
  pool.pass(std::chrono::hours(1));
  // Both want more than their floor while "idle" uses little; the one that lent is served first, whoever asked first.
  pool.ask("idle", 1);
  const TicketNumber running = pool.ask("taker", 500);
  pool.step(EngineIs{"e", "m", 3, 1, false, Price{}});
  pool.ask("lender", 500);
  const TicketNumber of_taker = pool.ask("taker", 100);
  const TicketNumber of_lender = pool.ask("lender", 100);
  pool.end(running, 500);
  ASSERT_EQ(pool.granted(), std::vector{of_lender});
  EXPECT_TRUE(pool.waits(of_taker));
}

TEST(Credit, NoCreditIsNoBarWhileThereIsRoom) {
  Settings settings = Pool::prompts_alone();
  settings.credit_max = seconds(60);
  Pool pool(settings);
  pool.agree("a", 1);
  pool.agree("b", 1);
  pool.engine("e", 3);
  for (int i = 0; i < 100; ++i) works(pool, "a", 1000);
  pool.ask("b", 1);
  pool.ask("a", 1000);
  EXPECT_EQ(pool.grants().size(), 1U);
  pool.ask("a", 1000);
  EXPECT_EQ(pool.grants().size(), 1U);
}

TEST(Credit, OfAMemberWithoutAnAgreementIsNone) {
  Pool pool;
  pool.agree("a", 1);
  pool.engine("e", 1);
  works(pool, "guest", 1000);
  EXPECT_EQ(pool.of("guest").credit, 0);
  EXPECT_EQ(pool.of("guest").borrowed, 1000);
  EXPECT_EQ(pool.of("a").lent, 1000);
}

TEST(Credit, EndsWithTheAgreement) {
  Pool pool;
  pool.agree("a", 1);
  pool.agree("b", 1);
  pool.engine("e", 1);
  works(pool, "a", 1000);
  pool.step(Leave{"b"});
  EXPECT_FALSE(pool.scheduler.member("b"));
  pool.agree("b", 1);
  EXPECT_EQ(pool.of("b").credit, 0);
}

TEST(Credit, IsSettledOnceAfterALongSilence) {
  Pool pool;
  pool.agree("a", 1);
  pool.agree("b", 1);
  pool.engine("e", 1);
  works(pool, "a", 1000);
  const Work credit = pool.of("b").credit;
  pool.pass(std::chrono::hours(24 * 365));
  EXPECT_EQ(pool.of("b").credit, credit);
}

}  // namespace
}  // namespace faelled::commons
