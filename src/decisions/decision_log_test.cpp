// The log as it is written: complete, without names, going on over days, restarts and kills, bounded.
#include "decisions/decision_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "decisions/log_testing.hpp"

namespace faelled::decisions {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DecisionLog, HoldsNoNameAndNoId) {
  const Folder folder;
  ManualClock clock;
  Server server(folder, clock, 1);
  server.live(500);
  server.end();
  std::string all;
  for (const std::string& name : folder.names()) all += folder.content(name);
  for (const char* id : {"odense", "aarhus", "vejle", "%C3%A6bel", "usr_"}) EXPECT_THAT(all, Not(HasSubstr(id)));
  const auto rows = read_pseudonyms(folder.log() / pseudonyms_file).value();
  EXPECT_EQ(std::ranges::count(rows, true, &PseudonymRow::member), 4);
  EXPECT_EQ(std::ranges::count(rows, false, &PseudonymRow::member), 5);
  for (const PseudonymRow& row : rows) EXPECT_THAT(all, HasSubstr(" " + row.pseudonym + " "));
}

TEST(DecisionLog, BeginsAFileEachDayAndWhenOneIsFull) {
  const Folder folder;
  ManualClock clock;
  Server server(folder, clock, 2, 20'000);
  server.live(100);
  clock.advance(std::chrono::hours(24));
  server.write();
  server.live(300);
  server.end();
  const auto names = folder.names();
  EXPECT_EQ(names.front(), "2026-01-01-000001.log");
  EXPECT_EQ(std::ranges::count(names, "2026-01-02-000001.log"), 1);
  EXPECT_EQ(std::ranges::count(names, "2026-01-02-000002.log"), 1);
  const ReplayReport report = replayed(folder);
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(report.starts, 1U);
  EXPECT_EQ(report.events, 410U);
  EXPECT_EQ(read_heads(read_file(folder.log() / "heads.txt").value()).value(), heads_of(folder.log()).value());
}

TEST(DecisionLog, GoesOnAfterARestartWithTheSamePseudonyms) {
  const Folder folder;
  ManualClock clock;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Server server(folder, clock, seed);
    server.live(200);
    server.end();
  }
  const ReplayReport report = replayed(folder);
  EXPECT_EQ(faults(report), "");
  EXPECT_TRUE(report.in_order());
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.starts, 3U);
  EXPECT_EQ(report.members.size(), 4U);
}

TEST(DecisionLog, AKillLosesOnlyWhatWasNotWritten) {
  const Folder folder;
  ManualClock clock;
  {
    Server server(folder, clock, 1);
    server.live(200);
    server.write();
  }
  // The kernel had taken half of the last line.
  const std::string name = folder.names().back();
  folder.write(name, folder.content(name) + "212 5 tick abc");
  EXPECT_THAT(faults(replayed(folder)), HasSubstr("ends in the middle of a line"));
  Server server(folder, clock, 2);
  server.live(200);
  server.end();
  const ReplayReport report = replayed(folder);
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(report.findings.size(), 2U);  // torn, and killed: worth knowing
  EXPECT_EQ(report.starts, 2U);
}

