#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class WhatIf : public PortalTest {};

TEST_F(WhatIf, PlaysRecordedDemandWithMoreOfIt) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, "Hej?", "Ja.");
    world.clock.advance(1s);
    const Answer nothing = co_await world.ask_owner("POST", "/api/what-if", R"({"member":"aarhus"})");
    EXPECT_EQ(nothing.status, 200) << nothing.body;
    EXPECT_EQ(text_at(nothing.body, "rows"), "1");
    EXPECT_EQ(text_at(nothing.body, "users"), "1");
    EXPECT_EQ(text_at(nothing.body, "models.0.model"), "m");
    EXPECT_EQ(text_at(nothing.body, "members.0.before.requests"), "1");
    EXPECT_EQ(text_at(nothing.body, "members.0.after.requests"), "1");
    const Answer more = co_await world.ask_owner("POST", "/api/what-if",
                                                 R"({"member":"aarhus","users_more":200,"factor":2,"hours":1})");
    EXPECT_EQ(more.status, 200) << more.body;
    EXPECT_EQ(text_at(more.body, "members.0.member"), "aarhus");
    EXPECT_EQ(text_at(more.body, "members.0.after.requests"), "202");
    EXPECT_FALSE(more.body.contains("Hej")) << "nothing of what was asked";
  });
}

TEST_F(WhatIf, AnAdapterIsAnsweredByTheEngineOfItsBase) {
  in_world([](World& world) -> Task<void> {
    gateway::CatalogueModel model = *world.catalogue->find("m");
    model.adapters = {{.id = "m:law", .name = "law"}};
    EXPECT_TRUE(world.catalogue->put(std::move(model)));
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, "Hej?", "Ja.");
    (void)co_await world.answered_to(cookie, of, R"({"content":"Og loven?","model":"m:law"})", "Også.");
    world.clock.advance(1s);
    const Answer played = co_await world.ask_owner("POST", "/api/what-if", R"({"member":"aarhus"})");
    EXPECT_EQ(text_at(played.body, "rows"), "2") << played.body;
    EXPECT_EQ(text_at(played.body, "models.0.model"), "m");
    EXPECT_EQ(text_at(played.body, "models.1"), "");
  });
}

TEST_F(WhatIf, RefusesWhatItCannotWorkOut) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    EXPECT_EQ((co_await world.ask("POST", "/api/what-if", R"({"member":"aarhus"})", cookie)).status, 403);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/what-if", R"({"member":"none"})")).status, 404);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/what-if", "{}")).status, 400);
    for (const std::string more : {R"("factor":-1)", R"("factor":1e9)", R"("users_more":-1)", R"("users_more":10001)",
                                   R"("hours":0)", R"("hours":25)", R"("hour":1)"})
      EXPECT_EQ((co_await world.ask_owner("POST", "/api/what-if", R"({"member":"aarhus",)" + more + "}")).status, 400)
          << more;
    const Answer empty = co_await world.ask_owner("POST", "/api/what-if", R"({"member":"aarhus","users_more":9})");
    EXPECT_EQ(empty.status, 200) << empty.body;
    EXPECT_EQ(text_at(empty.body, "members"), "[]") << "nothing was recorded";
    const std::string of = co_await world.conversation(cookie);
    for (int asked = 0; asked < 7; ++asked) (void)co_await world.answered(cookie, of, "Hej?", "Ja.");
    world.clock.advance(1s);
    const Answer much = co_await world.ask_owner("POST", "/api/what-if", R"({"member":"aarhus","users_more":10000})");
    EXPECT_EQ(much.status, 409) << much.body.substr(0, 300);
  });
}

}  // namespace
}  // namespace faelled::portal
