// The node with its loop, real processes and real sockets.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "http/client.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "node/fake_vllm_testing.hpp"
#include "node/node.hpp"
#include "observe/log.hpp"

namespace faelled::node {

using rpc::EngineState;

class NodeTest : public testing::Test, public rpc::ReportPort {
 protected:
  NodeTest() {
    char name[] = "/tmp/node-test-XXXXXX";
    settings.folder = ::mkdtemp(name);
    log = std::move(*observe::Log::open(settings.folder + "/log", observe::Level::debug));
  }
  ~NodeTest() override {
    node.reset();
    let_go();
    std::filesystem::remove_all(settings.folder);
  }

  // Whatever still waits in the loop sees that it was closed, so that no frame is left behind.
  void let_go() {
    net::Timer deadline(loop, [this] { loop.stop(); });
    deadline.arm(100ms);
    loop.run();
  }

  void report(const rpc::Report& r) override {
    reports.push_back(r);
    if (wanted && wanted(r)) loop.stop();
  }

  // Runs the loop until a report is as wanted.
  testing::AssertionResult run_until(std::function<bool(const rpc::EngineReport&)> as_wanted,
                                     Duration patience = std::chrono::seconds(60)) {
    const auto reported = [&](const rpc::Report& r) { return !r.engines.empty() && as_wanted(r.engines[0]); };
    if (!reports.empty() && reported(reports.back())) return testing::AssertionSuccess();
    bool timed_out = false;
    net::Loop::Hold hold(loop);
    net::Timer deadline(loop, [&] {
      timed_out = true;
      loop.stop();
    });
    deadline.arm(patience);
    wanted = reported;
    loop.run();
    wanted = nullptr;
    if (!timed_out) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "state " << static_cast<int>(engine().state)
                                       << ", detail: " << engine().detail;
  }
  testing::AssertionResult run_until(EngineState state) {
    return run_until([state](const rpc::EngineReport& e) { return e.state == state; });
  }

  const rpc::EngineReport& engine() { return reports.back().engines.at(0); }

  void start() {
    node.emplace(loop, client, clock, random, *log, *this, settings);
    auto started = node->start();
    ASSERT_TRUE(started) << started.error().message;
    for (const auto& model : settings.models)
      if (model.kind != engines::EngineKind::openai) node->direct({rpc::Directive::Act::load, model.id, device});
    if (!settings.models.empty()) ASSERT_TRUE(run_until([](const auto&) { return true; }));
  }

  // The engine's process; 0: there is none.
  static pid_t only_child() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream children(task.path() / "children");
      if (pid_t pid = 0; children >> pid) return pid;
    }
    return 0;
  }

  Duration stop() {
    auto begun = clock.now();
    net::Loop::Hold hold(loop);
    node->stop({}, [this] { loop.stop(); });
    loop.run();
    return clock.now() - begun;
  }

  net::Loop loop;
  http::Client client{loop};
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<observe::Log> log;
  Node::Settings settings;
  std::string device = "host";
  std::vector<rpc::Report> reports;
  std::function<bool(const rpc::Report&)> wanted;
  std::optional<Node> node;
};

// Behind tests/fake_vllm, which has the faults of the real one on demand.
class VllmNode : public NodeTest {
 protected:
  void SetUp() override {
    folder = settings.folder + "/model";
    engines::ModelSettings model = fake_vllm_model("org/big", folder, "");
    model.places = 2;
    settings.models = {model};
    settings.patience.probe_every = 50ms;
    settings.patience.idle_silent_max = 500ms;
    settings.patience.restart_first = 20ms;
    settings.patience.file_check_every = 50ms;
    settings.patience.stop_grace = 500ms;
  }
  void write(const std::string& name, std::string_view text) { write_file(folder + "/" + name, text); }
  void faults(std::string_view names) { write("faults", names); }
  std::string folder;
};

}  // namespace faelled::node
