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
    co_await world.use(all);
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

TEST_F(FrontEndsApi, AKeyThatAFrontEndIsKnownByKeepsItsName) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/members", R"({"id":"os2","name":"OS2"})");
    front_ends::FrontEnd one;
    one.name = "open-webui";
    one.key_member = "os2";
    one.key_name = "shared";
    front_ends::FrontEnds all({one}, *world.directory);
    co_await world.use(all);
    const auto made = [&](std::string name) -> Task<std::string> {
      const std::string body = fmt::format(R"({{"member":"os2","name":"{}"}})", name);
      co_return "/api/keys/" + text_at((co_await world.ask_owner("POST", "/api/keys", body)).body, "id");
    };
    const std::string shared = co_await made("shared"), other = co_await made("other");
    const Answer refused = co_await world.ask_owner("PATCH", shared, R"({"name":"renamed"})");
    EXPECT_EQ(refused.status, 409) << "all people behind it would count as one";
    EXPECT_EQ(text_at(refused.body, "error.param"), "name");
    EXPECT_TRUE(text_at(refused.body, "error.message_da").contains("Frontenden 'open-webui'"));
    EXPECT_EQ((co_await world.ask_owner("PATCH", shared, R"({"name":"shared","show_waiting":"da"})")).status, 200);
    EXPECT_EQ((co_await world.ask_owner("PATCH", other, R"({"name":"renamed"})")).status, 200);
    const std::string ole = co_await world.signed_in("odense", "Ole");
    EXPECT_EQ((co_await world.ask("PATCH", shared, R"({"name":"renamed"})", ole)).status, 404) << "of another member";
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
