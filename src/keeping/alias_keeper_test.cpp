#include "keeping/alias_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "net/loop.hpp"
#include "store/loop_testing.hpp"

namespace faelled::keeping {
namespace {

using gateway::MovingAlias;
using rpc::EngineState;
using testing::ElementsAre;

// Two models of 60 bytes in a memory of 100 or 200, and what was ordered.
class AliasKeeperTest : public testing::Test, public rpc::ResidencyPort {
 protected:
  AliasKeeperTest() {
    std::vector<gateway::CatalogueModel> models(2);
    models[0].settings.id = "old";
    models[1].settings.id = "new";
    models[1].adapters = {{"new:law", "law", {}}, {"new:tax", "tax", {}}};
    catalogue.emplace(std::move(models), WallTime{});
    log = observe::Log::open((folder / "log").string(), observe::Level::debug).value();
    keeper.emplace(loop, *catalogue, *this, *log,
                   [this](const std::string& name, std::uint64_t, const std::string& value) { kept[name] = value; });
    states["old"] = EngineState::ready;
  }

  void scale(const std::string& model, std::uint32_t engines) override { scaled.emplace_back(model, engines); }
  std::vector<rpc::DeviceResidency> devices() const override { return {{.device = "host", .bytes = bytes}}; }
  std::vector<std::string> in_use() const override { return {"new", "old", "pinned"}; }
  std::optional<rpc::ModelResidency> residency(std::string_view model) const override {
    const auto state = states.find(model);
    if (state == states.end()) return std::nullopt;
    rpc::ModelResidency one;
    one.model = model;
    one.bytes = 60;
    one.fits = bytes >= 60;
    one.state = state->second;
    one.device = "host";
    one.cause = cause;
    one.detail = one.state == EngineState::failed ? "its file is cut off" : detail;
    one.scales = (scales && model == "new") || (model == on_order && one.state != EngineState::ready);
    one.pinned = model == "pinned";
    one.in_state = in_state;
    if (one.pinned || one.state == EngineState::ready) one.taken = one.pinned ? 20 : 60;
    if (one.state == EngineState::ready) one.adapters = adapters;
    const auto further = copies.find(model);
    if (further != copies.end()) one.copies.resize(further->second, {.state = EngineState::ready});
    return one;
  }
  std::vector<rpc::ResidencyEvent> residency_events(std::uint64_t, std::size_t) const override { return {}; }
  std::optional<Duration> promise() const override { return std::nullopt; }
  std::optional<rpc::ModelledEnergy> energy() const override { return std::nullopt; }
  Expected<void> order(const std::string& model, rpc::ResidencyAct act) override {
    if (!may_order) return fail(Errc::invalid, "not now");
    on_order = act == rpc::ResidencyAct::load ? model : "";
    (on_order.empty() ? unloaded : ordered).push_back(model);
    return {};
  }

  // The order is over: it was there, or failed.
  void becomes(EngineState state, rpc::ResidencyCause why = rpc::ResidencyCause::none) {
    on_order.clear();
    states["new"] = state;
    cause = why;
  }

  // Turns the loop until the name means that model.
  void run_until(const std::string& model) {
    net::Loop::Hold hold(loop);
    net::Timer look(loop, [&] {
      if (means() == model) return loop.stop();
      look.arm(std::chrono::milliseconds(1));
    });
    look.arm({});
    loop.run();
  }
  // So many looks at what became of the models.
  void turn(int times) {
    net::Loop::Hold hold(loop);
    net::Timer end(loop, [&] { loop.stop(); });
    end.arm(times * std::chrono::milliseconds(200));
    loop.run();
  }
  std::string means() const { return catalogue->moving().at("best").model; }
  const MovingAlias& best() const { return catalogue->moving().at("best"); }

