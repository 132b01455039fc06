// Models that are for some members alone: who learns of them, and who says so.
#include <gmock/gmock.h>

#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

using testing::HasSubstr;
using testing::Not;

class ModelMembers : public PortalTest {
 protected:
  static constexpr const char* secret = R"({"id":"hemmelig","engine":"openai","members":["aarhus"],"alias":"bedst"})";
  static Task<Answer> put(World& world, std::string definition) {
    co_return co_await world.ask_owner("POST", "/api/catalogue", R"({"definition":)" + definition + "}");
  }
  static Task<std::string> said(World& world, std::string target, std::string cookie) {
    co_return (co_await world.ask("GET", target, {}, std::move(cookie))).body;
  }
};

TEST_F(ModelMembers, AreNamedInTheDefinitionAndAreThere) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.signed_in("aarhus", "Anne");
    const Answer added = co_await put(world, secret);
    EXPECT_EQ(added.status, 201) << added.body;
    EXPECT_THAT(world.catalogue->find("hemmelig")->members, testing::ElementsAre("aarhus"));
    world.mesh.all_residency = {{.model = "hemmelig"}};
    const Answer shown = co_await world.ask_owner("GET", "/api/residency");
    EXPECT_EQ(text_at(shown.body, "models.0.id"), "hemmelig") << shown.body;
    EXPECT_EQ(text_at(shown.body, "models.0.members"), R"(["aarhus"])") << shown.body;
    const Answer nobody = co_await put(world, R"({"id":"x","engine":"openai","members":["aarhus","nobody"]})");
    EXPECT_EQ(nobody.status, 400) << nobody.body;
    EXPECT_EQ(text_at(nobody.body, "error.param"), "definition.members");
    EXPECT_THAT(text_at(nobody.body, "error.message"), HasSubstr("'nobody'"));
    EXPECT_THAT(text_at(nobody.body, "error.message_da"), HasSubstr("'nobody'"));
  });
}

TEST_F(ModelMembers, NoListPageOrErrorTellsOthersOfIt) {
  in_world([](World& world) -> Task<void> {
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const std::string ole = co_await world.signed_in_as("odense", "Ole", "member_admin");
    const std::string per = co_await world.signed_in_as("drift", "Per", "operator");
    EXPECT_EQ((co_await put(world, secret)).status, 201);
    EXPECT_TRUE(world.catalogue->point({.name = "nyest", .model = "hemmelig"}));
    EXPECT_THAT(co_await said(world, "/api/models", anne), HasSubstr("hemmelig"));
    EXPECT_THAT(co_await said(world, "/api/models?search=nyest", anne), HasSubstr("hemmelig"));
    for (const std::string& other : {ole, per})
      for (const std::string query : {"", "?search=hemm", "?search=bedst", "?search=nyest", "?id=hemmelig", "?limit=1"})
        EXPECT_THAT(co_await said(world, "/api/models" + query, other), Not(HasSubstr("hemmelig"))) << query;
    EXPECT_THAT(co_await said(world, "/api/models?beyond_policy=true", ole), Not(HasSubstr("hemmelig")));
    world.mesh.states = {{.model = "hemmelig", .state = rpc::EngineState::ready}};
    for (const std::string query : {"", "?format=text"})
      for (const std::string& visitor : {std::string(), anne, ole})
        EXPECT_THAT(co_await said(world, "/api/status" + query, visitor), Not(HasSubstr("hemmelig")));
    const auto as_unknown = [&](std::string method, std::string target, std::string body) -> Task<void> {
      std::string answers[2];
      for (int known = 0; known < 2; ++known) {
        std::string with = body;
        with.replace(with.find("MODEL"), 5, known != 0 ? "hemmelig" : "findesej");
        const Answer answer = co_await world.ask(method, target, with, ole);
        EXPECT_GE(answer.status, 400) << with;
        answers[known] = text_at(answer.body, "error.message");
        if (const std::size_t at = answers[known].find(known != 0 ? "hemmelig" : "findesej"); at != std::string::npos)
          answers[known].erase(at, 8);
      }
      EXPECT_EQ(answers[0], answers[1]) << target;
    };
    co_await as_unknown("POST", "/api/conversations", R"({"model":"MODEL"})");
    co_await as_unknown("POST", "/api/keys", R"({"name":"k","models":["MODEL"]})");
    co_await as_unknown("PATCH", "/api/members/odense/policy", R"({"models":["MODEL"]})");
  });
}

