#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class AliasesApi : public PortalTest {
 protected:
  static Task<void> with_two_models(World& world) {
    (void)co_await world.ask_owner("POST", "/api/catalogue", R"({"definition":{"id":"new"}})");
  }
};

const std::string best = "/api/aliases/best";

TEST_F(AliasesApi, ANewNameMeansItsModelAtOnceAndAMoveWaits) {
  in_world([](World& world) -> Task<void> {
    co_await with_two_models(world);
    const Answer made = co_await world.ask_owner("PUT", best, R"({"model":"m","owner":"platform","lane":"batch"})");
    EXPECT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.body,
              R"({"name":"best","version":1,"model":"m","moving_to":null,"previous":null,"owner":"platform",)"
              R"("detail":null,"lane":"batch","listed":true})");
    const Answer moves = co_await world.ask_owner("PUT", best, R"({"model":"new","owner":"platform","version":1})");
    EXPECT_EQ(moves.status, 200) << moves.body;
    EXPECT_EQ(text_at(moves.body, "model"), "m");
    EXPECT_EQ(text_at(moves.body, "moving_to"), "new");
    EXPECT_EQ(text_at(moves.body, "lane"), "batch") << "what is not named stays";
    world.aliases.arrive("best");
    const Answer all = co_await world.ask_owner("GET", "/api/aliases");
    EXPECT_EQ(text_at(all.body, "aliases.0.model"), "new");
    EXPECT_EQ(text_at(all.body, "aliases.0.previous"), "m");
    const Answer audit = co_await world.ask_owner("GET", "/api/audit?action=alias.move");
    EXPECT_EQ(text_at(audit.body, "rows.0.object"), "best") << audit.body;
  });
}

TEST_F(AliasesApi, MovesOnlyWhatWasSeenAndForItsOwner) {
  in_world([](World& world) -> Task<void> {
    co_await with_two_models(world);
    (void)co_await world.ask_owner("PUT", best, R"({"model":"m","owner":"platform"})");
    struct Row {
      std::string body, param;
    };
    for (const Row& row : {Row{R"({"model":"new","owner":"platform"})", "version"},
                           Row{R"({"model":"new","owner":"platform","version":7})", "version"},
                           Row{R"({"model":"new","version":1})", "owner"},
                           Row{R"({"model":"new","owner":"other","version":1})", "owner"}}) {
      const Answer refused = co_await world.ask_owner("PUT", best, row.body);
      EXPECT_EQ(refused.status, 409) << row.body;
      EXPECT_EQ(text_at(refused.body, "error.param"), row.param) << refused.body;
    }
    EXPECT_EQ((co_await world.ask_owner("POST", best + "/rollback", R"({"version":1})")).status, 409);
    EXPECT_EQ(world.catalogue->moving().at("best").version, 1U);
  });
}

TEST_F(AliasesApi, GoesBackToWhatItMeant) {
  in_world([](World& world) -> Task<void> {
    co_await with_two_models(world);
    (void)co_await world.ask_owner("PUT", best, R"({"model":"m"})");
    const Answer never = co_await world.ask_owner("POST", best + "/rollback", R"({"version":1})");
    EXPECT_EQ(never.status, 409);
    EXPECT_EQ(text_at(never.body, "error.message"), "'best' has never meant another model.");
    (void)co_await world.ask_owner("PUT", best, R"({"model":"new","version":1})");
    const Answer called_off = co_await world.ask_owner("POST", best + "/rollback", R"({"version":2})");
    EXPECT_EQ(called_off.status, 200) << called_off.body;
    EXPECT_EQ(text_at(called_off.body, "model"), "m");
    EXPECT_EQ(text_at(called_off.body, "moving_to"), "null");
    (void)co_await world.ask_owner("PUT", best, R"({"model":"new","version":3})");
    world.aliases.arrive("best");
    const Answer back = co_await world.ask_owner("POST", best + "/rollback", R"({"version":4})");
    EXPECT_EQ(text_at(back.body, "moving_to"), "m") << back.body;
  });
}

