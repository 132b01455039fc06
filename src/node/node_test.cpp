// The node with its loop, real processes and real sockets.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "http/server.hpp"
#include "net/listener.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "node/node_testing.hpp"
#include "observe/log.hpp"

namespace faelled::node {
namespace {

using testing::HasSubstr;

class LlamaNode : public NodeTest {
 protected:
  void SetUp() override {
    const char* program = std::getenv("FAELLED_LLAMA_SERVER");
    const char* file = std::getenv("FAELLED_MODEL");
    ASSERT_TRUE(program != nullptr && file != nullptr)
        << "set FAELLED_LLAMA_SERVER and FAELLED_MODEL to the engine and the small model; ./test does";
    engines::ModelSettings model;
    model.id = "org/small";
    model.file = file;
    model.llama_server = program;
    model.places = 2;
    model.context_tokens = 512;
    model.threads = 1;
    model.chat_template_file = settings.folder + "/chat.jinja";
    std::ofstream(model.chat_template_file) << "{% for m in messages %}{{ m.content }}{% endfor %}";
    settings.models = {model};
    settings.patience.probe_every = 100ms;
    settings.patience.idle_silent_max = 1s;
    settings.patience.restart_first = 50ms;
    settings.patience.file_check_every = 50ms;
  }
  engines::ModelSettings& model() { return settings.models[0]; }
};

TEST_F(LlamaNode, BringsAModelUpAndReportsWhatItIs) {
  start();
  EXPECT_EQ(engine().state, EngineState::starting);
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(engine().model, "org/small");
  EXPECT_EQ(engine().engine_kind, "llama");
  EXPECT_EQ(engine().places, 2u);
  EXPECT_EQ(engine().context_tokens, 512u);
  EXPECT_GT(engine().load_time, Duration::zero());
  EXPECT_TRUE(std::filesystem::is_socket(engine().endpoint.unix_path));
  EXPECT_EQ(engine().device, "host");
  EXPECT_LT(stop(), 4s);
  EXPECT_TRUE(reports.back().engines.empty());
  EXPECT_EQ(only_child(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(settings.folder + "/run"));
}

TEST_F(LlamaNode, AKilledEngineComesBackAsANewOne) {
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  auto first = engine();
  ::kill(only_child(), SIGKILL);
  ASSERT_TRUE(run_until(EngineState::starting));
  EXPECT_THAT(engine().detail, HasSubstr("signal 9"));
  EXPECT_GT(engine().ready_in, Duration::zero());
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_NE(engine().engine, first.engine);
  EXPECT_NE(engine().endpoint.unix_path, first.endpoint.unix_path);
}

TEST_F(LlamaNode, AnEngineThatHangsIsReplaced) {
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  auto first = engine().engine;
  ::kill(only_child(), SIGSTOP);
  ASSERT_TRUE(run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first; }));
}

TEST_F(LlamaNode, AWrongFileIsSaidPlainlyAndTakenOnceItIsMended) {
  auto right = model().file;
  model().file = settings.folder + "/model.gguf";
  std::ofstream(model().file) << "this is no model";
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, HasSubstr("it is not a GGUF file"));
  std::filesystem::remove(model().file);
  std::filesystem::create_symlink(right, model().file);
  EXPECT_TRUE(run_until(EngineState::ready));
}

TEST_F(LlamaNode, AMissingEngineIsSaidPlainly) {
  model().llama_server = "/nonexistent/llama-server";
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, HasSubstr("/nonexistent/llama-server"));
}

TEST_F(LlamaNode, ABaseModelWithoutATemplateIsRefused) {
  model().chat_template_file.clear();
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, HasSubstr("chat_template_file"));
}

TEST_F(LlamaNode, ATemplateTheEngineCannotReadEndsInItsOwnWords) {
  std::ofstream(model().chat_template_file) << "{% for m in";
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, HasSubstr("template"));
}

