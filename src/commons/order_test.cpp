// Who is next: floors, counts, lift and head start, two levels.
#include <gtest/gtest.h>

#include <map>

#include "commons/pool_testing.hpp"

namespace faelled::commons {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::string member_of(const Pool& pool, TicketNumber ticket) { return pool.scheduler.explain(ticket).member; }

// Ends what runs, `times` over, and says whose tickets came next.
std::vector<std::string> turns(Pool& pool, TicketNumber running, int times, std::uint32_t work = 100) {
  std::vector<std::string> out;
  for (int i = 0; i < times; ++i) {
    pool.end(running, work);
    if (pool.granted().size() != 1) return out;
    running = pool.granted().front();
    out.push_back(member_of(pool, running));
  }
  return out;
}

TEST(Order, IsFirstComeFirstServedAmongOneCallersRequests) {
  Pool pool;
  pool.engine("e", 1);
  TicketNumber running = pool.ask("a");
  std::vector<TicketNumber> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(pool.ask("a"));
  for (const TicketNumber next : waiting) {
    pool.end(running);
    EXPECT_EQ(pool.granted(), std::vector{next});
    running = next;
  }
}

TEST(Order, AFloorClaimGoesBeforeABorrowerThatCameFirst) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber running = pool.ask("a", 1000);
  pool.ask("a");
  const TicketNumber claim = pool.ask("b");
  pool.end(running, 1000);
  ASSERT_EQ(pool.granted(), std::vector{claim});
  EXPECT_EQ(pool.grants().front().why, Why::floor);
}

TEST(Order, WhatNobodyClaimsIsLent) {
  Pool pool;
  pool.engine("e", 3);
  pool.ask("a", 100);
  pool.ask("b", 10);
  pool.ask("a", 100);
  ASSERT_EQ(pool.grants().size(), 1U);
  EXPECT_EQ(pool.grants().front().why, Why::borrowed);
}

TEST(Order, ALoneMemberIsNeverABorrower) {
  Pool pool;
  pool.engine("e", 100);
  for (int i = 0; i < 100; ++i) {
    pool.ask("a");
    ASSERT_EQ(pool.grants().front().why, Why::floor);
  }
}

