// What an engine measures of itself, asked of vLLM's double, which fails on demand.
#include <csignal>
#include <system_error>

#include "node/node_testing.hpp"

namespace faelled::node {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class MeasuredNode : public VllmNode {
 protected:
  // Runs the loop until what was measured is as wanted.
  bool until_measured(const std::function<bool(const std::vector<Node::Measured>&)>& as_wanted) {
    bool seen = false;
    net::Loop::Hold hold(loop);
    net::Timer deadline(loop, [&] { loop.stop(); });
    net::Timer look(loop, [&] {
      seen = as_wanted(node->measured());
      if (seen) return loop.stop();
      look.arm(10ms);
    });
    deadline.arm(60s);
    look.arm(10ms);
    loop.run();
    return seen;
  }
  bool until_measured() {
    return until_measured([](const auto& all) { return !all.empty(); });
  }
  // Of a process: those it listens on, and its connections.
  static long sockets_of(pid_t pid) {
    std::error_code gone;
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd", gone);
    return std::ranges::count_if(all, [](const auto& fd) {
      std::error_code closed;
      return std::filesystem::read_symlink(fd, closed).string().starts_with("socket:");
    });
  }
  bool stays(EngineState state, Duration time = 300ms) {
    return !run_until([state](const auto& e) { return e.state != state; }, time);
  }
};

TEST_F(MeasuredNode, TellsWhatAnEngineMeasuresAndNothingOfOneThatHasGone) {
  settings.patience.probe_every = 1s;
  start();
  EXPECT_THAT(node->measured(), IsEmpty()) << "it loads";
  ASSERT_TRUE(run_until(EngineState::ready));
  ASSERT_TRUE(until_measured());
  const auto [model, on, gauges] = node->measured().at(0);
  EXPECT_EQ(model, "org/big");
  EXPECT_EQ(on, device);
  EXPECT_EQ(gauges.running, 0);
  EXPECT_EQ(gauges.waiting, 0);
  EXPECT_EQ(gauges.kv_used, 0.25);
  EXPECT_EQ(gauges.preemptions, 3);
  EXPECT_GE(gauges.prefix_queries, 1);
  EXPECT_EQ(gauges.prefix_hits, 0);
  stop();
  EXPECT_THAT(node->measured(), IsEmpty());
}

TEST_F(MeasuredNode, TwoEnginesOfAModelAreToldApartByTheirDevices) {
  settings.devices = {{"host", 1'000'000'000}, {"other", 1'000'000'000}};
  settings.patience.probe_every = 1s;
  start();
  node->direct({rpc::Directive::Act::load, "org/big", "other"});
  ASSERT_TRUE(until_measured([](const auto& all) { return all.size() == 2; }));
  EXPECT_EQ(node->measured()[0].device, "host");
  EXPECT_EQ(node->measured()[1].device, "other");
}

TEST_F(MeasuredNode, ANewProcessCountsFromTheBeginning) {
  constexpr double many = 5;
  start();
  ASSERT_TRUE(until_measured([&](const auto& all) { return !all.empty() && all[0].gauges.prefix_queries > many; }));
  ASSERT_EQ(::kill(only_child(), SIGKILL), 0);
  EXPECT_TRUE(until_measured([](const auto& all) { return all.empty(); }));
  EXPECT_TRUE(until_measured([&](const auto& all) { return !all.empty() && all[0].gauges.prefix_queries <= many; }));
}

TEST_F(MeasuredNode, OneThatDoesNotSayIsWellAllTheSame) {
  for (const std::string fault : {"hangs:/metrics", "fails:/metrics", "raves", "floods"}) {
    SCOPED_TRACE(fault);
    faults(fault);
    start();
    ASSERT_TRUE(run_until(EngineState::ready));
    EXPECT_TRUE(stays(EngineState::ready));
    EXPECT_THAT(node->measured(), IsEmpty());
    stop();
    node.reset();
    reports.clear();
  }
}

// Of an answer without an end so much is read, however long there would be time for more.
TEST_F(MeasuredNode, AFloodIsHungUpOn) {
  faults("floods");
  settings.patience.probe_every = 10min;
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_TRUE(until_measured([](const auto&) { return sockets_of(only_child()) == 1; })) << "it only listens";
  EXPECT_THAT(node->measured(), IsEmpty());
  EXPECT_EQ(engine().state, EngineState::ready);
}

TEST_F(MeasuredNode, WhatOneThatHangsSaidLastIsNotTakenForToday) {
  faults("dozes");
  settings.patience.probe_every = 300ms;
  settings.patience.idle_silent_max = settings.patience.silent_max = 10min;
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  ASSERT_TRUE(until_measured());
  EXPECT_TRUE(until_measured([](const auto& all) { return all.empty(); }));
  EXPECT_EQ(engine().state, EngineState::ready);
}

TEST_F(MeasuredNode, NobodyWaitsForWhatItMeasuresToSeeThatItHasDied) {
  faults("hangs:/metrics dies");
  settings.patience.probe_every = 100ms;
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  ASSERT_TRUE(run_until(EngineState::starting));
  EXPECT_THAT(engine().detail, HasSubstr("exited with code 0"));
}

TEST_F(MeasuredNode, OneThatSleepsIsNotAskedAndHasNothing) {
  faults("shy");
  settings.patience.probe_every = 300ms;  // it has just been asked when it is told to sleep
  settings.devices = {{"gpu0", 1'000'000'000, rpc::DeviceKind::host, "host"}, {"host", 1'000'000'000}};
  device = "gpu0";
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  ASSERT_TRUE(until_measured());
  node->direct({rpc::Directive::Act::sleep, "org/big", device, 1});
  ASSERT_TRUE(run_until(EngineState::asleep));
  EXPECT_THAT(node->measured(), IsEmpty());
  EXPECT_TRUE(stays(EngineState::asleep, 1s));
  node->direct({rpc::Directive::Act::wake, "org/big", device});
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_TRUE(until_measured());
}

}  // namespace
}  // namespace faelled::node
