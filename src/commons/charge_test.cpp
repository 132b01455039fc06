// What a ticket costs its member, from the grant to the truth.
#include <gtest/gtest.h>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

TEST(Charge, AtTheGrantIsThePromptAndTheNextTokensThatAreExpected) {
  Pool pool{Settings{}};
  pool.engine("e", 1);
  pool.ask("a", 100);
  EXPECT_EQ(pool.grants().at(0).charged, 100 + 128 * 2);
  EXPECT_EQ(pool.of("a").outstanding, 356);
  EXPECT_EQ(pool.of("a").delivered, 0);
  EXPECT_EQ(pool.of("a").recent, 356);
}

TEST(Charge, ExpectsWhatTheCallersLastAnswersWereThenTheMembersThenTheModels) {
  Pool pool{Settings{}};
  pool.engine("e", 1);
  pool.step(End{pool.ask("a", 0, "talker"), Ending::done, 0, 100});
  const TicketNumber same = pool.ask("a", 0, "talker");
  EXPECT_EQ(pool.grants().at(0).charged, 200);
  pool.step(End{same, Ending::done, 0, 100});
  const TicketNumber colleague = pool.ask("a", 0, "terse");
  EXPECT_EQ(pool.grants().at(0).charged, 200);
  pool.step(End{colleague, Ending::done, 0, 10});
  const TicketNumber again = pool.ask("a", 0, "terse");
  EXPECT_EQ(pool.grants().at(0).charged, 20);
  pool.step(End{again, Ending::done, 0, 10});
  pool.ask("b", 0, "new");
  EXPECT_EQ(pool.grants().at(0).charged, 20);  // the lower middle of all four
}

TEST(Charge, ExpectsNoMoreThanTheRequestAllows) {
  Pool pool{Settings{}};
  pool.engine("e", 1);
  Arrive arrive;
  arrive.ticket = 1;
  arrive.member = "a";
  arrive.model = "m";
  arrive.output_tokens_max = 16;
  arrive.deadline = pool.now + std::chrono::hours(1);
  pool.step(arrive);
  EXPECT_EQ(pool.grants().at(0).charged, 32);
}

TEST(Charge, GrowsWhenAnAnswerOutlivesWhatWasExpected) {
  Pool pool{Settings{}};
  pool.engine("e", 1);
  for (const std::uint32_t output : {64U, 64U, 64U, 1024U}) pool.step(End{pool.ask("a", 0), Ending::done, 0, output});
  const TicketNumber ticket = pool.ask("a", 0);
  const Work before = 2 * (64 * 3 + 1024);
  EXPECT_EQ(pool.of("a").outstanding, 2 * 64);
  pool.step(Progress{ticket, 0, 60});
  EXPECT_EQ(pool.of("a").outstanding + pool.of("a").delivered - before, 2 * 64);
  pool.step(Progress{ticket, 0, 64});  // longer than the short ones: it will be as long as the long one
  EXPECT_EQ(pool.of("a").outstanding + pool.of("a").delivered - before, 2 * (64 + 128));
  pool.step(Progress{ticket, 0, 1000});
  EXPECT_EQ(pool.of("a").outstanding + pool.of("a").delivered - before, 2 * 1024);
}

TEST(Charge, IsTheTruthInTheEnd) {
  for (const Ending how : {Ending::done, Ending::cancelled, Ending::failed}) {
    Pool pool{Settings{}};
    pool.engine("e", 1);
    const TicketNumber ticket = pool.ask("a", 100);
    pool.step(Progress{ticket, 40, 7});  // sixty tokens of the prompt were cached
    EXPECT_EQ(pool.of("a").delivered, 54);
    pool.step(End{ticket, how, 40, 9});
    EXPECT_EQ(pool.of("a").delivered, 58);
    EXPECT_EQ(pool.of("a").outstanding, 0);
    EXPECT_EQ(pool.of("a").recent, 58);
    EXPECT_EQ(pool.of("a").running, 0U);
    EXPECT_EQ(pool.scheduler.explain(ticket).state, Explanation::State::unknown);
  }
}

TEST(Charge, OfATicketThatWaitsAndIsWithdrawnIsNothing) {
  Pool pool{Settings{}};
  const TicketNumber ticket = pool.ask("a", 100);
  pool.step(End{ticket, Ending::cancelled, 0, 0});
  EXPECT_EQ(pool.of("a").recent, 0);
  EXPECT_EQ(pool.scheduler.waiting(), 0U);
}

TEST(Charge, OfAReturnedTicketIsWhatTheEngineDidAndItsNextAttemptIsChargedAnew) {
  Pool pool;
  pool.engine("e", 1);
  Wish batch;
  batch.lane = Lane::batch;
  batch.revocable = true;
  const TicketNumber ticket = pool.ask(batch);
  pool.step(Progress{ticket, 100, 20});
  pool.step(End{ticket, Ending::returned, 100, 20});
  EXPECT_EQ(pool.granted(), std::vector{ticket});
  EXPECT_EQ(pool.of("a").delivered, 140);
  EXPECT_EQ(pool.of("a").outstanding, 100);
  pool.step(End{ticket, Ending::done, 100, 30});
  EXPECT_EQ(pool.of("a").delivered, 140 + 160);
  EXPECT_EQ(pool.of("a").outstanding, 0);
}

TEST(Charge, CountsThatRunBackwardsTakeNothingBack) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber ticket = pool.ask("a", 100);
  pool.step(Progress{ticket, 100, 50});
  pool.step(Progress{ticket, 100, 20});
  pool.step(End{ticket, Ending::done, 0, 0});
  EXPECT_EQ(pool.of("a").delivered, 200);
  EXPECT_EQ(pool.of("a").recent, 200);
}

TEST(Charge, OnlyFinishedAnswersTeachWhatToExpect) {
  Pool pool{Settings{}};
  pool.engine("e", 1);
  pool.step(End{pool.ask("a", 0), Ending::done, 0, 100});
  pool.step(End{pool.ask("a", 0), Ending::cancelled, 0, 1});
  pool.ask("a", 0);
  EXPECT_EQ(pool.grants().at(0).charged, 200);
}

TEST(Charge, FadesWithAHalfLifeOf42Seconds) {
  Pool pool;
  pool.engine("e", 1);
  pool.end(pool.ask("a", 1000), 1000);
  pool.pass(std::chrono::seconds(42));
  EXPECT_EQ(pool.of("a").recent, 500);
  pool.pass(std::chrono::seconds(42 * 3));
  EXPECT_EQ(pool.of("a").recent, 62);
  pool.pass(std::chrono::hours(24 * 30));
  EXPECT_EQ(pool.of("a").recent, 0);
  EXPECT_EQ(pool.of("a").delivered, 1000);
}

TEST(Charge, FiguresBeyondAllReasonAreCutAndNothingOverflows) {
  Pool pool{Settings{}};
  pool.step(EngineIs{"e", "m", 1000, 4'000'000'000, false, Price{4'000'000'000, 4'000'000'000}});
  pool.agree("a", ~std::uint64_t{0});
  for (int i = 0; i < 100; ++i) {
    const TicketNumber ticket = pool.ask("a", ~0U);
    pool.step(Progress{ticket, ~0U, ~0U});
    pool.step(End{ticket, Ending::done, ~0U, ~0U});
  }
  EXPECT_EQ(pool.of("a").delivered, Work{2 * 100} * tokens_max * price_max);
  EXPECT_EQ(pool.of("a").outstanding, 0);
  EXPECT_EQ(pool.of("a").share, share_max);
}

}  // namespace
}  // namespace faelled::commons
