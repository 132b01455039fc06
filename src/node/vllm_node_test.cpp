// A node whose engines are vLLM's double.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "node/compiled.hpp"
#include "node/node_testing.hpp"

namespace faelled::node {
namespace {

using rpc::EngineState;
using testing::HasSubstr;

TEST_F(VllmNode, ReportsWhatItIsAndLeavesNothingBehind) {
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(engine().engine_kind, "vllm");
  EXPECT_EQ(engine().upstream_model, "org/big");
  EXPECT_EQ(engine().context_tokens, 512u);
  EXPECT_EQ(engine().places, 2u);
  EXPECT_FALSE(engine().tools);
  EXPECT_TRUE(std::filesystem::is_socket(engine().endpoint.unix_path));
  EXPECT_LT(stop(), 4s);
  EXPECT_TRUE(std::filesystem::is_empty(settings.folder + "/run"));
}

TEST_F(VllmNode, IsNotReadyBecauseItsSocketIsThereNorHungBecauseItIsSilent) {
  faults("silent");
  settings.patience.start_silent_max = 10ms;
  start();
  EXPECT_FALSE(run_until([](const auto& e) { return e.state != EngineState::starting; }, 300ms));
  EXPECT_EQ(engine().restarts, 0u);
  write("go", "");
  EXPECT_TRUE(run_until(EngineState::ready));
}

TEST_F(VllmNode, IsNotReadyBecauseItSaysItIsHealthy) {
  settings.patience.start_max = 1s;
  settings.patience.start_probe_most = 100ms;
  for (const auto& [fault, why] : {std::pair("asleep", "it has not become ready since its start"),
                                   {"broken", "since its start: /v1/completions answers with status 500"}}) {
    faults(fault);
    start();
    EXPECT_FALSE(run_until([](const auto& e) { return e.state == EngineState::ready; }, 400ms)) << fault;
    EXPECT_TRUE(run_until([&](const auto& e) { return e.detail.contains(why); })) << fault;
    EXPECT_LT(stop(), 4s);
    node.reset();
    reports.clear();
  }
}

TEST_F(VllmNode, IsReplacedWhenItSleepsAlthoughItSaysItIsHealthy) {
  faults("dozes");
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  const auto first = engine().engine;
  EXPECT_TRUE(run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first; }));
}

TEST_F(VllmNode, ThatExitsWithCode0HasDiedAndComesBackOnANewSocket) {
  faults("dies");
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  const auto first = engine();
  ASSERT_TRUE(run_until(EngineState::starting));
  EXPECT_THAT(engine().detail, HasSubstr("exited with code 0"));
  faults("");
  ASSERT_TRUE(run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first.engine; }));
  EXPECT_NE(engine().endpoint.unix_path, first.endpoint.unix_path);
  EXPECT_FALSE(std::filesystem::exists(first.endpoint.unix_path));
}

TEST_F(VllmNode, SaysWhatItComplainedOfThoughItEndedNoLine) {
  const std::filesystem::path program = settings.folder + "/python/bin/vllm";
  std::filesystem::create_directories(program.parent_path());
  std::ofstream(program) << "#!/bin/sh\nprintf 'ValueError: not enough memory'\nexit 1\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  settings.models[0].vllm = program;
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, HasSubstr("exited with code 1: ValueError: not enough memory"));
}

// As gdb and strace do: the end of what they watch is told to them first, and to its parent when they let go.
class Debugger {
 public:
  explicit Debugger(pid_t pid) {
    int told[2], end[2];
    if (::pipe(told) != 0 || ::pipe(end) != 0) return;
    helper_ = ::fork();
    if (helper_ == 0) {
      ::close(end[1]);
      const char may = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 ? 'y' : 'n';
      char none = 0;
      [[maybe_unused]] const auto wrote = ::write(told[1], &may, 1);
      [[maybe_unused]] const auto read = ::read(end[0], &none, 1);
      ::_exit(0);
    }
    ::close(told[1]);
    ::close(end[0]);
    char may = 'n';
    holds_ = ::read(told[0], &may, 1) == 1 && may == 'y';
    ::close(told[0]);
    end_ = end[1];
  }
  ~Debugger() { let_go(); }
  Debugger(const Debugger&) = delete;
  Debugger& operator=(const Debugger&) = delete;
  bool holds() const { return holds_; }
  void let_go() {
    if (helper_ <= 0) return;
    ::close(end_);
    ::waitpid(std::exchange(helper_, 0), nullptr, 0);
  }

 private:
  pid_t helper_ = 0;
  int end_ = -1;
  bool holds_ = false;
};

