#include <gmock/gmock.h>

#include "base/time_text.hpp"
#include "command_line_testing.hpp"
#include "portal/model_page.hpp"
#include "residency_text.hpp"
#include "watching.hpp"

namespace faelled::app {
namespace {

class ResidencyCommands : public CommandLine {
 protected:
  void SetUp() override { serve(); }
  void set(std::vector<rpc::DeviceResidency> devices, std::vector<rpc::ModelResidency> models) {
    std::promise<void> done;
    loop_->post([&] {
      world_->mesh.all_devices = std::move(devices);
      world_->mesh.all_residency = std::move(models);
      done.set_value();
    });
    done.get_future().wait();
  }
  std::vector<std::pair<std::string, rpc::ResidencyAct>> ordered() {
    std::promise<std::vector<std::pair<std::string, rpc::ResidencyAct>>> all;
    loop_->post([&] { all.set_value(world_->mesh.ordered); });
    return all.get_future().get();
  }
  void set_some() {
    set({{.node = "local", .device = "gpu0", .bytes = 80'000'000'000, .taken = 30'000'000'000, .reserved = 5'000'000}},
        {{.model = "m",
          .node = "local",
          .device = "gpu0",
          .state = rpc::EngineState::ready,
          .cause = rpc::ResidencyCause::asked,
          .in_state = std::chrono::minutes(90),
          .bytes = 25'000'000'000,
          .pinned = true,
          .load_time = 12s,
          .asked_per_hour = 4.5,
          .running = 2},
         {.model = "org/small:7b",
          .node = "local",
          .device = "gpu0",
          .state = rpc::EngineState::starting,
          .cause = rpc::ResidencyCause::asked,
          .bytes = 5'000'000'000,
          .ready_in = 8s,
          .waiting = 3},
         {.model = "huge", .bytes = 900'000'000'000, .fits = false}});
  }
};

TEST_F(ResidencyCommands, SayWhoSleepsAndWhereItsWeightsLie) {
  set({{.node = "local", .device = "gpu0", .bytes = 80'000'000'000, .taken = 2'000'000'000},
       {.node = "local", .device = "host", .bytes = 64'000'000'000, .taken = 20'000'000'000}},
      {{.model = "m",
        .node = "local",
        .device = "gpu0",
        .state = rpc::EngineState::asleep,
        .cause = rpc::ResidencyCause::unused,
        .in_state = std::chrono::minutes(90),
        .bytes = 25'000'000'000,
        .taken = 2'000'000'000,
        .backing = "host",
        .backed = 20'000'000'000,
        .can_sleep = true,
        .wake_time = 1s}});
  EXPECT_THAT(faelled("model list").out,
              testing::HasSubstr("since 2025-12-31 22:30 UTC: nobody asked for it for long"));
  EXPECT_THAT(faelled("node list").out,
              testing::AllOf(testing::HasSubstr("m (asleep)"), testing::HasSubstr("m (its weights)")));
  EXPECT_EQ(faelled("model wake m").status, 0);
  EXPECT_NE(faelled("model sleep m").status, 0) << "it sleeps already";
  EXPECT_THAT(ordered(), testing::ElementsAre(std::pair("m", rpc::ResidencyAct::wake)));
}

TEST_F(ResidencyCommands, ListWhomModelsAreFor) {
  for (const char* member : {"aarhus", "ribe"}) (void)faelled(std::string("member add ") + member);
  ASSERT_EQ(faelled("model add small --file /m.gguf --member aarhus --member ribe").status, 0);
  set({}, {{.model = "m", .bytes = 1}, {.model = "small", .bytes = 900'000'000'000, .fits = false}});
  const std::string listed = faelled("model list").out;
  EXPECT_THAT(listed, testing::HasSubstr("no memory here is large enough; for aarhus, ribe\n"));
  EXPECT_EQ(listed.find("; for "), listed.rfind("; for ")) << listed;
}

TEST_F(ResidencyCommands, ListFurtherEnginesBesideTheFirst) {
  set({{.node = "local", .device = "gpu0", .bytes = 80'000'000'000, .taken = 25'000'000'000},
       {.node = "local", .device = "gpu1", .bytes = 80'000'000'000, .taken = 25'000'000'000}},
      {{.model = "m",
        .node = "local",
        .device = "gpu0",
        .state = rpc::EngineState::ready,
        .cause = rpc::ResidencyCause::asked,
        .in_state = std::chrono::minutes(90),
        .bytes = 25'000'000'000,
        .running = 3,
        .copies = {{.node = "local",
                    .device = "gpu1",
                    .state = rpc::EngineState::ready,
                    .cause = rpc::ResidencyCause::busy,
                    .in_state = std::chrono::minutes(30),
                    .taken = 25'000'000'000,
                    .running = 1}}}});
  EXPECT_THAT(faelled("model list").out,
              testing::AllOf(testing::HasSubstr("local/gpu1"),
                             testing::HasSubstr("a further engine, since 2025-12-31 23:30 UTC: people wait, and there "
                                                "is room")));
  EXPECT_THAT(faelled("node list").out, testing::ContainsRegex("gpu1.*[^(]m"));
}

TEST_F(ResidencyCommands, ListModelsWithWhereAndWhy) {
  set_some();
  EXPECT_EQ(
      faelled("model list").out,
      "id            state     where       memory  load  asked/h  waiting  running  why\n"
      "huge          absent    -           900 GB  -     -              0        0  no memory here is large enough\n"
      "m             ready     local/gpu0  25 GB   12 s  4.5            0        2  since 2025-12-31 22:30 UTC: "
      "somebody "
      "asked for it; pinned\n"
      "org/small:7b  starting  local/gpu0  5 GB    -     -              3        0  about 8 s: somebody asked for "
      "it\n");
  const std::string json = faelled("model list --json").out;
  EXPECT_EQ(text_at(json, "models.2.id"), "org/small:7b");
  EXPECT_EQ(text_at(json, "models.2.ready_in_s"), "8");
  EXPECT_EQ(text_at(json, "devices.0.device"), "gpu0");
}

TEST_F(ResidencyCommands, ListWhatCameAndWentAndWhy) {
  EXPECT_EQ(faelled("node events").out, "UTC  what  model  where  took  why\n");
  using What = rpc::ResidencyEvent::What;
  using rpc::ResidencyCause;
  std::promise<void> done;
  loop_->post([&] {
    const auto happens = [&](What what, ResidencyCause cause, std::string other = {}) -> rpc::ResidencyEvent& {
      auto& all = world_->mesh.all_events;
      return all.emplace_back(rpc::ResidencyEvent{.number = all.size() + 1,
                                                  .at = parse_time("2026-01-01T00:00:05Z").value(),
                                                  .what = what,
                                                  .cause = cause,
                                                  .model = "m",
                                                  .other = std::move(other),
                                                  .node = "local",
                                                  .device = "gpu0"});
    };
    happens(What::load, ResidencyCause::asked);
    happens(What::ready, ResidencyCause::asked).took = 1500ms;
    happens(What::sleep, ResidencyCause::ordered).level = 2;
    happens(What::wake, ResidencyCause::asked).level = 2;
    happens(What::failed, ResidencyCause::broken).detail = "the engine exited with code 1";
    happens(What::unload, ResidencyCause::makes_room, "other");
    done.set_value();
  });
  done.get_future().wait();
  EXPECT_EQ(faelled("node events --limit 5").out,
            "UTC                  what                       model  where       took   why\n"
            "2026-01-01 00:00:05  unload                     m      local/gpu0  -      unused, to make room for other\n"
            "2026-01-01 00:00:05  failed                     m      local/gpu0  -      its engine ended by itself: the "
            "engine exited with code 1\n"
            "2026-01-01 00:00:05  wake, reads its weights    m      local/gpu0  -      somebody asked for it\n"
            "2026-01-01 00:00:05  sleep without its weights  m      local/gpu0  -      an operator said so\n"
            "2026-01-01 00:00:05  ready                      m      local/gpu0  1.5 s  somebody asked for it\n"
            "Older ones: --before 2\n");
  EXPECT_THAT(faelled("node events --before 2").out, testing::ContainsRegex("load +m[^\n]+\n$"));
  EXPECT_EQ(text_at(faelled("node events --json").out, "events.5.what"), "load");
  EXPECT_EQ(events_table(R"({"events":[{}],"next":null})"),
            "UTC  what  model  where  took  why\n                  -      -     -\n")
      << "of another version";
  EXPECT_NE(faelled("node events --limit 501").status, 0);
}

TEST_F(ResidencyCommands, ListThousandsOfModelsPageByPage) {
  std::vector<rpc::ModelResidency> many;
  for (int i = 0; i < 2500; ++i)
    many.push_back({.model = fmt::format("n{:04}", i),
                    .state = i == 2222 ? rpc::EngineState::ready : rpc::EngineState::absent,
                    .bytes = 5});
  set({{.node = "local", .device = "gpu0", .bytes = 80}}, many);
  const std::string all = faelled("model list").out;
  EXPECT_EQ(count(all, "\n"), 2501U);
  EXPECT_EQ(count(all, "why"), 1U) << "one heading";
  EXPECT_EQ(count(faelled("model list --limit 1200").out, "\n"), 1201U);
  EXPECT_THAT(faelled("model list --search N1234").out,
              testing::EndsWith("\nn1234  absent  -      5 B     -     -              0        0  -\n"));
  EXPECT_THAT(faelled("model list --state ready").out, testing::ContainsRegex("\nn2222 +ready[^\n]+\n$"));
  const std::string json = faelled("model list --json").out;
  EXPECT_EQ(text_at(json, "models.2499.id"), "n2499");
  EXPECT_EQ(text_at(json, "models.2500"), "");
  EXPECT_EQ(text_at(faelled("model list --json --search nothing").out, "models"), "[\n]");
  EXPECT_EQ(text_at(faelled("model list --json --limit 3").out, "models.3"), "");
  EXPECT_NE(faelled("model list --state lost").status, 0);
  EXPECT_NE(faelled("model list --limit many").status, 0);
}

// Takes what it is told and is gone then, as the end of a pipe may be: without one --watch would go on.
struct OneLook final : std::stringbuf {
  int sync() override { return -1; }
};

TEST_F(ResidencyCommands, WatchAModelThatIsFoundBehindAnEmptyPage) {
  std::promise<void> done;
  loop_->post([&] {
    for (std::size_t i = 0; i <= limits::models_page_searched_max / portal::ModelSearch::unpacking; ++i) {
      gateway::CatalogueModel model;
      model.settings.id = fmt::format("n{:06}", i);
      model.aliases = {{"alias-" + model.settings.id}};
      EXPECT_TRUE(world_->catalogue->put(std::move(model)));
    }
    gateway::CatalogueModel last;
    last.settings.id = "zebra";
    EXPECT_TRUE(world_->catalogue->put(std::move(last)));
    world_->mesh.all_residency = {{.model = "zebra", .bytes = 5}};
    done.set_value();
  });
  done.get_future().wait();
  OneLook look;
  auto* const before = std::cout.rdbuf(&look);
  CLI::App app;
  Invocation invocation{.config = file_.string()};
  add_commands(app, invocation);
  app.parse("model list --watch --search zebra", false);
  std::cout.rdbuf(before);
  std::cout.clear();
  EXPECT_THAT(look.str(), testing::HasSubstr("zebra  absent"));
}

TEST_F(ResidencyCommands, ListMemoriesWithWhatLiesThere) {
  set_some();
  EXPECT_EQ(faelled("node list").out,
            "node   device  memory  taken  reserved  free   models\n"
            "local  gpu0    80 GB   30 GB  5 MB      50 GB  m, org/small:7b (starting)\n");
  EXPECT_EQ(text_at(faelled("node list --json").out, "devices.0.taken"), "30000000000");
}

TEST_F(ResidencyCommands, OrdersReachTheServerAndItsRefusalsThePerson) {
  set_some();
  EXPECT_EQ(faelled("model pin org/small:7b").out, "id: org/small:7b\nstate: starting\npinned: true\nready_in_s: 8\n");
  EXPECT_EQ(text_at(faelled("model unpin m --json").out, "id"), "m");
  EXPECT_EQ(ordered(), (std::vector<std::pair<std::string, rpc::ResidencyAct>>{{"org/small:7b", rpc::ResidencyAct::pin},
                                                                               {"m", rpc::ResidencyAct::unpin}}));
  EXPECT_TRUE(faelled("model unload m").err.contains("unpin it first"));
  const Said none = faelled("model load nope");
  EXPECT_EQ(none.status, 1);
  EXPECT_TRUE(none.err.contains("no such model")) << none.err;
  const Said huge = faelled("model load huge");
  EXPECT_EQ(huge.status, 1);
  EXPECT_TRUE(huge.err.contains("large enough")) << huge.err;
  EXPECT_EQ(count(faelled("audit log --action model.load").out, "refused"), 2U);
}

std::string why(const std::string& fields) {
  json::Document document;
  return why_text(document.parse("{" + fields + "}").value(), "2026-01-01T12:00:00Z");
}

TEST(ResidencyText, SaysEveryReasonInPlainWords) {
  const std::string gone = R"("state":"absent","fits":true,"cause":)", going = R"("state":"draining","cause":)";
  EXPECT_EQ(why(R"("state":"ready","in_state_s":5,"cause":"at_start")"),
            "since 2026-01-01 11:59 UTC: there was room for it");
  EXPECT_EQ(why(R"("state":"ready","in_state_s":5,"cause":"none")"), "since 2026-01-01 11:59 UTC");
  EXPECT_EQ(why(R"("state":"starting","cause":"pinned","pinned":true)"), "an operator wants it there always");
  EXPECT_EQ(why(going + R"("line_empty","other":"b")"),
            "its last answers end: to make room for b: nobody waits for it any more");
  EXPECT_EQ(why(going + R"("turn_over","other":"b")"),
            "its last answers end: to make room for b: it had its longest turn");
  const std::string asleep = R"("state":"asleep","in_state_s":5,"sleep_level":2,"cause":"makes_room","other":"b")";
  EXPECT_EQ(why(asleep), "without its weights, since 2026-01-01 11:59 UTC: unused, to make room for b");
  EXPECT_EQ(why(asleep + R"(,"waiting":1,"ready_in_s":9)"), "without its weights, waits for room to wake, about 9 s");
  EXPECT_EQ(why(going + R"("ordered","sleep_level":1)"), "its last answers end, then it sleeps: an operator said so");
  EXPECT_EQ(why(going + R"("ordered","sleep_level":2)"),
            "its last answers end, then it sleeps without its weights: an operator said so");
  EXPECT_EQ(why(gone + R"("makes_room","other":"b")"), "unused, to make room for b");
  EXPECT_EQ(why(gone + R"("ordered")"), "an operator said so");
  EXPECT_EQ(why(gone + R"("unused")"), "nobody asked for it for long");
  EXPECT_EQ(why(gone + R"("none","waiting":2,"ready_in_s":30)"), "waits for room, about 30 s");
  EXPECT_EQ(why(gone + R"("none","waiting":2,"ready_in_s":0.06)"), "waits for room, about 1 s");
  EXPECT_EQ(why(gone + R"("none")"), "");
  EXPECT_EQ(why(R"("state":"absent","fits":false,"detail":"it needs 9 GB")"), "does not fit: it needs 9 GB");
  EXPECT_EQ(why(R"("state":"failed","cause":"broken","detail":"no such file")"), "no such file");
  EXPECT_EQ(why(R"("state":"failed","cause":"broken")"), "its engine ended by itself");
}

TEST(ResidencyText, SaysBytesAsDisksAreSold) {
  EXPECT_EQ(bytes_text(4'100'000'000), "4.1 GB");
  EXPECT_EQ(bytes_text(80e9), "80 GB");
}

// What a server says, one answer after the other.
std::string watched(const std::vector<std::string>& answers, bool terminal) {
  std::ostringstream out;
  std::size_t at = 0;
  const Watching watching{[&]() -> Expected<std::string> { return answers[at]; },
                          [](const std::string& answer) { return text_at(answer, "models.0.state") + "\n"; },
                          standing_of};
  EXPECT_EQ(watch(watching, terminal, out, [&] { return ++at < answers.size(); }), 0);
  return out.str();
}

TEST(Watching, DrawsATerminalAnewAndWritesElsewhereOnlyWhatChanged) {
  const std::string comes = R"({"at":"x","models":[{"id":"m","state":"starting","ready_in_s":3}]})",
                    still = R"({"at":"y","models":[{"id":"m","state":"starting","ready_in_s":2}]})",
                    there = R"({"at":"z","models":[{"id":"m","state":"ready","ready_in_s":null}]})";
  EXPECT_EQ(watched({comes, still, there, there}, false), "starting\n\nready\n");
  EXPECT_EQ(watched({comes, there}, true), "\x1b[H\x1b[Jstarting\n\x1b[H\x1b[Jready\n");
}

TEST(Watching, EndsWithTheServersRefusalOrItsAbsence) {
  std::ostringstream out, err;
  const Swapped swapped(std::cerr, err);
  const Watching watching{[]() -> Expected<std::string> { return fail(Errc::unavailable, "nobody is there"); }, {}, {}};
  EXPECT_EQ(watch(watching, false, out, [] { return true; }), 1);
  EXPECT_TRUE(err.str().contains("nobody is there"));
}

}  // namespace
}  // namespace faelled::app