TEST_F(LlamaNode, LoadsAndUnloadsAsItIsDirectedAndReadsWhatItTakes) {
  settings.memory_read_every = 10ms;
  settings.devices = {{"host", 1'000'000'000}};
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(reports.back().devices, settings.devices);
  ASSERT_TRUE(run_until([](const auto& e) { return e.bytes_read > 50'000'000; }));
  const auto first = engine().engine;
  node->direct({rpc::Directive::Act::unload, model().id, "host"});
  node->direct({rpc::Directive::Act::load, model().id, "host"});  // not before the former one has gone
  net::Loop::Hold hold(loop);
  wanted = [](const rpc::Report& r) { return r.engines.empty(); };
  loop.run();
  EXPECT_EQ(only_child(), 0);
  node->direct({rpc::Directive::Act::load, model().id, "host"});
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_NE(engine().engine, first);
}

TEST_F(LlamaNode, TwoEnginesOfOneModelOnTwoDevicesAreApart) {
  settings.devices = {{"host", 1'000'000'000}, {"far", 1'000'000'000}};
  start();
  node->direct({rpc::Directive::Act::load, model().id, "far"});
  net::Loop::Hold hold(loop);
  wanted = [](const rpc::Report& r) {
    return r.engines.size() == 2 &&
           std::ranges::all_of(r.engines, [](const rpc::EngineReport& e) { return e.state == EngineState::ready; });
  };
  loop.run();
  const auto both = reports.back().engines;
  EXPECT_NE(both[0].engine, both[1].engine);
  EXPECT_NE(both[0].endpoint.unix_path, both[1].endpoint.unix_path);
  EXPECT_EQ(std::distance(begin(std::filesystem::directory_iterator(settings.folder + "/engines")), {}), 2)
      << "a log of its own";
  node->direct({rpc::Directive::Act::unload, model().id, "host"});
  wanted = [](const rpc::Report& r) { return r.engines.size() == 1; };
  loop.run();
  EXPECT_EQ(engine().engine, both[1].engine);
  EXPECT_EQ(engine().device, "far");
}

TEST_F(LlamaNode, AnEngineSeesTheGpuItWasGivenAndWhatIsReadOfItIsItsOwn) {
  constexpr std::uint64_t gib = 1ULL << 30U;
  const std::vector<Gpu> before{{"GPU-a", "A10", 24 * gib, gib, true, {{1, gib}}, "gpu0"},
                                {"GPU-b", "A10", 24 * gib, 0, true, {}, "gpu1"}};
  settings.gpus = before;
  settings.environment.emplace_back("CUDA_VISIBLE_DEVICES=all");
  model().gpu = true;
  const auto on_gpu = model();
  settings.models.clear();
  start();
  const auto kept = 24 * gib / 50;
  EXPECT_THAT(reports.back().devices,
              testing::ElementsAre(rpc::DeviceReport{"gpu0", 23 * gib - kept, rpc::DeviceKind::gpu},
                                   rpc::DeviceReport{"gpu1", 24 * gib - kept, rpc::DeviceKind::gpu}));
  node->know(on_gpu);
  node->direct({rpc::Directive::Act::load, on_gpu.id, "gpu1"});
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_EQ(engine().device, "gpu1");
  std::ifstream file("/proc/" + std::to_string(only_child()) + "/environ");
  const std::string environment((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(environment, HasSubstr("CUDA_VISIBLE_DEVICES=GPU-b"));
  EXPECT_THAT(environment, testing::Not(HasSubstr("CUDA_VISIBLE_DEVICES=all")));

  auto now = before;
  now[1].taken = 5 * gib;
  now[1].processes = {{only_child(), 3 * gib}, {1, 2 * gib}};
  node->read(now);
  EXPECT_EQ(engine().bytes_read, 3 * gib);
  EXPECT_EQ(reports.back().devices[1].bytes, 24 * gib - kept) << "once is not yet true";
  node->read(now);
  EXPECT_EQ(reports.back().devices[1].bytes, 22 * gib - kept);
  // Its process ends, and three of its gigabytes stay.
  node->direct({rpc::Directive::Act::unload, on_gpu.id, "gpu1"});
  net::Loop::Hold hold(loop);
  wanted = [](const rpc::Report& r) { return r.engines.empty(); };
  loop.run();
  now[1].processes = {{1, 2 * gib}};
  node->read(now);
  node->read(now);
  EXPECT_EQ(reports.back().devices[1].bytes, 19 * gib - kept);
}

TEST_F(LlamaNode, AnEngineOfAGroupSeesAllOfItsCards) {
  constexpr std::uint64_t gib = 1ULL << 30U;
  settings.gpus = {{"GPU-a,GPU-c", "A10", 48 * gib, 0, true, {}, "gpu0+2", 2},
                   {"GPU-b", "A10", 24 * gib, 0, true, {}, "gpu1"}};
  model().gpu = true;
  const auto on_gpus = model();
  settings.models.clear();
  start();
  EXPECT_EQ(reports.back().devices[0],
            (rpc::DeviceReport{"gpu0+2", 48 * gib - 48 * gib / 25, rpc::DeviceKind::gpu, "", 2}));
  node->know(on_gpus);
  node->direct({rpc::Directive::Act::load, on_gpus.id, "gpu0+2"});
  ASSERT_TRUE(run_until(EngineState::ready));
  std::ifstream file("/proc/" + std::to_string(only_child()) + "/environ");
  const std::string environment((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(environment, HasSubstr(std::string("CUDA_VISIBLE_DEVICES=GPU-a,GPU-c") + '\0'));
}

TEST_F(LlamaNode, TheKernelTakesAnEngineBeforeUsWhereMemoryIsShort) {
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  int adjusted = 0;
  std::ifstream("/proc/" + std::to_string(only_child()) + "/oom_score_adj") >> adjusted;
  EXPECT_EQ(adjusted, 1000);
}

TEST_F(LlamaNode, StopsInMidLoad) {
  start();
  EXPECT_LT(stop(), 4s);
  EXPECT_EQ(only_child(), 0);
}

TEST_F(LlamaNode, LeavesNothingBehindWhenItIsDestroyed) {
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  node.reset();
  EXPECT_EQ(only_child(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(settings.folder + "/run"));
}

TEST_F(LlamaNode, FindsAShorterPlaceForItsSockets) {
  settings.folder += "/" + std::string(90, 'x');
  std::filesystem::create_directory(settings.folder);
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  auto socket_folder = std::filesystem::path(engine().endpoint.unix_path).parent_path();
  node.reset();
  EXPECT_FALSE(std::filesystem::exists(socket_folder));
  settings.folder = std::filesystem::path(settings.folder).parent_path();
}

class UpstreamNode : public NodeTest {
 protected:
  ~UpstreamNode() override {
    node.reset();
    if (!server) return;
    auto drained = [](http::Server& s, net::Loop& l) -> net::Task<void> {
      co_await s.drain(0ms);
      l.stop();
    };
    loop.spawn(drained(*server, loop));
    loop.run();
    server.reset();
    let_go();
  }
  void serve(int status) {
    auto listener = net::Listener::tcp(loop, "127.0.0.1", 0);
    ASSERT_TRUE(listener);
    port = listener->port();
    server.emplace(
        loop, http::ServerBounds{},
        [this, status](const http::Request& request, http::Reply& reply) -> net::Task<void> {
          asked = std::string(request.target);
          key = std::string(request.header("authorization"));
          reply.send(status, "", "{}");
          reply.flush();
          co_return;
        },
        [](int, std::string_view) { return std::string(); });
    server->serve(std::move(*listener));
  }
  void add_model() {
    engines::ModelSettings model;
    model.id = "mock";
    model.kind = engines::EngineKind::openai;
    model.url = "http://127.0.0.1:" + std::to_string(port) + "/v1";
    model.upstream_model = "there";
    model.api_key = "sk-secret";
    model.places = 1024;
    settings.models = {model};
    settings.upstream_patience.retry_first = 10ms;
  }
  std::uint16_t port = 1;  // nobody listens there
  std::string asked, key;
  std::optional<http::Server> server;
};

TEST_F(UpstreamNode, IsReadyAtOnceAndAskedWithOurKey) {
  serve(200);
  add_model();
  start();
  EXPECT_EQ(engine().state, EngineState::ready);
  EXPECT_EQ(engine().places, 1024u);
  EXPECT_EQ(engine().upstream_model, "there");
  EXPECT_EQ(engine().endpoint.base_path, "/v1");
  const std::size_t told = reports.size();
  for (int tries = 0; tries < 200 && asked.empty(); ++tries)
    EXPECT_FALSE(run_until([](const auto&) { return false; }, 300ms));
  EXPECT_EQ(reports.size(), told) << "an answer changes nothing";
  EXPECT_EQ(asked, "/v1/models");
  EXPECT_EQ(key, "Bearer sk-secret");
  EXPECT_EQ(engine().state, EngineState::ready);
}

TEST_F(UpstreamNode, IsFailedWhenNobodyAnswers) {
  add_model();
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, HasSubstr("does not answer"));
  EXPECT_LT(stop(), 1s);
}

TEST_F(UpstreamNode, SaysThatItsKeyIsRefused) {
  serve(401);
  add_model();
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, testing::AllOf(HasSubstr("key"), testing::Not(HasSubstr("sk-secret"))));
}

TEST_F(UpstreamNode, AWrongAddressIsSaidPlainly) {
  add_model();
  settings.models[0].url = "ftp://127.0.0.1/v1";
  start();
  EXPECT_EQ(engine().state, EngineState::failed);
  EXPECT_THAT(engine().detail, HasSubstr("https"));
  EXPECT_LT(stop(), 1s);
}

engines::ModelSettings upstream_at(std::string url) {
  engines::ModelSettings model;
  model.id = "elsewhere";
  model.kind = engines::EngineKind::openai;
  model.url = std::move(url);
  return model;
}

TEST_F(NodeTest, WatchesAnUpstreamFromWhenItIsKnownUntilItIsForgotten) {
  start();
  EXPECT_TRUE(reports.back().engines.empty());
  node->know(upstream_at("http://127.0.0.1:1/v1"));
  ASSERT_EQ(reports.back().engines.size(), 1U);
  const std::string first = engine().engine;
  node->know(upstream_at("http://127.0.0.1:1/v2"));
  ASSERT_EQ(reports.back().engines.size(), 1U) << "the former is watched no more";
  EXPECT_NE(engine().engine, first);
  EXPECT_EQ(engine().endpoint.base_path, "/v2");
  node->forget("elsewhere");
  EXPECT_TRUE(reports.back().engines.empty());
  node->forget("elsewhere");
  node->forget("nobody");
}

TEST_F(NodeTest, LeavesSeveralUpstreamsWithoutAWordToAnybody) {
  start();
  for (const std::string id : {"one", "two", "three"}) {
    engines::ModelSettings model = upstream_at("http://127.0.0.1:1/v1");
    model.id = id;
    node->know(model);
  }
  reports.clear();
  node.reset();
  EXPECT_TRUE(reports.empty());
}

TEST_F(NodeTest, BeginsNothingOnceItStops) {
  start();
  stop();
  reports.clear();
  node->stop(std::chrono::seconds(1), [] {});
  node->know(upstream_at("http://127.0.0.1:1/v1"));
  for (const rpc::Report& report : reports) EXPECT_TRUE(report.engines.empty());
}

}  // namespace
}  // namespace faelled::node