TEST_F(VllmNode, ComesBackAfterItsEndWasToldToADebuggerFirst) {
  settings.patience.idle_silent_max = settings.patience.silent_max = 10min;
  settings.patience.broken_probes_max = 1'000'000;
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  const auto first = engine().engine;
  const pid_t pid = only_child();
  Debugger debugger(pid);
  if (!debugger.holds()) GTEST_SKIP() << "nobody may hold a process here";
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_FALSE(run_until([](const auto& e) { return e.state != EngineState::ready; }, 300ms)) << "it is held";
  debugger.let_go();
  EXPECT_TRUE(run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first; }));
}

TEST_F(VllmNode, OneThatCannotBeStartedLeavesNothingBehindHoweverOftenItIsTried) {
  const std::filesystem::path program = settings.folder + "/python/bin/vllm";
  std::filesystem::create_directories(program.parent_path());
  std::ofstream(program) << "#!/bin/sh\n";  // and nobody may run it
  settings.models[0].vllm = program;
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_TRUE(std::filesystem::is_empty(settings.folder + "/run"));
}

// Its end is told, or whoever directed it would count its memory for ever.
TEST_F(VllmNode, AModelThatIsRemovedBeforeItsLoadIsCarriedOutBeginsAndEnds) {
  std::optional<engines::ModelSettings> known = settings.models[0];
  settings.models.clear();
  settings.look_up = [&](const std::string&) { return known; };
  start();
  node->direct({rpc::Directive::Act::load, "org/big", device});
  known.reset();
  node->direct({rpc::Directive::Act::unload, "org/big", device});
  net::Loop::Hold hold(loop);
  bool begun = false;
  wanted = [&](const rpc::Report& report) {
    return std::exchange(begun, begun || !report.engines.empty()) && report.engines.empty();
  };
  net::Timer deadline(loop, [&] { loop.stop(); });
  deadline.arm(20s);
  loop.run();
  EXPECT_TRUE(begun);
  EXPECT_TRUE(reports.back().engines.empty());
}

TEST_F(VllmNode, StartsNoProcessOnABrokenFolderAndTakesItOnceItIsMended) {
  std::filesystem::rename(folder + "/model.safetensors", folder + "/away");
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, HasSubstr("no .safetensors file"));
  std::filesystem::rename(folder + "/away", folder + "/model.safetensors");
  EXPECT_TRUE(run_until(EngineState::ready));
}

// On a device with a memory behind it.
class SleepingNode : public VllmNode {
 protected:
  void SetUp() override {
    VllmNode::SetUp();
    settings.devices = {{"gpu0", 1'000'000'000, rpc::DeviceKind::host, "host"}, {"host", 1'000'000'000}};
    settings.memory_read_every = 10ms;
    device = "gpu0";
  }
  void direct(rpc::Directive::Act act, std::uint8_t level = 1) { node->direct({act, "org/big", device, level}); }
  // Loaded, and seen to hold its weights.
  void load() {
    start();
    ASSERT_TRUE(run_until([](const auto& e) { return e.state == EngineState::ready && e.bytes_read > weights; }));
  }
  void gone() {
    net::Loop::Hold hold(loop);
    wanted = [](const rpc::Report& r) { return r.engines.empty(); };
    if (!wanted(reports.back())) loop.run();
    wanted = nullptr;
  }
  // Why, as the last report before it was gone says.
  std::string last_words() {
    for (auto at = reports.rbegin(); at != reports.rend(); ++at)
      if (!at->engines.empty()) return at->engines[0].detail;
    return {};
  }
  static constexpr std::uint64_t weights = 64 * 1024 * 1024;
};

TEST_F(SleepingNode, SleepsGivesItsMemoryBackAndWakes) {
  load();
  const auto first = engine();
  direct(rpc::Directive::Act::sleep);
  ASSERT_TRUE(run_until(EngineState::asleep));
  EXPECT_LT(engine().bytes_read, weights / 2) << "told with the word that it sleeps";
  EXPECT_FALSE(run_until([](const auto& e) { return e.state != EngineState::asleep; }, 300ms))
      << "it is not asked for work, which would hang";
  direct(rpc::Directive::Act::wake);
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(engine().engine, first.engine);
  EXPECT_EQ(engine().endpoint, first.endpoint);
  EXPECT_EQ(engine().load_time, first.load_time) << "waking is no load";
  EXPECT_TRUE(run_until([&](const auto& e) { return e.bytes_read > weights; }));
  direct(rpc::Directive::Act::sleep);
  ASSERT_TRUE(run_until(EngineState::asleep));
  EXPECT_LT(stop(), 4s);
  EXPECT_TRUE(std::filesystem::is_empty(settings.folder + "/run"));
}

TEST_F(SleepingNode, TellsThatItKeptItsMemoryThoughItSaysThatItSleeps) {
  faults("keeps");
  load();
  direct(rpc::Directive::Act::sleep);
  ASSERT_TRUE(run_until(EngineState::asleep));
  EXPECT_GT(engine().bytes_read, weights);
}

