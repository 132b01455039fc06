#include "keeping/commons_keeper.hpp"

#include <gtest/gtest.h>

#include "base/day.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::keeping {
namespace {

using namespace std::chrono_literals;

// A database that another server writes to, and whose answers get lost.
struct Database final : store::sqlite::SqliteStore {
  explicit Database(const std::filesystem::path& file)
      : SqliteStore(std::move(store::sqlite::Connection::open(file).value())) {}
  Expected<std::optional<store::SettingRow>> find_setting(std::string_view key) override {
    auto found = SqliteStore::find_setting(key);
    if (after_reading) std::exchange(after_reading, nullptr)();
    return found;
  }
  Expected<void> replace_setting(const store::SettingRow& row, const std::optional<std::string>& before) override {
    auto done = SqliteStore::replace_setting(row, before);
    if (loses_its_answer) return fail(Errc::unavailable, "the connection broke");
    return done;
  }
  std::function<void()> after_reading;
  bool loses_its_answer = false;
};

// A server from its start on, with what its store has of agreements and balances.
struct ServerRun {
  // `configured`: places; 0: not known.
  explicit ServerRun(const std::filesystem::path& folder, std::uint64_t configured = 0)
      : log(observe::Log::open((folder / "log").string(), observe::Level::debug).value()),
        database(new Database(folder / "faelled.db")),
        store(std::unique_ptr<store::Store>(database),
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
  Database* database;
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

TEST_F(CommonsKeeperTest, WhatAnotherServerKeptBetweenReadingAndWritingIsAdded) {
  const auto other = std::move(store::open_sqlite_store(folder_ / "faelled.db").value());
  ServerRun run(folder_.path());
  run.mesh.restore(commons::Restore{"ribe", 0, 100, 0});
  run.database->after_reading = [&] {
    EXPECT_TRUE(other->set_setting({std::string(mesh::balances_setting),
                                    mesh::text_of({.capacity_per_s = 1000, .members = {{"ribe", {0, 10, 0}}}}),
                                    {}}));
  };
  run.save();
  EXPECT_EQ(run.mesh.share("ribe")->lent, 110) << "both know of both";
  EXPECT_EQ(ServerRun(folder_.path()).mesh.share("ribe")->lent, 110);
}

// The write is done and its answer is lost: at the next save it is ours, and not another server's.
TEST_F(CommonsKeeperTest, WhatTheStoreTookWithoutSayingSoIsNotCountedTwice) {
  ServerRun run(folder_.path());
  run.mesh.restore(commons::Restore{"ribe", 0, 100, 0});
  run.database->loses_its_answer = true;
  run.save();
  run.database->loses_its_answer = false;
  run.mesh.restore(commons::Restore{"ribe", 0, 10, 0});
  run.save();
  EXPECT_EQ(run.mesh.share("ribe")->lent, 110);
  EXPECT_EQ(ServerRun(folder_.path()).mesh.share("ribe")->lent, 110);
}

}  // namespace
}  // namespace faelled::keeping