TEST_F(AliasesApi, RefusesWhatCannotBe) {
  in_world([](World& world) -> Task<void> {
    co_await with_two_models(world);
    struct Row {
      std::string target, body;
      int status;
      std::string param;
    };
    for (const Row& row : {Row{best, "{}", 400, "model"}, Row{best, R"({"model":"nobody"})", 404, "model"},
                           Row{best, R"({"model":"m","lane":"fast"})", 400, "lane"},
                           Row{best, R"({"model":"m","version":1})", 404, "null"},
                           Row{"/api/aliases/a%20b", R"({"model":"m"})", 400, "name"},
                           Row{"/api/aliases/new", R"({"model":"m"})", 409, "name"},
                           Row{best, R"({"model":"m","more":1})", 400, "null"}}) {
      const Answer refused = co_await world.ask_owner("PUT", row.target, row.body);
      EXPECT_EQ(refused.status, row.status) << row.body << refused.body;
      EXPECT_EQ(text_at(refused.body, "error.param"), row.param) << refused.body;
    }
    world.aliases.why_not = "the model 'm' does not fit: it needs 4 GB";
    const Answer misfit = co_await world.ask_owner("PUT", best, R"({"model":"m"})");
    EXPECT_EQ(misfit.status, 409);
    EXPECT_EQ(text_at(misfit.body, "error.message"), world.aliases.why_not);
    EXPECT_TRUE(world.catalogue->moving().empty());
    EXPECT_EQ((co_await world.ask_owner("DELETE", best)).status, 404);
  });
}

TEST_F(AliasesApi, AModelThatANameMeansStays) {
  in_world([](World& world) -> Task<void> {
    co_await with_two_models(world);
    (void)co_await world.ask_owner("PUT", best, R"({"model":"new"})");
    const Answer refused = co_await world.ask_owner("DELETE", "/api/catalogue/new");
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(text_at(refused.body, "error.message"), "The alias 'best' means this model; move it first.");
    EXPECT_EQ((co_await world.ask_owner("DELETE", best)).status, 204);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/new")).status, 204);
    const Answer again = co_await world.ask_owner("PUT", best, R"({"model":"m"})");
    EXPECT_EQ(text_at(again.body, "version"), "3") << "it counts on";
  });
}

// It is to mean a model that this server lacks: what it means here is not the newest, and can be moved all the same.
TEST_F(AliasesApi, CountsOnFromWhatAnotherServerMadeOfIt) {
  in_world([](World& world) -> Task<void> {
    co_await with_two_models(world);
    (void)co_await world.ask_owner("PUT", best, R"({"model":"m"})");
    world.aliases.last["best"] = 5;
    world.aliases.left = {{"best", {"gone", "no model is called 'gone'", "ingen model hedder 'gone'"}}};
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/aliases")).body, "aliases.0.version"), "5");
    const Answer old = co_await world.ask_owner("PUT", best, R"({"model":"new","version":1})");
    EXPECT_EQ(old.status, 409);
    EXPECT_TRUE(old.body.contains("it has version 5 now")) << old.body;
    const Answer moved = co_await world.ask_owner("PUT", best, R"({"model":"new","version":5})");
    EXPECT_EQ(text_at(moved.body, "version"), "6") << moved.body;
    world.aliases.last["best"] = 8;
    EXPECT_EQ((co_await world.ask_owner("DELETE", best)).status, 204);
    const Answer again = co_await world.ask_owner("PUT", best, R"({"model":"m"})");
    EXPECT_EQ(text_at(again.body, "version"), "10") << "the removal was 9";
  });
}

TEST_F(AliasesApi, TellsWhatAStartLeftOutUntilItIsMendedOrRemoved) {
  in_world([](World& world) -> Task<void> {
    co_await with_two_models(world);
    const gateway::MovingAlias stored{
        .name = "best", .model = "gone", .owner = "platform", .lane = rpc::Lane::batch, .listed = false, .version = 4};
    world.aliases.left = {{"best", {"gone", "no model is called 'gone'", "ingen model hedder 'gone'", stored}},
                          {"torn", {{}, "unreadable", "ulæselig"}}};
    world.aliases.last = {{"best", 4}, {"torn", 0}};
    const Answer all = co_await world.ask_owner("GET", "/api/aliases");
    EXPECT_EQ(
        text_at(all.body, "left_out.0"),
        R"({"name":"best","model":"gone","why":"no model is called 'gone'","why_da":"ingen model hedder 'gone'"})");
    EXPECT_EQ(text_at(all.body, "left_out.1.model"), "null") << all.body;
    EXPECT_EQ((co_await world.ask_owner("PUT", best, R"({"model":"m"})")).status, 409) << "it is the platform's";
    const Answer mended = co_await world.ask_owner("PUT", best, R"({"model":"m","owner":"platform"})");
    EXPECT_EQ(text_at(mended.body, "version"), "5") << mended.body;
    const gateway::MovingAlias now = world.catalogue->moving().at("best");
    EXPECT_EQ(now.lane, rpc::Lane::batch);
    EXPECT_FALSE(now.listed);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/aliases/torn")).status, 204);
    EXPECT_TRUE(world.aliases.left.empty());
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/aliases/torn")).status, 404);
  });
}

}  // namespace
}  // namespace faelled::portal
