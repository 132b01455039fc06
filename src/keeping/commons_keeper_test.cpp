#include "keeping/commons_keeper.hpp"

#include <gtest/gtest.h>

#include "base/day.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::keeping {
namespace {

using namespace std::chrono_literals;

// A server from its start on, with what its store has of agreements and balances.
struct ServerRun {
  // `configured`: places; 0: not known.
  explicit ServerRun(const std::filesystem::path& folder, std::uint64_t configured = 0)
      : log(observe::Log::open((folder / "log").string(), observe::Level::debug).value()),
        store(std::move(store::open_sqlite_store(folder / "faelled.db").value()),
              [this](std::function<void()> done) { loop.post(std::move(done)); }),
        directory(store, random),
        keeper(loop, clock, mesh, directory, store, *log, [configured] { return configured; }) {
    EXPECT_TRUE(directory.load({}, clock.wall()));
    EXPECT_TRUE(keeper.restore());
  }

  std::uint32_t limit_of(const std::string& member) {
    const auto share = mesh.share(member);
    return share ? share->places_max : 0;
  }
  void engines(std::uint32_t places) {
    rpc::EngineReport engine;
    engine.engine = "m@n1";
    engine.model = "m";
    engine.state = rpc::EngineState::ready;
    engine.places = places;
    mesh.report({"n1", {engine}, {}});
  }
  void save() {
    net::Loop::Hold hold(loop);
    keeper.save([this] { loop.stop(); });
    loop.run();
  }

  net::Loop loop;
  ManualClock clock;
  SystemRandom random;
  std::unique_ptr<observe::Log> log;
  store::StoreThread store;
  members::Directory directory;
  mesh::Mesh mesh{clock, {{"m"}}};
  CommonsKeeper keeper;
};

class CommonsKeeperTest : public ::testing::Test {
 protected:
  CommonsKeeperTest() {
    const auto store = std::move(store::open_sqlite_store(folder_ / "faelled.db").value());
    const WallTime now = ManualClock().wall();
    for (const auto& [member, places] : {std::pair("aarhus", 8U), std::pair("ribe", 4U)}) {
      EXPECT_TRUE(store->add_member({member, member, now}));
      store::AgreementRow row;
      row.id = std::string("agr_") + member;
      row.member = member;
      row.tier = "stor";
      row.from = std::chrono::floor<std::chrono::days>(now);
      row.places = places;
      row.begins_at = row.made_at = now;
      EXPECT_TRUE(store->add_agreement(row));
    }
  }

  store::TestFolder folder_;
};

TEST_F(CommonsKeeperTest, ScalesLimitsByThePlacesThatAreConfigured) {
  EXPECT_EQ(ServerRun(folder_.path()).limit_of("aarhus"), 8U) << "nobody knows how many there are";
  ServerRun run(folder_.path(), 4);
  EXPECT_EQ(run.limit_of("aarhus"), 4U) << "of eight that were promised";
  EXPECT_EQ(run.limit_of("ribe"), 2U);
}

TEST_F(CommonsKeeperTest, AnEngineThatComesChangesNobodysLimit) {
  ServerRun run(folder_.path(), 16);
  run.engines(1);
  store::Changes news;  // and all are told again
  news.tiers = run.directory.agreements().tiers();
  run.directory.agreements().know(news);
  EXPECT_EQ(run.mesh.with_engines(), std::vector<std::string>{"m"});
  EXPECT_EQ(run.limit_of("aarhus"), 8U);
  EXPECT_EQ(run.limit_of("ribe"), 4U);
}

TEST_F(CommonsKeeperTest, WhatWasLentOutlivesTheServer) {
  {
    const auto store = std::move(store::open_sqlite_store(folder_ / "faelled.db").value());
    ASSERT_TRUE(store->set_setting({std::string(mesh::balances_setting),
                                    mesh::text_of({.capacity_per_s = 1000, .members = {{"ribe", {0, 500, 0}}}}),
                                    {}}));
  }
  {
    ServerRun run(folder_.path());
    EXPECT_EQ(run.mesh.share("ribe")->lent, 500);
    run.mesh.restore(commons::Restore{"ribe", 0, 100, 0});
    run.save();
  }
  EXPECT_EQ(ServerRun(folder_.path()).mesh.share("ribe")->lent, 600);
}

}  // namespace
}  // namespace faelled::keeping