// A list that named it before it was another's can still be saved, and taken from.
TEST_F(ModelMembers, AListKeepsWhatStoodInIt) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.signed_in("aarhus", "Anne");
    const std::string ole = co_await world.signed_in_as("odense", "Ole", "member_admin");
    EXPECT_EQ((co_await put(world, R"({"id":"hemmelig","engine":"openai"})")).status, 201);
    const std::string narrow = R"({"models":["m","hemmelig"]})";
    EXPECT_EQ((co_await world.ask("PATCH", "/api/members/odense/policy", narrow, ole)).status, 200);
    const Answer made = co_await world.ask("POST", "/api/keys", R"({"name":"k","models":["hemmelig"]})", ole);
    EXPECT_EQ(made.status, 201) << made.body;
    const std::string key = "/api/keys/" + text_at(made.body, "id");
    const Answer kept = co_await world.ask_owner("PUT", "/api/catalogue/hemmelig",
                                                 R"({"definition":)" + std::string(secret) + R"(,"version":1})");
    EXPECT_EQ(kept.status, 200) << kept.body;
    EXPECT_EQ((co_await world.ask("PATCH", "/api/members/odense/policy", narrow, ole)).status, 200);
    EXPECT_EQ((co_await world.ask("PATCH", key, R"({"models":["hemmelig","m"]})", ole)).status, 200);
    EXPECT_THAT(co_await said(world, "/api/models", ole), Not(HasSubstr("hemmelig"))) << "both must allow it";
    EXPECT_EQ((co_await world.ask("PATCH", "/api/members/odense/policy", R"({"models":["m"]})", ole)).status, 200);
    EXPECT_EQ((co_await world.ask("PATCH", "/api/members/odense/policy", narrow, ole)).status, 400);
  });
}

TEST_F(ModelMembers, AnotherMembersAuditorSeesItsUseWithoutItsName) {
  in_world([](World& world) -> Task<void> {
    const std::string rie = co_await world.signed_in_as("odense", "Rie", "auditor");
    const std::string mie = co_await world.signed_in_as("aarhus", "Mie", "auditor");
    EXPECT_EQ((co_await put(world, secret)).status, 201);
    for (int i = 0; i < 2; ++i) {
      ledger::UsageRow row;
      row.request_id = fmt::format("req_{}", i);
      row.member = "aarhus";
      row.caller = row.key = "key_1";
      row.model = "hemmelig";
      row.started_at = world.clock.wall();
      row.outcome = ledger::Outcome::done;
      auto opening = world.journal->opened(row);
      EXPECT_TRUE(opening);
      world.journal->closed(std::move(*opening), row);
    }
    const std::string sums = "/api/usage?scope=all&member=aarhus";
    EXPECT_EQ(text_at(co_await said(world, sums, mie), "usage.0.model"), "hemmelig");
    const std::string told = co_await said(world, sums, rie);
    EXPECT_EQ(text_at(told, "usage.0.model"), "") << told;
    EXPECT_EQ(text_at(told, "usage.0.requests"), "2") << told;
    EXPECT_THAT(co_await said(world, sums + "&format=csv", rie), Not(HasSubstr("hemmelig")));
  });
}

// An operator is a member's too, and its administrators read what their own people did.
TEST_F(ModelMembers, TheAuditOfAnotherMemberNamesItNot) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.signed_in("aarhus", "Anne");
    const std::string ole = co_await world.signed_in_as("odense", "Ole", "member_admin");
    const std::string per = co_await world.signed_in_as("odense", "Per", "operator");
    const auto act = [&](std::string method, std::string target, std::string body) -> Task<void> {
      const Answer done = co_await world.ask(method, target, body, per);
      EXPECT_LT(done.status, 300) << done.body;
    };
    co_await act("POST", "/api/catalogue", R"({"definition":)" + std::string(secret) + "}");
    co_await act("PUT", "/api/aliases/nyest", R"({"model":"hemmelig"})");
    co_await act("POST", "/api/catalogue", R"({"definition":{"id":"delt","engine":"openai"}})");
    const std::string theirs = co_await said(world, "/api/audit", ole);
    EXPECT_THAT(theirs, HasSubstr("model.add"));
    EXPECT_THAT(theirs, HasSubstr("delt"));
    for (const char* name : {"hemmelig", "nyest"}) EXPECT_THAT(theirs, Not(HasSubstr(name)));
    EXPECT_THAT(co_await said(world, "/api/audit", per), HasSubstr("hemmelig"));
    EXPECT_THAT(co_await said(world, "/api/audit?object=delt", ole), HasSubstr("model.add"));
    EXPECT_THAT(co_await said(world, "/api/audit?object=hemmelig", per), HasSubstr("model.add"));
    const std::string none = co_await said(world, "/api/audit?object=ingen", ole);
    EXPECT_EQ(co_await said(world, "/api/audit?object=hemmelig", ole), none);
    co_await act("DELETE", "/api/aliases/nyest", "");
    co_await act("DELETE", "/api/catalogue/hemmelig", "");
    EXPECT_THAT(co_await said(world, "/api/audit", ole), Not(HasSubstr("hemmelig"))) << "nor once it is gone";
    EXPECT_EQ(co_await said(world, "/api/audit?object=hemmelig", ole), none);
  });
}

}  // namespace
}  // namespace faelled::portal