// No file may become larger than this: what a full disk does to a write, in part too.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    FAELLED_CHECK(::getrlimit(RLIMIT_FSIZE, &before_) == 0, "a limit can be read");
    rlimit full = before_;
    full.rlim_cur = bytes;
    FAELLED_CHECK(::setrlimit(RLIMIT_FSIZE, &full) == 0, "a limit can be lowered");
  }
  FullDisk(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

TEST(DecisionLog, WhatAFullDiskDoesNotTakeIsWrittenOnceThereIsRoom) {
  const Folder folder;
  ManualClock clock;
  Server server(folder, clock, 1);
  server.live(100);
  server.write();
  {
    const FullDisk disk(folder.content(folder.names().back()).size() + 50);
    server.step(commons::Tick{});
    server.step(commons::Tick{});
    EXPECT_EQ(server.log->drain(clock.now(), clock.wall()).error().code, Errc::io);
    server.step(commons::Tick{});
    EXPECT_EQ(server.log->drain(clock.now(), clock.wall()).error().code, Errc::io);
    EXPECT_TRUE(server.log->waiting());
    for (int i = 0; i < 5'000; ++i) server.step(commons::Tick{});
    EXPECT_FALSE(server.log->full()) << "not every event tries the disk";
  }
  server.write();
  EXPECT_FALSE(server.log->waiting());
  for (int i = 0; i < 5'000; ++i) server.step(commons::Tick{});
  EXPECT_TRUE(server.log->full());
  server.live(100);
  server.end();
  EXPECT_EQ(server.log->lost(), 0U);
  const ReplayReport report = replayed(folder);
  EXPECT_TRUE(report.findings.empty()) << faults(report);
  EXPECT_EQ(report.events, 10'213U);
}

TEST(DecisionLog, AGapThatAFullDiskLeftIsCountedAtItsPlace) {
  const Folder folder;
  ManualClock clock;
  Server server(folder, clock, 1);
  server.live(50);
  server.write();
  {
    const FullDisk disk(10);
    server.step(commons::Tick{});
    EXPECT_FALSE(server.log->drain(clock.now(), clock.wall()));
    for (int i = 0; server.log->lost() < 100; ++i) {
      ASSERT_LT(i, 2'000'000);
      server.step(commons::Tick{});
    }
  }
  server.write();
  server.step(commons::Tick{});
  server.end();
  const ReplayReport report = replayed(folder);
  ASSERT_EQ(report.findings.size(), 1U) << faults(report);
  EXPECT_THAT(report.findings.front().what, HasSubstr("100 events were never written"));
}

TEST(DecisionLog, AFileWithoutAWholeLineIsAsIfItHadNeverBeen) {
  const Folder folder;
  ManualClock clock;
  {
    Server server(folder, clock, 1);
    server.end();
  }
  folder.write("2026-01-01-000002.log", "1 file 1 2026-01-");
  Server server(folder, clock, 2);
  server.end();
  EXPECT_THAT(folder.names(), ElementsAre("2026-01-01-000001.log", "2026-01-01-000002.log"));
  EXPECT_EQ(faults(replayed(folder)), "");
}

TEST(DecisionLog, AClockPutBackKeepsTheOrder) {
  const Folder folder;
  ManualClock clock;
  clock.advance(std::chrono::hours(24 * 20));
  {
    Server server(folder, clock, 1);
    server.end();
  }
  ManualClock back;
  Server server(folder, back, 2);
  server.end();
  EXPECT_THAT(folder.names(), ElementsAre("2026-01-21-000001.log", "2026-01-21-000002.log"));
  EXPECT_EQ(faults(replayed(folder)), "");
}

TEST(DecisionLog, TheOldestFilesGoByDaysAndByBytes) {
  const Folder folder;
  ManualClock clock;
  SystemRandom random;
  const auto one = [&](std::uint64_t bytes_max, Duration kept) {
    LogOptions options;
    options.folder = folder.log();
    options.bytes_max = bytes_max;
    options.kept = kept;
    auto log = DecisionLog::open(options, clock.now(), clock.wall(), random).value();
    log->saw(clock.now(), commons::Tick{}, {});
    EXPECT_TRUE(log->close(clock.now(), clock.wall()));
    clock.advance(std::chrono::hours(24));
  };
  for (int day = 0; day < 5; ++day) one(1'000'000, std::chrono::hours(24 * 2));
  EXPECT_THAT(folder.names(), ElementsAre("2026-01-03-000001.log", "2026-01-04-000001.log", "2026-01-05-000001.log"));
  const ReplayReport report = replayed(folder);
  EXPECT_TRUE(report.in_order());
  EXPECT_THAT(report.findings.front().what, HasSubstr("2026-01-02-000001.log, which is not here"));
  one(1, std::chrono::hours(24 * 100));
  EXPECT_THAT(folder.names(), ElementsAre("2026-01-06-000001.log"));
}

}  // namespace
}  // namespace faelled::decisions
