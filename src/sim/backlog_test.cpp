#include "sim/backlog.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>

#include "sim/fluid.hpp"
#include "sim/measures.hpp"

namespace faelled::sim {
namespace {

Result log_of(const std::string& name) {
  std::ifstream in(std::string(FAELLED_SOURCE_DIR) + "/tests/sim/vtc/vtc-results-" + name + ".csv", std::ios::binary);
  return read_result(std::string(std::istreambuf_iterator<char>(in), {})).value();
}

Result result_of(const std::string& rows) {
  return read_result("time_s,member,input_tokens,output_tokens,first_token_s,finished_s\n" + rows).value();
}

std::vector<WorldMember> alike(const Result& result) { return std::vector<WorldMember>(result.members.size()); }

struct Known {
  std::string log;
  double backlogged_share, lateness_s;
};

class ArenaLogs : public testing::TestWithParam<Known> {};

TEST_P(ArenaLogs, HaveTheKnownBackloggedShareAndLateness) {
  const Result log = log_of(GetParam().log);
  EXPECT_NEAR(backlogged(log, {}, alike(log), std::chrono::seconds(600)).share.value(), GetParam().backlogged_share,
              0.005);
  EXPECT_NEAR(light_lateness_s(log, {}, std::vector<std::uint32_t>(log.members.size(), 1)).value(),
              GetParam().lateness_s, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Schedulers, ArenaLogs,
                         testing::Values(Known{"arena-fcfs", 0.27, 54.9}, Known{"arena-vtc", 0.91, 2.5},
                                         Known{"arena-vtc-oracle", 0.96, 3.8}));

TEST(Backlog, JainWhileAllWaitIsAsPublishedForTheOverload) {
  const auto jain = [](const std::string& name) {
    const Result log = log_of("overload-" + name);
    return backlogged(log, {}, alike(log), std::chrono::seconds(360)).jain.value();
  };
  EXPECT_NEAR(jain("vtc"), 0.990, 0.001);
  EXPECT_NEAR(jain("vtc-oracle"), 1.0, 0.0001);
  EXPECT_NEAR(jain("fcfs"), 0.900, 0.0005);
}

TEST(Backlog, WhoHasNothingWaitingIsNotJudgedAndSharesCount) {
  // Both are served 100 s long; b got a third of a's work, and had nothing waiting.
  const std::string served = "0,a,100,100,1,101\n0,b,100,0,1,101\n";
  const auto of = [](std::uint32_t of_a) { return std::array{WorldMember{"a", of_a, {}}, WorldMember{"b", 1, {}}}; };
  EXPECT_FALSE(backlogged(result_of(served), {}, of(1), std::chrono::seconds(90)).share);
  const Result waiting = result_of(served + "0,b,1,1,200,201\n");
  const auto share = [&](std::uint32_t of_a) {
    return backlogged(waiting, {}, of(of_a), std::chrono::seconds(90)).share.value();
  };
  EXPECT_NEAR(share(1), 1.0 / 3, 1e-9);
  EXPECT_NEAR(share(3), 1, 1e-9) << "a has three times b's share";
  EXPECT_FALSE(backlogged(waiting, {}, of(1), std::chrono::seconds(89)).share) << "no window fits";
}

TEST(Backlog, WhoGoesAwayUnservedHasWaitedUntilThen) {
  // a is served 100 s long; b asks every 25 s, waits 30 s each time and gets nothing.
  const Result result = result_of("0,a,100,100,1,101\n0,b,1,1,-1,-1\n25,b,1,1,-1,-1\n50,b,1,1,-1,-1\n75,b,1,1,-1,-1\n");
  const auto of_b = [&](std::optional<Duration> wait_max) {
    return backlogged(result, {}, std::array{WorldMember{"a", 1, {}}, WorldMember{"b", 1, wait_max}},
                      std::chrono::seconds(90));
  };
  EXPECT_NEAR(of_b(std::chrono::seconds(30)).share.value(), 0, 1e-9);
  EXPECT_FALSE(of_b(std::nullopt).share) << "how long it waited is not known";
  EXPECT_FALSE(of_b(std::chrono::seconds(5)).share) << "it has nothing waiting for most of the time";
}

TEST(Fluid, FlowsToAllWhoWaitByTheirSharesAndTakesEachMembersRequestsInOrder) {
  // Pace 100: a's first alone until 1 s (100 of 200 work done), then halves: it ends at 3 s; b's 300 at 5 s.
  const Result result = result_of("0,a,200,0,0,1\n0.5,a,100,0,0,1\n1,b,300,0,0,1\n");
  const auto starts = fluid_starts_s(result, {}, std::array{1U, 1U}, 100);
  EXPECT_NEAR(starts[0], 0, 1e-9);
  EXPECT_NEAR(starts[1], 3, 1e-9);
  EXPECT_NEAR(starts[2], 1, 1e-9);
  EXPECT_NEAR(fluid_starts_s(result, {}, std::array{3U, 1U}, 100)[1], 1 + 100 / 75.0, 1e-9);
}

TEST(Measures, EachMemberSeesWhatItAskedForAndWhatItGot) {
  const auto members = by_member(result_of("0,a,100,50,1,2\n0,a,100,0,-1,-1\n0,b,10,0,3,4\n"), {});
  EXPECT_EQ(members[0].requests, 2U);
  EXPECT_EQ(members[0].served, 1U);
  EXPECT_DOUBLE_EQ(members[0].demanded_work, 300);
  EXPECT_DOUBLE_EQ(members[0].served_work, 200);
  EXPECT_DOUBLE_EQ(members[0].first_token_s, 1);
  EXPECT_DOUBLE_EQ(members[1].first_token_s, 3);
}

TEST(Measures, WhereNobodyWasServedThereAreNoWaits) {
  EXPECT_FALSE(waits(result_of("0,a,100,50,-1,-1\n")));
  EXPECT_DOUBLE_EQ(waits(result_of("0,a,100,50,1,2\n0,a,1,1,-1,-1\n")).value().p99_s, 1);
}

}  // namespace
}  // namespace faelled::sim