  store::TestFolder folder;
  net::Loop loop;
  std::unique_ptr<observe::Log> log;
  std::optional<gateway::Catalogue> catalogue;
  std::optional<AliasKeeper> keeper;
  std::map<std::string, EngineState, std::less<>> states{{"old", EngineState::ready}, {"new", EngineState::absent}};
  std::uint64_t bytes = 200;
  bool may_order = true;
  rpc::ResidencyCause cause = rpc::ResidencyCause::none;
  std::vector<std::string> ordered, unloaded;
  std::string on_order;  // it comes, or will
  std::string detail;    // why it failed, where it is no more
  Duration in_state{};
  std::map<std::string, std::size_t, std::less<>> copies;  // ready ones
  bool scales = false;                                     // further engines of the new model come
  std::vector<std::string> adapters;                       // that engines have
  std::vector<std::pair<std::string, std::uint32_t>> scaled;
  std::map<std::string, std::string> kept;
};

TEST_F(AliasKeeperTest, MovesWhenTheNewModelIsReadyAndNotBefore) {
  keeper->move({.name = "best", .model = "old", .version = 1});
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  EXPECT_THAT(ordered, ElementsAre("new"));
  EXPECT_EQ(means(), "old");
  states["new"] = EngineState::ready;
  run_until("new");
  EXPECT_EQ(best().previous, "old");
  EXPECT_EQ(best().moving_to, "");
  EXPECT_EQ(kept.at("best"), portal::stored_alias(best())) << "a restart does not move it again";
}

TEST_F(AliasKeeperTest, MovesWhenTheNewModelHasAsManyEnginesAsTheFormer) {
  copies["old"] = 2;
  states["new"] = EngineState::ready;
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  EXPECT_THAT(scaled, ElementsAre(std::pair("new", 3U)));
  scales = true;
  turn(3);
  EXPECT_EQ(means(), "old");
  copies["old"] = 3;  // the former grew meanwhile
  copies["new"] = 2;
  scales = false;
  turn(2);
  EXPECT_THAT(scaled, ElementsAre(std::pair("new", 3U), std::pair("new", 4U)));
  copies["new"] = 3;
  run_until("new");
}

TEST_F(AliasKeeperTest, MovesToAnAdapterWhenTheEngineHasIt) {
  keeper->move({.name = "best", .model = "old", .moving_to = "new:law", .version = 2});
  EXPECT_THAT(ordered, ElementsAre("new"));
  states["new"] = EngineState::ready;
  adapters = {"tax"};
  turn(3);
  EXPECT_EQ(means(), "old");
  EXPECT_EQ(best().detail, "the engine of 'new' does not have it");
  adapters = {"tax", "law"};
  run_until("new:law");
  EXPECT_EQ(catalogue->asked("best").id(), "new:law");
  bytes = 60;  // no room for two: of one model both are there
  keeper->move({.name = "best", .model = "new:law", .moving_to = "new:tax", .version = 3});
  EXPECT_EQ(means(), "new:tax");
  EXPECT_EQ(best().previous, "new:law");
  EXPECT_THAT(ordered, ElementsAre("new"));
}

TEST_F(AliasKeeperTest, MovesWithAsManyEnginesAsThereIsRoomFor) {
  copies["old"] = 2;
  states["new"] = EngineState::ready;
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  copies["new"] = 1;  // and the planner gave the third one up
  run_until("new");
  EXPECT_THAT(scaled, ElementsAre(std::pair("new", 3U)));
}

TEST_F(AliasKeeperTest, StaysWhereItIsWhileTheNewModelFailsAndSaysWhy) {
  states["new"] = EngineState::failed;
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  EXPECT_EQ(means(), "old");
  EXPECT_EQ(best().detail, "its file is cut off");
  keeper->move({.name = "best", .model = "old", .version = 3});  // called off
  states["new"] = EngineState::ready;
  turn(2);
  EXPECT_EQ(means(), "old");
}

TEST_F(AliasKeeperTest, MovesAtOnceWhenTheNewModelCameAndHadToGoForOthers) {
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  cause = rpc::ResidencyCause::makes_room;  // still, of the last time that it went
  turn(2);
  EXPECT_EQ(means(), "old");
  becomes(EngineState::absent, rpc::ResidencyCause::makes_room);  // it was ready between two looks
  run_until("new");
  EXPECT_EQ(best().previous, "old");
  EXPECT_THAT(ordered, ElementsAre("new")) << "once";
}

TEST_F(AliasKeeperTest, LeavesOneThatBrokeAndHadToGoAloneForAWhile) {
  for (const auto why : {rpc::ResidencyCause::makes_room, rpc::ResidencyCause::broken}) {
    ordered.clear();
    becomes(EngineState::absent);
    keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
    becomes(EngineState::absent, why);
    detail = why == rpc::ResidencyCause::broken ? "" : "its file is cut off";
    in_state = std::chrono::seconds(1);
    turn(3);
    EXPECT_THAT(ordered, ElementsAre("new"));
    EXPECT_EQ(means(), "old");
    EXPECT_EQ(best().detail, detail.empty() ? "the engine of 'new' has ended by itself" : detail);
    in_state = std::chrono::minutes(5);
    turn(2);
    EXPECT_THAT(ordered, ElementsAre("new", "new"));
    becomes(EngineState::absent, why);
    in_state = std::chrono::seconds(1);
    detail = "its file is cut off";
    turn(2);
    detail = "";  // it was changed
    cause = rpc::ResidencyCause::makes_room;
    turn(2);
    EXPECT_THAT(ordered, ElementsAre("new", "new", "new"));
    EXPECT_EQ(means(), "old");
  }
}

TEST_F(AliasKeeperTest, MovesAtOnceWhereMemoryDoesNotHoldBothBesideWhatIsPinned) {
  states["pinned"] = EngineState::ready;
  bytes = 139;
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  EXPECT_EQ(means(), "new");
  EXPECT_THAT(ordered, testing::IsEmpty());
  bytes = 140;
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 3});
  EXPECT_EQ(means(), "old");
}