TEST_F(SleepingNode, OnAGpuItSleepsOnceItWasSeenWhatItGaveBack) {
  constexpr std::uint64_t gib = 1ULL << 30U;
  std::vector<Gpu> gpus{{"GPU-a", "A10", 24 * gib, 0, true, {}, "gpu0"}};
  settings.devices = {{"host", 1'000'000'000}};
  settings.gpus = gpus;
  settings.gpu_backing = "host";
  settings.models[0].gpu = true;
  start();
  int wishes = 0;
  node->on_gpu_wish([&] { ++wishes; });
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(reports.back().devices.back(),
            (rpc::DeviceReport{"gpu0", 24 * gib - 24 * gib / 50, rpc::DeviceKind::gpu, "host"}));
  const auto takes = [&](std::uint64_t bytes) {
    gpus[0].taken = bytes;
    gpus[0].processes = {{only_child(), bytes}};
    node->read(gpus);
  };
  takes(20 * gib);
  EXPECT_EQ(engine().bytes_read, 20 * gib);
  direct(rpc::Directive::Act::sleep);
  ASSERT_TRUE(run_until([&](const auto&) { return wishes > 0; }));
  EXPECT_EQ(engine().state, EngineState::draining);
  node->read(gpus);  // begun before it slept
  EXPECT_EQ(engine().state, EngineState::draining);
  takes(gib);
  EXPECT_EQ(engine().state, EngineState::asleep);
  EXPECT_EQ(engine().bytes_read, gib);
  EXPECT_EQ(wishes, 1);
}

// Its double does with files what CUDA and Triton do, in a process of its own.
TEST_F(SleepingNode, OnAGpuItMayNameItsThreadsAndKeepsWhatItCompiled) {
  settings.devices = {{"host", 1'000'000'000}};
  settings.gpus = {{"GPU-a", "H100", 80ULL << 30U, 0, true, {}, "gpu0"}};
  settings.models[0].gpu = true;
  start();
  ASSERT_TRUE(run_until(EngineState::ready)) << engine().detail;
  const std::string compiled = compiled_folder(settings.folder + "/compiled", settings.models[0]);
  EXPECT_TRUE(std::filesystem::exists(compiled + "/triton/kernel.cubin"));
}

// Its libraries, CUDA's context, buffers: the double holds its 64 MiB there.
TEST_F(SleepingNode, OnAGpuWhatItTakesOfTheMachineIsNotThereForOthers) {
  constexpr std::uint64_t all = 1'000'000'000;
  settings.devices = {{"host", all}};
  settings.gpus = {{"GPU-a", "H100", 80ULL << 30U, 0, true, {}, "gpu0"}};
  settings.gpu_backing = "host";
  settings.memory_read_every = 10ms;
  settings.models[0].gpu = true;
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  const auto host = [&] { return reports.back().devices.front().bytes; };
  EXPECT_TRUE(run_until([&](const auto&) { return host() < all - weights; }));
  EXPECT_GT(host(), all / 2);
  stop();
  EXPECT_EQ(host(), all);
}

TEST_F(SleepingNode, ADriverThatFallsSilentKeepsNoEngineBetweenWakingAndSleep) {
  settings.devices = {{"host", 1'000'000'000}};
  settings.gpus = {{"GPU-a", "A10", 24ULL << 30U, 0, true, {}, "gpu0"}};
  settings.gpu_backing = "host";
  settings.gpu_silent_max = 50ms;
  settings.models[0].gpu = true;
  start();
  node->on_gpu_wish([] {});
  ASSERT_TRUE(run_until(EngineState::ready));
  direct(rpc::Directive::Act::sleep);
  ASSERT_TRUE(run_until(EngineState::asleep));
  EXPECT_EQ(engine().bytes_read, 0U);
}

TEST_F(SleepingNode, EndsWhenItDoesNotFallAsleep) {
  for (const auto& [fault, why, patience] : {std::tuple("tosses", "did not fall asleep", Duration(300ms)),
                                             {"sleepless", "could not be put to sleep", Duration(60s)}}) {
    settings.patience.sleep_max = patience;
    faults(fault);
    load();
    direct(rpc::Directive::Act::sleep);
    gone();
    EXPECT_THAT(last_words(), HasSubstr(why));
    stop();
    node.reset();
    reports.clear();
  }
}

TEST_F(SleepingNode, EndsWhenItDiesAsleep) {
  faults("dies_asleep");
  load();
  direct(rpc::Directive::Act::sleep);
  gone();
  EXPECT_TRUE(std::filesystem::is_empty(settings.folder + "/run"));
}

TEST_F(SleepingNode, IsBegunAnewWhenItDoesNotWakeUp) {
  settings.patience.wake_max = 300ms;
  for (const auto& [fault, why] : {std::pair("comatose", "did not wake up"), {"dies_waking", "exited with code 0"}}) {
    faults(fault);
    load();
    const auto first = engine().engine;
    direct(rpc::Directive::Act::sleep);
    ASSERT_TRUE(run_until(EngineState::asleep));
    direct(rpc::Directive::Act::wake);
    ASSERT_TRUE(run_until(EngineState::starting));
    EXPECT_THAT(engine().detail, testing::AnyOf(HasSubstr(why), HasSubstr("could not be woken")));
    ASSERT_TRUE(run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first; }));
    stop();
    node.reset();
    reports.clear();
  }
}

TEST_F(SleepingNode, ForgetsItsWeightsAndReadsThemAgain) {
  load();
  const auto first = engine();
  direct(rpc::Directive::Act::sleep, 2);
  ASSERT_TRUE(run_until(EngineState::asleep));
  EXPECT_LT(engine().bytes_read, weights / 2) << "it may have grown since it was read";
  direct(rpc::Directive::Act::wake);
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(engine().engine, first.engine);
  EXPECT_EQ(engine().detail, "");
  EXPECT_TRUE(run_until([&](const auto& e) { return e.bytes_read > weights; }));
  direct(rpc::Directive::Act::sleep);
  ASSERT_TRUE(run_until(EngineState::asleep));
  direct(rpc::Directive::Act::wake);
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(engine().engine, first.engine) << "from level 1 it wakes as ever";
}

// Each call of its way back, and an engine that says all is well and has other weights than before.
TEST_F(SleepingNode, IsBegunAnewWhenItDoesNotHaveItsWeightsBack) {
  for (const auto& [fault, why] : {std::pair("fails:/wake_up?tags=weights", "tags=weights answers with status 500"),
                                   {"fails:/collective_rpc", "/collective_rpc answers with status 500"},
                                   {"hangs:/collective_rpc", "did not wake up"},
                                   {"fails:/wake_up?tags=kv_cache", "tags=kv_cache answers with status 500"},
                                   {"hangs:/wake_up?tags=kv_cache", "did not wake up"},
                                   {"hollow", "/v1/completions does not answer as it should"}}) {
    SCOPED_TRACE(fault);
    const bool hangs = std::string_view(fault).starts_with("hangs");
    settings.patience.wake_max = hangs ? 200ms : 60s;
    settings.patience.reload_loads = hangs ? 0 : 4;
    faults(fault);
    load();
    const auto first = engine().engine;
    direct(rpc::Directive::Act::sleep, 2);
    ASSERT_TRUE(run_until(EngineState::asleep));
    direct(rpc::Directive::Act::wake);
    ASSERT_TRUE(run_until(EngineState::starting));
    EXPECT_THAT(engine().detail, HasSubstr(why));
    ASSERT_TRUE(run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first; }));
    stop();
    node.reset();
    reports.clear();
  }
}

TEST_F(SleepingNode, IsBegunAnewWhenItsFilesHaveBecomeOthersWhileItSlept) {
  load();
  const auto first = engine().engine;
  direct(rpc::Directive::Act::sleep, 2);
  ASSERT_TRUE(run_until(EngineState::asleep));
  std::fstream(folder + "/model.safetensors", std::ios::in | std::ios::out).seekp(-1, std::ios::end).put('y');
  direct(rpc::Directive::Act::wake);
  ASSERT_TRUE(run_until(EngineState::starting));
  EXPECT_THAT(engine().detail, HasSubstr("does not answer as it should"));
  EXPECT_TRUE(run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first; }));
}

TEST_F(SleepingNode, EndsWhenItDoesNotForget) {
  for (const auto& [fault, why] : {std::pair("hangs:/sleep?level=2&mode=wait", "did not fall asleep"),
                                   {"fails:/sleep?level=2&mode=wait",
                                    "could not be put to sleep: /sleep?level=2&mode=wait answers with status"}}) {
    settings.patience.sleep_max = std::string_view(fault).starts_with("hangs") ? 300ms : 60s;
    faults(fault);
    load();
    direct(rpc::Directive::Act::sleep, 2);
    gone();
    EXPECT_THAT(last_words(), HasSubstr(why));
    stop();
    node.reset();
    reports.clear();
  }
}

TEST_F(SleepingNode, OneThatTakesAdaptersEndsInsteadOfForgetting) {
  settings.models[0].adapters_folder = folder;
  load();
  direct(rpc::Directive::Act::sleep, 2);
  gone();
}

TEST_F(SleepingNode, AnEngineWithoutAMemoryBehindItEndsWhenItIsToSleep) {
  settings.devices[0].backing.clear();
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  direct(rpc::Directive::Act::sleep);
  gone();
}

}  // namespace
}  // namespace faelled::node