TEST(Order, AmongFloorClaimsTheLeastCountedIsFirst) {
  Pool pool;
  pool.engine("e", 4);
  const std::vector<TicketNumber> running{pool.ask("large", 1000), pool.ask("a", 10), pool.ask("b", 20),
                                          pool.ask("c", 30)};
  for (const std::string member : {"large", "c", "b", "a"}) pool.ask(member);
  std::vector<std::string> order;
  pool.end(running[1], 10);  // each is still below a quarter of all
  order.push_back(member_of(pool, pool.granted().at(0)));
  pool.end(running[2], 20);
  order.push_back(member_of(pool, pool.granted().at(0)));
  pool.end(running[3], 30);
  order.push_back(member_of(pool, pool.granted().at(0)));
  EXPECT_EQ(order, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Order, SharesDivideWorkInTheirProportion) {
  Pool pool;
  pool.agree("a", 3);
  pool.agree("b", 1);
  pool.engine("e", 1);
  const TicketNumber running = pool.ask("a");
  for (int i = 0; i < 400; ++i) {
    pool.ask("a");
    pool.ask("b");
  }
  std::map<std::string, int> served;
  for (const std::string& member : turns(pool, running, 400)) ++served[member];
  EXPECT_NEAR(served["a"], 300, 2);
  EXPECT_NEAR(served["b"], 100, 2);
}

TEST(Order, WorkIsDividedAndNotRequests) {
  Pool pool;
  pool.engine("e", 1);
  TicketNumber running = pool.ask("large", 900);
  for (int i = 0; i < 200; ++i) {
    pool.ask("large", 900);
    pool.ask("small", 100);
  }
  std::map<std::string, int> work;
  for (int i = 0; i < 150; ++i) {
    const std::string member = member_of(pool, running);
    const std::uint32_t size = member == "large" ? 900 : 100;
    work[member] += static_cast<int>(size);
    pool.end(running, size);
    running = pool.granted().at(0);
  }
  EXPECT_NEAR(work["large"], work["small"], 1000);
}

TEST(Lift, IdlingBanksNothing) {
  Pool pool;
  pool.engine("e", 1);
  TicketNumber running = pool.ask("a");
  for (int i = 0; i < 500; ++i) {  // b uses nothing for hours
    pool.ask("a");
    pool.now += seconds(60);
    pool.end(running);
    running = pool.granted().at(0);
  }
  pool.end(running);
  pool.now += minutes(30);  // nothing of it is recent
  running = pool.ask("a");
  for (int i = 0; i < 40; ++i) {
    pool.ask("a");
    pool.ask("b");
  }
  int of_b = 0;
  for (const std::string& member : turns(pool, running, 20)) of_b += member == "b";
  EXPECT_GE(of_b, 10);
  EXPECT_LE(of_b, 12);
}

TEST(Lift, GivesOneMeanRequestOfHeadStartHoweverOftenOneComesBack) {
  for (const std::uint32_t percent : {0U, 100U, 400U}) {
    Settings settings = Pool::prompts_alone();
    settings.head_start_percent = percent;
    Pool pool(settings);
    pool.engine("e", 1);
    TicketNumber running = pool.ask("a");
    int of_b = 0;
    int turns = 0;
    std::optional<TicketNumber> waiting_b;
    Wish patient;
    patient.patience = std::chrono::hours(1000);
    for (int i = 0; i < 400; ++i) pool.ask(patient);
    patient.member = "b";
    for (; turns < 300; ++turns) {  // b comes back anew for every request
      if (!waiting_b || !pool.waits(*waiting_b)) waiting_b = pool.ask(patient);
      pool.now += minutes(20);  // floors have forgotten: only counts decide
      pool.end(running);
      running = pool.granted().at(0);
      of_b += member_of(pool, running) == "b";
    }
    EXPECT_NEAR(of_b, turns / 2, 2 + percent / 100) << percent;
  }
}

TEST(Lift, AReturningMemberHasItsFloorAtOnce) {
  Pool pool;
  pool.engine("e", 4);
  std::vector<TicketNumber> running;
  for (int i = 0; i < 50; ++i) {
    const TicketNumber ticket = pool.ask("greedy");
    if (pool.runs(ticket)) running.push_back(ticket);
  }
  for (int i = 0; i < 4; ++i) pool.ask("returns");
  for (const TicketNumber ticket : running) {
    pool.end(ticket);
    EXPECT_EQ(member_of(pool, pool.granted().at(0)), "returns");
  }
}

TEST(Lift, OnOneModelSaysNothingAboutAnother) {
  // y alone has had very much of a fast model; x asks that model once and is lifted to y's count there. On the slow
  // model, where x and z stand side by side, neither may wait for the other because of that.
  Pool pool;
  pool.engine("fast", 1, "fast");
  pool.engine("slow", 1, "slow");
  const auto ask = [&](const std::string& member, const std::string& model, std::uint32_t work) {
    Wish wish;
    wish.member = member;
    wish.model = model;
    wish.work = work;
    return pool.ask(wish);
  };
  for (int i = 0; i < 1000; ++i) {
    const TicketNumber ticket = ask("y", "fast", 1000);
    pool.end(ticket, 1000);
  }
  TicketNumber running = ask("z", "slow", 100);
  const TicketNumber once = ask("x", "fast", 10);
  for (int i = 0; i < 50; ++i) ask("z", "slow", 100);
  for (int i = 0; i < 50; ++i) ask("x", "slow", 100);
  pool.end(once, 10);
  ask("y", "fast", 1'000'000);  // so that both are below their floors
  std::map<std::string, int> served;
  for (const std::string& member : turns(pool, running, 40)) ++served[member];
  EXPECT_NEAR(served["x"], 20, 2);
  EXPECT_NEAR(served["z"], 20, 2);
}

TEST(Lift, OfACallerOnOneModelSaysNothingAboutAnother) {
  Pool pool;
  pool.engine("fast", 1, "fast");
  pool.engine("slow", 1, "slow");
  const auto ask = [&](const std::string& caller, const std::string& model, std::uint32_t work) {
    Wish wish;
    wish.caller = caller;
    wish.model = model;
    wish.work = work;
    return pool.ask(wish);
  };
  TicketNumber running = ask("other", "slow", 100);
  std::map<TicketNumber, std::string> whose;
  for (int i = 0; i < 50; ++i) whose[ask("other", "slow", 100)] = "other";
  for (int i = 0; i < 1000; ++i) pool.end(ask("heavy", "fast", 1000), 1000);
  const TicketNumber once = ask("light", "fast", 10);
  for (int i = 0; i < 50; ++i) whose[ask("light", "slow", 100)] = "light";
  pool.end(once, 10);
  std::map<std::string, int> served;
  for (int i = 0; i < 40; ++i) {
    pool.end(running);
    running = pool.granted().at(0);
    ++served[whose[running]];
  }
  EXPECT_NEAR(served["light"], 20, 2);
  EXPECT_NEAR(served["other"], 20, 2);
}

TEST(Callers, OfOneMemberShareWhatItHas) {
  Pool pool;
  pool.engine("e", 1);
  TicketNumber running = pool.ask("a", 100, "heavy");
  for (int i = 0; i < 10; ++i) pool.ask("a", 100, "heavy");
  const TicketNumber light = pool.ask("a", 100, "light");
  pool.end(running);  // the light one stands beside the heavy one, not before it
  running = pool.granted().at(0);
  pool.end(running);
  EXPECT_EQ(pool.granted(), std::vector{light});
}

TEST(Callers, ManyOfOneMemberWeighNoMoreThanOneOfAnother) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber running = pool.ask("a", 100, "u0");
  for (int i = 0; i < 100; ++i) pool.ask("a", 100, "u" + std::to_string(i));
  for (int i = 0; i < 100; ++i) pool.ask("b");
  std::map<std::string, int> served;
  for (const std::string& member : turns(pool, running, 100)) ++served[member];
  EXPECT_NEAR(served["b"], 50, 1);
}