TEST_F(AliasKeeperTest, WhatAMoveThatIsOverOrderedDoesNotComeAnyMore) {
  const auto moves = [&](const std::string& name) {
    keeper->move({.name = name, .model = "old", .moving_to = "new", .version = 2});
  };
  moves("best");
  keeper->move({.name = "best", .model = "old", .version = 3});  // called off
  EXPECT_THAT(unloaded, ElementsAre("new"));
  moves("best");
  keeper->remove("best");
  EXPECT_THAT(unloaded, ElementsAre("new", "new"));
  moves("best");
  moves("best");
  moves("other");
  keeper->remove("other");
  EXPECT_THAT(unloaded, ElementsAre("new", "new")) << "it is still to come";
  becomes(EngineState::ready);
  keeper->remove("best");
  EXPECT_THAT(unloaded, ElementsAre("new", "new")) << "it is there: it goes like any";
}

TEST_F(AliasKeeperTest, MovesAtOnceWhereMemoryDoesNotHoldBoth) {
  bytes = 100;
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  EXPECT_EQ(means(), "new");
  EXPECT_EQ(best().previous, "old");
  bytes = 50;
  const auto may = keeper->may_move({.name = "best", .model = "new", .moving_to = "old", .version = 3});
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, Errc::invalid);
}

// Whatever it was when the name was moved, and whatever becomes of it before it is ready.
TEST_F(AliasKeeperTest, OrdersTheNewModelWhereverItIsAndAgainWhenItHasGone) {
  for (const EngineState state :
       {EngineState::absent, EngineState::asleep, EngineState::draining, EngineState::starting, EngineState::waking}) {
    ordered.clear();
    states["new"] = state;
    keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
    EXPECT_THAT(ordered, ElementsAre("new")) << "in state " << static_cast<int>(state);
    turn(5);
    EXPECT_THAT(ordered, ElementsAre("new")) << "once";
  }
  for (const EngineState gone : {EngineState::absent, EngineState::asleep}) {
    ordered.clear();
    becomes(gone, rpc::ResidencyCause::ordered);  // somebody had it go
    turn(5);
    EXPECT_THAT(ordered, ElementsAre("new"));
  }
  ordered.clear();
  cause = rpc::ResidencyCause::broken;
  turn(5);
  EXPECT_THAT(ordered, testing::IsEmpty()) << "the planner tries it again, later and later";
  becomes(EngineState::ready);
  run_until("new");
}

TEST_F(AliasKeeperTest, OrdersTheNewModelOnceItMayBeOrdered) {
  may_order = false;
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  EXPECT_EQ(best().detail, "not now");
  turn(5);
  EXPECT_EQ(best().detail, "not now");
  may_order = true;
  turn(5);
  EXPECT_THAT(ordered, ElementsAre("new"));
  EXPECT_EQ(best().detail, "");
}

TEST_F(AliasKeeperTest, ComesBackAsItWasKept) {
  states["new"] = EngineState::starting;
  const MovingAlias moving{.name = "best",
                           .model = "old",
                           .moving_to = "new",
                           .previous = "older",
                           .owner = "platform",
                           .lane = rpc::Lane::batch,
                           .listed = false,
                           .version = 5};
  keeper->restore({{"best", 5, portal::stored_alias(moving), {}},
                   {"gone", 3, portal::removed_alias(3), {}},
                   {"broken", 0, "{", {}},
                   {"lost", 1, portal::stored_alias({.name = "lost", .model = "nobody", .version = 1}), {}}});
  EXPECT_EQ(best(), moving);
  EXPECT_EQ(catalogue->moving().size(), 1U);
  EXPECT_EQ(keeper->last_version("gone"), 3U);
  ASSERT_EQ(keeper->left_out().size(), 2U);
  EXPECT_EQ(keeper->left_out().at("lost").model, "nobody");
  EXPECT_EQ(keeper->left_out().at("lost").why_da, "Der er ingen model, der hedder 'nobody'.");
  EXPECT_EQ(keeper->left_out().at("broken").model, "");
  EXPECT_NE(keeper->left_out().at("broken").why_da, "");
  keeper->remove("lost");
  EXPECT_EQ(keeper->last_version("lost"), 2U);
  EXPECT_FALSE(keeper->left_out().contains("lost"));
  EXPECT_THAT(ordered, testing::IsEmpty()) << "memories are known once the loop runs";
  states["new"] = EngineState::ready;
  run_until("new");
}

