#include "net/aside.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace faelled::net {
namespace {

TEST(Aside, AJobRunsBesideTheLoopAndTellsItThere) {
  Loop loop;
  Aside aside(loop);
  const auto loops_own = std::this_thread::get_id();
  std::thread::id worked_on;
  std::thread::id told_on;
  aside.ask<int>(
      [&worked_on]() -> Expected<int> {
        worked_on = std::this_thread::get_id();
        return 7;
      },
      [&](const Expected<int>& given) {
        EXPECT_EQ(given.value(), 7);
        EXPECT_FALSE(aside.busy()) << "the next may be asked at once";
        told_on = std::this_thread::get_id();
        loop.stop();
      });
  EXPECT_TRUE(aside.busy());
  const Loop::Hold hold(loop);
  loop.run();
  EXPECT_NE(worked_on, loops_own);
  EXPECT_EQ(told_on, loops_own);
}

TEST(Aside, OneAtATimeAndTheNextFromWithinTheAnswer) {
  Loop loop;
  Aside aside(loop);
  const Loop::Hold hold(loop);
  std::atomic<bool> go = false;
  std::vector<std::string> told;
  aside.ask<void>(
      [&go]() -> Expected<void> {
        go.wait(false);
        return fail(Errc::io, "the first");
      },
      [&](const Expected<void>& first) {
        told.push_back(first.error().message);
        aside.ask<int>([] { return Expected<int>(2); },
                       [&](const Expected<int>& third) {
                         told.push_back(std::to_string(third.value()));
                         loop.stop();
                       });
      });
  aside.ask<int>([]() -> Expected<int> { return 1; },
                 [&](const Expected<int>& second) {
                   ASSERT_FALSE(second);
                   EXPECT_EQ(second.error().code, Errc::exhausted);
                   told.emplace_back("refused");
                   go = true;
                   go.notify_one();
                 });
  loop.run();
  EXPECT_EQ(told, (std::vector<std::string>{"refused", "the first", "2"}));
}

TEST(Aside, NobodyIsToldAfterItsEnd) {
  Loop loop;
  {
    Aside aside(loop);
    aside.ask<void>([]() -> Expected<void> { return {}; }, [](const Expected<void>&) { ADD_FAILURE(); });
  }
  loop.run();
}

TEST(Aside, ItsEndWaitsForWhatRuns) {
  Loop loop;
  bool ended = false;
  {
    Aside aside(loop);
    aside.ask<void>(
        [&ended]() -> Expected<void> {
          ended = true;
          return {};
        },
        [](const Expected<void>&) {});
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace faelled::net
