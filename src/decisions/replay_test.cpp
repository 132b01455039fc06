// An auditor's view: what was decided is decided again, and what somebody did to the files is found and named.
#include "decisions/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "decisions/disk.hpp"
#include "decisions/log_testing.hpp"

namespace faelled::decisions {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::string> lines_of(const std::string& content) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = content.find('\n', at);
    lines.push_back(content.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

class Audit : public ::testing::Test {
 protected:
  Audit() : server_(folder_, clock_, 7, 30'000) {
    server_.live(600);
    server_.end();
    names_ = folder_.names();
    heads_ = heads_of(folder_.log()).value();
  }

  // The second file, changed.
  void change(const std::function<void(std::vector<std::string>&)>& how) {
    auto lines = lines_of(folder_.content(names_[1]));
    how(lines);
    folder_.write(names_[1], joined(lines));
  }
  std::string at(std::uint64_t line) const { return names_[1] + ":" + std::to_string(line) + ": "; }
  std::string found(const std::vector<Head>& heads = {}) const { return faults(replayed(folder_, heads)); }

  const Folder folder_;
  ManualClock clock_;
  Server server_;
  std::vector<std::string> names_;
  std::vector<Head> heads_;
};

TEST_F(Audit, ReplaysToTheSameDecisionsAndSums) {
  ASSERT_GE(names_.size(), 3U);
  const ReplayReport report = replayed(folder_, heads_);
  EXPECT_EQ(faults(report), "");
  EXPECT_TRUE(report.in_order());
  EXPECT_EQ(report.differing, 0U);
  EXPECT_EQ(report.skipped, 0U);
  const auto rows = read_pseudonyms(folder_.log() / pseudonyms_file).value();
  const auto members = server_.scheduler.members();
  ASSERT_EQ(report.members.size(), members.size());
  std::uint64_t refused = 0;
  for (const MemberSums& sum : report.members) refused += sum.refused;
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(refused, server_.refused);
  for (const commons::MemberState& state : members) {
    const auto row = std::ranges::find_if(rows, [&](const auto& r) { return r.member && r.id == state.member; });
    ASSERT_NE(row, rows.end());
    const auto sum = std::ranges::find(report.members, row->pseudonym, &MemberSums::pseudonym);
    ASSERT_NE(sum, report.members.end());
    EXPECT_EQ(sum->served, state.delivered);
    EXPECT_EQ(sum->lent, state.lent - 5'000);
    EXPECT_EQ(sum->borrowed, state.borrowed - 3'000);
    EXPECT_GT(sum->asked, 0U);
  }
}

TEST_F(Audit, AChangedLineIsNamed) {
  change([](auto& lines) { lines[40].replace(lines[40].find(' ') + 1, 1, "9"); });
  EXPECT_EQ(found(), at(41) + "was changed: it does not go with the lines before it\n");
}

TEST_F(Audit, AChangedHeadOfALineIsThatLineAlone) {
  change([](auto& lines) { lines[40].back() = lines[40].back() == '0' ? '1' : '0'; });
  EXPECT_EQ(found(), at(41) + "was changed: it does not go with the lines before it\n");
}

TEST_F(Audit, ALineThatIsNoneIsNamed) {
  change([](auto& lines) { lines[40] = "nothing happened here"; });
  EXPECT_EQ(found(), at(41) + "is no line of the log: it was changed\n");
}

TEST_F(Audit, AMissingLineIsNamed) {
  change([](auto& lines) { lines.erase(lines.begin() + 40, lines.begin() + 43); });
  EXPECT_EQ(found(), at(41) + "lines 41 to 43 are missing\n");
}

TEST_F(Audit, AMovedLineIsNamed) {
  change([](auto& lines) { std::swap(lines[40], lines[41]); });
  EXPECT_EQ(found(), at(41) + "stands out of its place, behind line 42\n");
}

TEST_F(Audit, ALineToldTwiceIsNamed) {
  change([](auto& lines) { lines.insert(lines.begin() + 41, lines[40]); });
  EXPECT_EQ(found(), at(41) + "stands out of its place, behind line 41\n");
}

TEST_F(Audit, ACutEndIsFoundByTheNextFile) {
  const std::size_t all = lines_of(folder_.content(names_[1])).size();
  change([](auto& lines) { lines.pop_back(); });
  EXPECT_EQ(found(), at(all - 1) + "is cut off: it had " + std::to_string(all) + " lines, as " + names_[2] + " says\n");
}

TEST_F(Audit, ACutEndOfAllIsFoundByAKeptHead) {
  const std::string last = names_.back();
  auto lines = lines_of(folder_.content(last));
  lines.pop_back();
  folder_.write(last, joined(lines));
  EXPECT_EQ(found(), "");
  EXPECT_THAT(found(heads_), HasSubstr(last + ":" + std::to_string(lines.size() + 1) + ": is cut off or missing"));
  std::filesystem::remove(folder_.log() / last);
  EXPECT_THAT(found(heads_), HasSubstr(last + ":" + std::to_string(lines.size() + 1) + ": is cut off or missing"));
}

TEST_F(Audit, AMissingFileIsNamed) {
  std::filesystem::remove(folder_.log() / names_[1]);
  EXPECT_EQ(found(), names_[2] + ":0: comes after " + names_[1] + ", which is missing or not in its place\n");
}

TEST_F(Audit, AFileInAnothersPlaceIsNamed) {
  const std::string one = folder_.content(names_[1]);
  folder_.write(names_[1], folder_.content(names_[2]));
  folder_.write(names_[2], one);
  EXPECT_THAT(found(), StartsWith(names_[1] + ":1: is by its first line the file " + names_[2] + "\n"));
}

// Who can write the files can make all heads anew, but not those that somebody else keeps.
TEST_F(Audit, AChainMadeAnewIsFoundByAKeptHead) {
  std::string previous;
  for (const std::string& name : names_) {
    std::string content;
    std::optional<Chain> chain;
    for (const std::string& text : lines_of(folder_.content(name))) {
      const SealedLine line = *read_sealed(text);
      std::string now(line.text);
      if (line.number == 1) {
        FileHead head = *read_file_head(now);
        if (!previous.empty()) head.previous_head = previous;
        now = text_of(head);
        chain.emplace(head.previous_head);
      }
      if (name == names_[1] && now.ends_with(" tick")) now = now.substr(0, now.size() - 4) + "capacity 0";
      chain->seal(content, now);
    }
    previous = chain->head();
    folder_.write(name, content);
  }
  EXPECT_EQ(found(), "");
  EXPECT_THAT(found(heads_), StartsWith(at(heads_[1].lines) + "is not what the kept head vouches for"));
}

TEST_F(Audit, ADecisionThatTheSchedulerDoesNotMakeIsNamed) {
  const Folder folder;
  ManualClock clock;
  {
    SystemRandom random;
    auto log = DecisionLog::open({folder.log(), {}}, clock.now(), clock.wall(), random).value();
    commons::Arrive arrive;
    arrive.ticket = 1;
    arrive.member = "odense";
    arrive.model = "m";
    arrive.deadline = clock.now() + std::chrono::seconds(9);
    log->saw(clock.now(), commons::EngineIs{"e", "m", 1, 1, false, {}}, {});
    log->saw(clock.now(), arrive, std::vector<commons::Action>{commons::Grant{1, "e", commons::Why::borrowed, 512}});
    EXPECT_TRUE(log->close(clock.now(), clock.wall()));
  }
  const ReplayReport report = replayed(folder);
  EXPECT_EQ(report.differing, 1U);
  EXPECT_THAT(faults(report), HasSubstr(":4: the scheduler decides: grant 1 e "));
  EXPECT_THAT(faults(report), HasSubstr("the log says: grant 1 e borrowed 512"));
}

TEST_F(Audit, APseudonymIsErasedWhileTheServerAddsOthers) {
  const auto file = folder_.log() / pseudonyms_file;
  constexpr int many = 300;
  for (int i = 0; i < many; ++i) ASSERT_TRUE(append(file, "member 0000 old" + std::to_string(i) + "\n"));
  std::thread server([&] {
    for (int i = 0; i < many; ++i) EXPECT_TRUE(append(file, "member 0000 new" + std::to_string(i) + "\n"));
  });
  for (int i = 0; i < many; ++i) EXPECT_EQ(forget_pseudonyms(file, "old" + std::to_string(i)), 1U);
  server.join();
  const auto rows = read_pseudonyms(file).value();
  EXPECT_EQ(std::ranges::count_if(rows, [](const PseudonymRow& row) { return row.id.starts_with("new"); }), many);
  EXPECT_EQ(std::ranges::count_if(rows, [](const PseudonymRow& row) { return row.id.starts_with("old"); }), 0);
}

TEST_F(Audit, AnErasedPseudonymBreaksNothing) {
  const auto file = folder_.log() / pseudonyms_file;
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
    EXPECT_EQ(forget_pseudonyms(file, "odense").error().code, Errc::forbidden) << "the server could not write to it";
    ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
  }
  EXPECT_EQ(forget_pseudonyms(file, "odense"), 1U);
  EXPECT_EQ(forget_pseudonyms(file, "odense"), 0U);
  EXPECT_EQ(std::ranges::count(read_pseudonyms(file).value(), "odense", &PseudonymRow::id), 0);
  EXPECT_EQ(found(heads_), "");
  EXPECT_EQ(replayed(folder_).members.size(), 4U);
  // Who comes back is somebody new.
  Server again(folder_, clock_, 8);
  again.live(50);
  again.end();
  const ReplayReport report = replayed(folder_, heads_);
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(report.members.size(), 5U);
}

}  // namespace
}  // namespace faelled::decisions
