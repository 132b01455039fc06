#include "keeping/decisions_checker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <optional>
#include <thread>

#include "decisions/log_testing.hpp"
#include "net/testing.hpp"

namespace faelled::keeping {
namespace {

using net::Task;
using ::testing::HasSubstr;

constexpr DecisionsChecker::Times never{std::chrono::hours(1000), std::chrono::hours(1000)};

// A check that runs until it is stopped.
Expected<decisions::ReplayReport> endless(const decisions::Stopped& stopped) {
  while (!stopped()) std::this_thread::yield();
  return fail(Errc::cancelled, "stopped");
}

class Checker : public ::testing::Test {
 protected:
  Checker() : log_(observe::Log::open("/dev/null", observe::Level::debug).value()) {}

  DecisionsChecker::Job real() const {
    return
        [folder = folder_.log()](const decisions::Stopped& stopped) { return decisions::check_log(folder, stopped); };
  }
  Task<void> checked(DecisionsChecker& checker) {
    const Expected<void> begun = checker.begin();
    EXPECT_TRUE(begun);
    EXPECT_TRUE(checker.running());
    co_await net::turns_until(loop_, [&checker] { return !checker.running(); });
  }

  const decisions::Folder folder_;
  ManualClock clock_;
  net::Loop loop_;
  std::unique_ptr<observe::Log> log_;
};

TEST_F(Checker, KeepsWhatItFoundInARealLog) {
  decisions::Server server(folder_, clock_, 7, 30'000);
  server.live(400);
  server.write();
  DecisionsChecker checker(loop_, clock_, *log_, real(), never);
  EXPECT_FALSE(checker.last());
  net::run(loop_, checked(checker));
  ASSERT_TRUE(checker.last());
  EXPECT_EQ(checker.last()->checked_at, clock_.wall());
  EXPECT_EQ(checker.last()->events, 410U);
  EXPECT_EQ(checker.last()->floor_violations, 0U);
  EXPECT_EQ(checker.last()->faults, 0U);
  EXPECT_TRUE(checker.last()->first_faults.empty());

  const std::string name = folder_.names()[1];
  std::string content = folder_.content(name);
  content.replace(content.find(" arrive ") + 1, 6, "Arrive");
  folder_.write(name, content);
  net::run(loop_, checked(checker));
  EXPECT_GT(checker.last()->faults, 0U);
  ASSERT_FALSE(checker.last()->first_faults.empty());
  EXPECT_THAT(checker.last()->first_faults[0], HasSubstr(name + ":"));
  EXPECT_LT(checker.last()->events, 410U);
}

// The lines vouch for each other, as the server itself wrote them.
TEST_F(Checker, FindsAPlaceThatWentToABorrowerBeforeAFloor) {
  SystemRandom random;
  auto log = decisions::DecisionLog::open({folder_.log(), {}}, clock_.now(), clock_.wall(), random).value();
  commons::Scheduler scheduler;
  const auto step = [&](const commons::Event& event) {
    clock_.advance(1s);
    log->saw(clock_.now(), event, scheduler.step(clock_.now(), event));
  };
  const auto arrival = [&](commons::TicketNumber ticket, std::string member) {
    commons::Arrive arrive;
    arrive.ticket = ticket;
    arrive.member = std::move(member);
    arrive.model = "m";
    arrive.deadline = clock_.now() + std::chrono::hours(1);
    return arrive;
  };
  for (const char* member : {"greedy", "modest"}) step(commons::Agree{member, 1, 0});
  step(commons::EngineIs{"e", "m", 1, 1, false, {}});
  step(arrival(1, "greedy"));
  step(arrival(2, "greedy"));
  step(arrival(3, "modest"));
  step(commons::Progress{1, 10, 100'000});
  clock_.advance(1s);
  log->saw(clock_.now(), commons::End{1, commons::Ending::done, 10, 100'000},
           std::vector<commons::Action>{commons::Grant{2, "e", commons::Why::borrowed, 512}});
  ASSERT_TRUE(log->drain(clock_.now(), clock_.wall()));

  DecisionsChecker checker(loop_, clock_, *log_, real(), never);
  net::run(loop_, checked(checker));
  EXPECT_EQ(checker.last()->floor_violations, 1U);
  EXPECT_GE(checker.last()->violations, 1U);
  EXPECT_EQ(checker.last()->differing, 1U);
  EXPECT_GE(checker.last()->faults, 2U);
}

TEST_F(Checker, TellsTheFirstFaultsAndCountsAll) {
  decisions::ReplayReport report;
  for (std::uint64_t line = 0; line < 9; ++line)
    report.findings.push_back({"a.log", line, std::string(1000, 'x'), line % 2 == 0});
  const portal::CheckFindings found = findings_of(report, clock_.wall());
  EXPECT_EQ(found.faults, 5U);
  ASSERT_EQ(found.first_faults.size(), limits::decisions_check_faults_told_max);
  EXPECT_TRUE(found.first_faults[0].starts_with("a.log: xxx"));
  EXPECT_TRUE(found.first_faults[1].starts_with("a.log:2: xxx"));
  EXPECT_EQ(found.first_faults[0].size(), limits::decisions_check_fault_bytes_max);
}

TEST_F(Checker, RunsOneAtATime) {
  DecisionsChecker checker(loop_, clock_, *log_, endless, never);
  EXPECT_TRUE(checker.begin());
  const Expected<void> second = checker.begin();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
}

TEST_F(Checker, EndsWhatRunsWhenToldToStop) {
  DecisionsChecker checker(loop_, clock_, *log_, endless, never);
  EXPECT_TRUE(checker.begin());
  checker.stop();
  const auto ended = [&]() -> Task<void> {
    co_await net::turns_until(loop_, [&checker] { return !checker.running(); });
  };
  net::run(loop_, ended());
  EXPECT_FALSE(checker.last()) << "what was cut short found nothing";
  const Expected<void> after = checker.begin();
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Errc::cancelled);
}

TEST_F(Checker, ItsEndDoesNotWaitForTheChecks) {
  std::optional<DecisionsChecker> checker(std::in_place, loop_, clock_, *log_, endless, never);
  EXPECT_TRUE(checker->begin());
  checker.reset();
}

TEST_F(Checker, RunsByItselfAndAgain) {
  std::atomic<int> runs = 0;
  DecisionsChecker checker(loop_, clock_, *log_,
                           [&runs](const decisions::Stopped&) {
                             ++runs;
                             return Expected<decisions::ReplayReport>(decisions::ReplayReport());
                           },
                           {1ms, 1ms});
  const auto thrice = [&]() -> Task<void> { co_await net::turns_until(loop_, [&runs] { return runs >= 3; }); };
  net::run(loop_, thrice());
  EXPECT_TRUE(checker.last());
}

TEST_F(Checker, WorksWhenNobodyElseWantsTheProcessor) {
  std::atomic<int> nice = 0;
  DecisionsChecker checker(
      loop_, clock_, *log_,
      [&nice](const decisions::Stopped&) {
        nice = ::getpriority(PRIO_PROCESS, 0);
        return Expected<decisions::ReplayReport>(decisions::ReplayReport());
      },
      never);
  const int before = ::getpriority(PRIO_PROCESS, 0);
  net::run(loop_, checked(checker));
  EXPECT_EQ(nice, 19);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), before) << "the loop's thread as before";
}

}  // namespace
}  // namespace faelled::keeping
