#include "keeping/learned_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "net/loop.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::keeping {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t eight = 32;

struct Nobody final : rpc::TicketListener {
  void granted(const rpc::Grant&) override {}
  void waiting(const rpc::Waiting&) override {}
  void refused(const rpc::Refusal&) override {}
  void revoked() override {}
};

// A server with two models and memory for both, from its start to its end; its node begins what it is told at once.
class ServerRun final : public rpc::NodePort {
 public:
  // `away`: models of its catalogue whose files are not here.
  explicit ServerRun(const std::filesystem::path& folder, const std::vector<std::string>& models = {"morning", "other"},
                     const std::vector<std::string>& away = {})
      : log(observe::Log::open((folder / "log").string(), observe::Level::debug).value()),
        store(open_store(folder), [this](std::function<void()> done) { loop.post(std::move(done)); }) {
    mesh.nodes(*this);
    for (const std::string& model : away) mesh.add_model(model);
    for (const std::string& model : models) mesh.know({model, 4, std::chrono::seconds(3)});
    mesh.report(report);
  }
  void direct(const rpc::Directive& directive) override {
    if (directive.act == rpc::Directive::Act::load) loaded.push_back(directive.model);
  }
  // A day in which somebody asks at eight; what was loaded goes again.
  void day() {
    for (std::uint32_t number = 0; number < residency::Quarter::in_a_day; ++number) {
      mesh.quarter({number, true});
      if (number == eight) {
        Nobody nobody;
        rpc::Ticket ticket;
        ticket.number = ++tickets;
        ticket.member = "aarhus";
        ticket.model = "morning";
        ticket.admitted = clock.now();
        mesh.submit(ticket, nobody);
        mesh.end({tickets, rpc::Outcome::cancelled, 0, 0, 0});
      }
      clock.advance(minutes(15));
    }
  }
  void kept() {
    net::Loop::Hold hold(loop);
    keeper.save([this] { loop.stop(); });
    loop.run();
  }

  static std::unique_ptr<store::Store> open_store(const std::filesystem::path& folder) {
    return std::move(store::open_sqlite_store(folder / "faelled.db").value());
  }

  net::Loop loop;
  ManualClock clock;
  std::unique_ptr<observe::Log> log;
  store::StoreThread store;
  mesh::Mesh mesh{clock, {}};
  LearnedKeeper keeper{loop, clock, mesh, store, *log};
  rpc::Report report{"n1", {}, {{"host", 100}}};
  std::vector<std::string> loaded;
  std::uint64_t tickets = 0;
};

void run_for_five_days(const std::filesystem::path& folder) {
  ServerRun server(folder);
  ASSERT_TRUE(server.keeper.restore());
  for (int i = 0; i < 5; ++i) server.day();
  server.kept();
}

TEST(LearnedKeeper, ARestartedServerWarmsWhatWasLearned) {
  const store::TestFolder folder;
  run_for_five_days(folder.path());
  ServerRun second(folder.path());
  ASSERT_TRUE(second.keeper.restore());
  second.mesh.quarter({eight - 1, true});
  second.clock.advance(minutes(15));
  second.mesh.look_at_memory();
  EXPECT_THAT(second.loaded, ElementsAre("morning"));
  EXPECT_EQ(second.mesh.residency_counts().warmed, 1U);
}

TEST(LearnedKeeper, ARestartedServerKnowsHowLongALoadTakes) {
  const store::TestFolder folder;
  {
    ServerRun first(folder.path());
    ASSERT_TRUE(first.keeper.restore());
    EXPECT_EQ(first.mesh.residency("morning")->load_time, std::chrono::seconds(3)) << "a guess";
    ASSERT_TRUE(first.mesh.order("morning", rpc::ResidencyAct::load));
    first.report.engines = {{.engine = "e",
                             .model = "morning",
                             .state = rpc::EngineState::ready,
                             .load_time = std::chrono::milliseconds(8500),
                             .device = "host"}};
    first.mesh.report(first.report);
    EXPECT_EQ(first.mesh.loads(), (mesh::Loads{{"morning", {4, std::chrono::milliseconds(8500)}}}));
    first.kept();
  }
  ServerRun second(folder.path());
  ASSERT_TRUE(second.keeper.restore());
  EXPECT_EQ(second.mesh.residency("morning")->load_time, std::chrono::milliseconds(8500));
  EXPECT_EQ(second.mesh.residency("other")->load_time, std::chrono::seconds(3));
  ServerRun third(folder.path(), {"other"}, {"morning"});
  ASSERT_TRUE(third.keeper.restore());
  third.mesh.know({"morning", 5, std::chrono::seconds(3)});
  EXPECT_EQ(third.mesh.residency("morning")->load_time, std::chrono::seconds(3)) << "it is another model";
}

TEST(LearnedKeeper, WhatCannotBeReadIsToldAndLearnedAnew) {
  const store::TestFolder folder;
  {
    auto store = ServerRun::open_store(folder.path());
    ASSERT_TRUE(store->set_setting({std::string(mesh::habits_setting), "habits 1\nmorning nonsense\n", {}}));
  }
  ServerRun run(folder.path());
  ASSERT_TRUE(run.keeper.restore());
  EXPECT_THAT(run.mesh.habits(), IsEmpty());
  std::ifstream in(folder / "log");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(in), {}), HasSubstr("line 2 of the models' habits"));
}

TEST(LearnedKeeper, OfAModelWhoseFileIsNotHereIsKeptUntilItIs) {
  const store::TestFolder folder;
  run_for_five_days(folder.path());
  {
    ServerRun second(folder.path(), {"other"}, {"morning"});
    ASSERT_TRUE(second.keeper.restore());
    second.mesh.learned({{"other", second.mesh.habits().at("morning")}});  // so that something is to be kept
    second.kept();
  }
  ServerRun third(folder.path(), {"other"}, {"morning"});
  ASSERT_TRUE(third.keeper.restore());
  third.mesh.know({"morning", 4, std::chrono::seconds(3)});
  third.mesh.quarter({eight - 1, true});
  third.clock.advance(minutes(15));
  third.mesh.look_at_memory();
  EXPECT_THAT(third.loaded, testing::UnorderedElementsAre("morning", "other"));
}

TEST(LearnedKeeper, ModelsThatAreGoneAreDropped) {
  const store::TestFolder folder;
  run_for_five_days(folder.path());
  ServerRun second(folder.path(), {"other"});
  ASSERT_TRUE(second.keeper.restore());
  EXPECT_THAT(second.mesh.habits(), IsEmpty());
}

}  // namespace
}  // namespace faelled::keeping