TEST(Callers, InsideAMemberPeopleGoBeforeBatch) {
  Pool pool;
  pool.engine("e", 1);
  Wish batch;
  batch.caller = "nightly";
  batch.lane = Lane::batch;
  const TicketNumber running = pool.ask("a", 100, "person");
  const TicketNumber early_batch = pool.ask(batch);
  const TicketNumber person = pool.ask("a", 100, "person");
  const TicketNumber another = pool.ask("a", 100, "person");
  pool.end(running);
  EXPECT_EQ(pool.granted(), std::vector{person});
  pool.end(person);
  EXPECT_EQ(pool.granted(), std::vector{another});
  pool.end(another);
  EXPECT_EQ(pool.granted(), std::vector{early_batch});
}

TEST(Callers, BatchOnItsMembersEntitlementDoesNotWaitForPeopleWhoBorrow) {
  Pool pool;
  pool.agree("people", 1);
  pool.agree("batches", 1);
  pool.step(Capacity{20});  // a minute of it is 1,212, half of that each member's
  pool.engine("e", 1);
  const TicketNumber running = pool.ask("people", 1000);
  pool.ask("people", 1000);
  Wish batch;
  batch.member = "batches";
  batch.lane = Lane::batch;
  const TicketNumber claim = pool.ask(batch);
  pool.end(running, 1000);
  EXPECT_EQ(pool.granted(), std::vector{claim});
}

TEST(Callers, BatchWaitsForPeopleWithTheSameClaim) {
  Pool pool;
  pool.engine("e", 1);
  const TicketNumber running = pool.ask("c", 10);
  Wish batch;
  batch.member = "a";
  batch.lane = Lane::batch;
  const TicketNumber early = pool.ask(batch);
  const TicketNumber person = pool.ask("b");
  pool.end(running, 10);
  EXPECT_EQ(pool.granted(), std::vector{person});
  EXPECT_TRUE(pool.waits(early));
}

}  // namespace
}  // namespace faelled::commons
