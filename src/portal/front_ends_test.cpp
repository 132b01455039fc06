#include "front_ends/token_testing.hpp"
#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class FrontEndsApi : public PortalTest {};

TEST_F(FrontEndsApi, TellsTheOperatorWhatComesOfATokenAndChangesNothing) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/members", R"({"id":"aarhus","name":"Aarhus"})");
    front_ends::FrontEnd one;
    one.name = "open-webui";
    one.key_member = "os2";
    one.key_name = "shared";
    one.token.secrets = {front_ends::test_secret};
    one.members =
        front_ends::MemberMap({{front_ends::MemberRule::By::email_domain, {}, "aarhus.example", "aarhus"}}, {});
    front_ends::FrontEnds all({one}, *world.directory);
    world.use(all);
    const Answer listed = co_await world.ask_owner("GET", "/api/front-ends");
    EXPECT_EQ(text_at(listed.body, "front_ends.0.key.name"), "shared");
    EXPECT_EQ(text_at(listed.body, "front_ends.0.members.0"), "aarhus");
    EXPECT_FALSE(listed.body.contains(front_ends::test_secret));
    const std::string token = front_ends::token_at(world.clock.wall()).text();
    const Answer tried =
        co_await world.ask_owner("POST", "/api/front-ends/test", fmt::format(R"({{"token":"{}"}})", token));
    EXPECT_EQ(tried.status, 200);
    EXPECT_EQ(text_at(tried.body, "believed"), "true");
    EXPECT_EQ(text_at(tried.body, "person.email"), "ida@aarhus.example");
    EXPECT_EQ(text_at(tried.body, "member"), "aarhus");
    EXPECT_EQ(text_at(tried.body, "user_known"), "false");
    EXPECT_TRUE(text_at(tried.body, "user").starts_with("usr_"));
    EXPECT_TRUE(world.directory->users("aarhus").empty());
    const Answer nonsense = co_await world.ask_owner("POST", "/api/front-ends/test", R"({"token":"x"})");
    EXPECT_EQ(text_at(nonsense.body, "believed"), "false");
    EXPECT_EQ(text_at(nonsense.body, "person"), "null");
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/front-ends/test", R"({"token":"x","front_end":"y"})")).status,
              404);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/front-ends/test", "{}")).status, 400);
  });
}

TEST_F(FrontEndsApi, SaysThatThereIsNone) {
  in_world([](World& world) -> Task<void> {
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/front-ends")).body, "front_ends"), "[]");
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/front-ends/test", R"({"token":"x"})")).status, 404);
  });
}

}  // namespace
}  // namespace faelled::portal
