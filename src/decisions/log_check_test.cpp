// A server checks its own log while it writes it.
#include "decisions/log_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "decisions/log_testing.hpp"

namespace faelled::decisions {
namespace {

using ::testing::HasSubstr;

const Stopped never = [] { return false; };

class LogCheck : public ::testing::Test {
 protected:
  void live(std::uint64_t seed, int events) {
    server_.reset();
    server_ = std::make_unique<Server>(folder_, clock_, seed, 30'000);
    server_->live(events);
    server_->write();
  }
  ReplayReport checked(std::uint64_t bytes_max = limits::decisions_check_bytes_max) const {
    return check_log(folder_.log(), never, bytes_max).value();
  }

  const Folder folder_;
  ManualClock clock_;
  std::unique_ptr<Server> server_;
};

TEST_F(LogCheck, FindsNothingInALogThatIsBeingWritten) {
  live(1, 600);
  const ReplayReport report = checked();
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(report.events, 610U);
  EXPECT_EQ(report.skipped, 0U);
  EXPECT_EQ(report.floor_violations, 0U);
  ASSERT_TRUE(report.from && report.to);
  EXPECT_LT(*report.from, *report.to);
}

TEST_F(LogCheck, AFolderThatCannotBeReadIsNotInOrderAndOneThatIsNotThereIs) {
  live(1, 300);
  const auto no_folder = folder_.log() / folder_.names().front();
  EXPECT_FALSE(check_log(no_folder, never, limits::decisions_check_bytes_max)->in_order());
  EXPECT_EQ(heads_of(no_folder).error().code, Errc::io);
  const auto nowhere = folder_.log() / "nowhere";
  EXPECT_TRUE(check_log(nowhere, never, limits::decisions_check_bytes_max)->in_order());
  EXPECT_EQ(heads_of(nowhere).error().code, Errc::not_found);
}

TEST_F(LogCheck, BeginsWithTheNewestStart) {
  live(1, 300);
  server_->end();
  const std::size_t before = folder_.names().size();
  live(2, 300);
  folder_.write(folder_.names().front(), "what was before is an auditor's to check\n");
  const ReplayReport report = checked();
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(report.starts, 1U);
  EXPECT_EQ(report.events, 310U);
  EXPECT_EQ(report.files, folder_.names().size() - before);
}

TEST_F(LogCheck, ALineThatIsBeingWrittenIsNoFault) {
  live(1, 300);
  const std::string name = folder_.names().back();
  std::string content = folder_.content(name);
  content.resize(content.size() - 10);
  folder_.write(name, content);
  const ReplayReport report = checked();
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(report.events, 309U);
}

TEST_F(LogCheck, AFileThatIsJustBegunIsNoFault) {
  live(1, 300);
  folder_.write("2026-12-31-000001.log", "");
  EXPECT_EQ(faults(checked()), "");
  EXPECT_EQ(checked().events, 310U);
}

TEST_F(LogCheck, FindsWhatSomebodyChanged) {
  live(1, 600);
  const std::string name = folder_.names()[1];
  std::string content = folder_.content(name);
  const std::size_t arrival = content.find(" arrive ");
  ASSERT_NE(arrival, std::string::npos);
  content[arrival - 1] = content[arrival - 1] == '9' ? '8' : '9';
  folder_.write(name, content);
  const ReplayReport report = checked();
  EXPECT_THAT(faults(report), HasSubstr("was changed"));
  EXPECT_GT(report.skipped, 0U);
  EXPECT_LT(report.events, 610U);
}

TEST_F(LogCheck, SaysThatItMadeNoDecisionAgainWhereTheStartLiesTooFarBack) {
  live(1, 600);
  ASSERT_GE(folder_.names().size(), 3U);
  const ReplayReport report = checked(40'000);
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(report.events, 0U);
  EXPECT_GT(report.skipped, 0U);
  EXPECT_EQ(report.starts, 0U);
  const bool told = std::ranges::any_of(report.findings, [](const Finding& finding) {
    return finding.what.contains("begins in the middle of a run of the server");
  });
  EXPECT_TRUE(told);
  EXPECT_EQ(checked(1).files, 1U) << "the newest file, however large it is";
}

TEST_F(LogCheck, AFileThatCannotBeReadIsAFault) {
  live(1, 10);
  std::filesystem::create_directory(folder_.log() / "2026-12-31-000001.log");
  EXPECT_THAT(faults(checked()), HasSubstr("2026-12-31-000001.log:0: "));
}

TEST_F(LogCheck, AnEmptyFolderHasNothingToCheck) {
  const ReplayReport report = checked();
  EXPECT_TRUE(report.in_order());
  EXPECT_EQ(report.files, 0U);
}

TEST_F(LogCheck, StopsBetweenTwoLines) {
  live(1, 600);
  int asked = 0;
  const auto stopped = check_log(folder_.log(), [&asked] { return ++asked > 50; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  // Once more for each file that is left, and at the end.
  EXPECT_LE(asked, 51 + static_cast<int>(folder_.names().size()) + 1);

  int lines = 0;
  Replay replay({}, [&lines] { return ++lines > 50; });
  replay.file(folder_.names()[0], folder_.content(folder_.names()[0]));
  EXPECT_EQ(replay.finish().lines, 50U);
}

}  // namespace
}  // namespace faelled::decisions