TEST_F(AliasKeeperTest, HearsWhereAnotherServerMovedIt) {
  const auto row = [](const MovingAlias& alias) {
    return store::NamedRow{alias.name, alias.version, portal::stored_alias(alias), {}};
  };
  keeper->hear({row({.name = "best", .model = "old", .version = 1})});
  EXPECT_EQ(means(), "old");
  keeper->hear({row({.name = "best", .model = "old", .moving_to = "new", .version = 2})});
  EXPECT_THAT(ordered, ElementsAre("new")) << "each server has memory of its own";
  states["new"] = EngineState::ready;
  run_until("new");
  keeper->hear({row({.name = "best", .model = "old", .version = 2})});
  EXPECT_EQ(means(), "new") << "that is no news";
  keeper->hear({{"best", 3, portal::removed_alias(3), {}}});
  EXPECT_TRUE(catalogue->moving().empty());
  EXPECT_EQ(keeper->last_version("best"), 3U);
}

TEST_F(AliasKeeperTest, HearsOfANameBeforeTheModelThatItIsToMean) {
  const auto hear = [&](const MovingAlias& alias) {
    keeper->hear({{alias.name, alias.version, portal::stored_alias(alias), {}}});
  };
  const auto add = [&](const std::string& id) {
    gateway::CatalogueModel model;
    model.settings.id = id;
    ASSERT_TRUE(catalogue->put(std::move(model)));
    states[id] = EngineState::absent;
  };
  hear({.name = "best", .model = "old", .version = 1});
  hear({.name = "best", .model = "old", .moving_to = "later", .version = 2});
  hear({.name = "fresh", .model = "latest", .version = 1});
  EXPECT_EQ(means(), "old") << "meanwhile";
  EXPECT_EQ(best().moving_to, "");
  EXPECT_EQ(keeper->left_out().at("best").why_da, "Der er ingen model, der hedder 'later'.");
  EXPECT_EQ(keeper->left_out().at("fresh").model, "latest");
  EXPECT_FALSE(catalogue->moving().contains("fresh"));
  add("later");
  keeper->hear({});
  EXPECT_EQ(best().moving_to, "later");
  EXPECT_THAT(ordered, ElementsAre("later"));
  EXPECT_FALSE(keeper->left_out().contains("best"));
  add("latest");
  turn(2);
  EXPECT_EQ(catalogue->moving().at("fresh").model, "latest") << "without a word from anybody";
  EXPECT_THAT(keeper->left_out(), testing::IsEmpty());
}

TEST_F(AliasKeeperTest, AModelThatGoesWhileItIsWaitedForEndsTheMove) {
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  states.erase("new");
  turn(2);
  EXPECT_EQ(best().moving_to, "");
  EXPECT_EQ(best().detail, "there is no model or adapter 'new' any more");
  EXPECT_EQ(means(), "old");
}

TEST_F(AliasKeeperTest, AModelThatAnotherServerRemovesOnceItHasMovedOnThereEndsTheMoveAtTheNewOne) {
  keeper->move({.name = "best", .model = "old", .moving_to = "new", .version = 2});
  ASSERT_EQ(means(), "old");
  catalogue->remove("old");
  states.erase("old");
  turn(2);
  EXPECT_EQ(best().moving_to, "");
  EXPECT_EQ(means(), "new") << "who asks waits in its line";
}

TEST(FitTogether, CountsEachMemoryOnceAndKindsApart) {
  rpc::ModelResidency one, other;
  one.bytes = other.bytes = 60;
  const auto memory = [](std::uint64_t bytes, rpc::DeviceKind kind = rpc::DeviceKind::host) {
    return rpc::DeviceResidency{.bytes = bytes, .kind = kind};
  };
  EXPECT_FALSE(fit_together(one, other, {memory(100)}));
  EXPECT_TRUE(fit_together(one, other, {memory(120)}));
  EXPECT_TRUE(fit_together(one, other, {memory(60), memory(60)}));
  EXPECT_FALSE(fit_together(one, other, {memory(60), memory(60, rpc::DeviceKind::gpu)}));
  other.kind = rpc::DeviceKind::gpu;
  EXPECT_TRUE(fit_together(one, other, {memory(60), memory(60, rpc::DeviceKind::gpu)}));
  one.kind = rpc::DeviceKind::gpu;
  rpc::DeviceResidency group = memory(120, rpc::DeviceKind::gpu);
  group.cards = 2;
  EXPECT_FALSE(fit_together(one, other, {group}));
  one.spreads = other.spreads = true;
  EXPECT_TRUE(fit_together(one, other, {group}));
  other.bytes = 0;  // it runs elsewhere
  EXPECT_TRUE(fit_together(one, other, {}));
}

}  // namespace
}  // namespace faelled::keeping
