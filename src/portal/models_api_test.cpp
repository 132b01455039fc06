#include <fmt/format.h>
#include <gmock/gmock.h>

#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

gateway::CatalogueModel added(const std::string& id, std::vector<gateway::CatalogueAdapter> adapters = {}) {
  gateway::CatalogueModel model;
  model.settings.id = id;
  model.settings.kind = engines::EngineKind::openai;
  model.adapters = std::move(adapters);
  model.version = 1;
  return model;
}

class ModelsApi : public PortalTest {
 protected:
  // A model of everybody's with an adapter of aarhus alone and another one.
  static void add_law(World& world) {
    gateway::CatalogueModel law = added("law", {{"law:byg", "byg", {"aarhus"}, {{"huse"}}}, {"law:dom", "dom", {}}});
    law.aliases = {{"ret"}};
    EXPECT_TRUE(world.catalogue->put(law));
    EXPECT_TRUE(world.catalogue->point({.name = "nyest", .model = "law:byg"}));
    EXPECT_TRUE(world.catalogue->point({.name = "best", .model = "law"}));
  }
  static std::vector<std::string> ids_of(const std::string& body) {
    json::Document document;
    std::vector<std::string> ids;
    const auto models = document.parse(body)->find("models");
    EXPECT_TRUE(models) << body;
    for (const json::Value model : models->items()) ids.push_back(*model.find("id")->text());
    return ids;
  }
  static Task<std::vector<std::string>> ids(World& world, std::string query, std::string cookie) {
    co_return ids_of((co_await world.ask("GET", "/api/models?" + query, {}, std::move(cookie))).body);
  }
};

TEST_F(ModelsApi, NothingIsFoundByWhatIsKeptFromWhoeverSearches) {
  in_world([](World& world) -> Task<void> {
    add_law(world);
    const std::string aarhus = co_await world.signed_in("aarhus", "Anne");
    const std::string odense = co_await world.signed_in("odense", "Ole");
    for (const std::string part : {"law:b", "HUSE", "nyest"}) {
      EXPECT_THAT(co_await ids(world, "search=" + part, odense), IsEmpty()) << part;
      EXPECT_THAT(co_await ids(world, "search=" + part, aarhus), ElementsAre("law", "law:byg", "law:dom")) << part;
    }
    for (const std::string part : {"law:d", "ret", "BEST", "aw"})
      EXPECT_THAT(co_await ids(world, "search=" + part, odense), ElementsAre("law", "law:dom")) << part;
    // Where the policy has an adapter alone, its base's other names are kept from everybody too.
    (void)co_await world.ask_owner("PATCH", "/api/members/odense/policy", R"({"models":["law:dom"]})");
    for (const std::string part : {"ret", "best"})
      EXPECT_THAT(co_await ids(world, "search=" + part, odense), IsEmpty());
    EXPECT_THAT(co_await ids(world, "search=law", odense), ElementsAre("law:dom"));
    for (const std::string list : {"/api/catalogue", "/api/residency", "/api/residency?state=in_use"}) {
      world.mesh.all_residency = {{.model = "law"}};
      for (const std::string part : {"law:b", "huse", "nyest", "best"}) {
        const std::string target = list + (list.contains('?') ? "&" : "?") + "search=" + part;
        EXPECT_THAT(ids_of((co_await world.ask_owner("GET", target)).body), ElementsAre("law")) << target;
      }
    }
  });
}

TEST_F(ModelsApi, OneIsShownByItsIdToWhoeverMayUseIt) {
  in_world([](World& world) -> Task<void> {
    add_law(world);
    EXPECT_TRUE(world.catalogue->put(added("lawyer")));
    const std::string aarhus = co_await world.signed_in("aarhus", "Anne");
    const std::string odense = co_await world.signed_in("odense", "Ole");
    EXPECT_THAT(co_await ids(world, "id=law", odense), ElementsAre("law"));
    EXPECT_THAT(co_await ids(world, "id=law:byg", aarhus), ElementsAre("law:byg"));
    EXPECT_THAT(co_await ids(world, "id=law&after=m&search=zebra&limit=1", aarhus), ElementsAre("law"));
    for (const std::string id : {"law:byg", "ret", "best", "LAW", "la", "nobody"}) {
      const Answer none = co_await world.ask("GET", "/api/models?id=" + id, {}, odense);
      EXPECT_EQ(none.body, R"({"models":[],"next":null})") << id;
    }
    (void)co_await world.ask_owner("PATCH", "/api/members/odense/policy", R"({"models":["law:dom"]})");
    EXPECT_THAT(co_await ids(world, "id=law", odense), IsEmpty());
    EXPECT_THAT(co_await ids(world, "id=law:dom", odense), ElementsAre("law:dom"));
  });
}

TEST_F(ModelsApi, SeveralAreShownByTheirIdsAsTheyAreAskedForEachOnce) {
  in_world([](World& world) -> Task<void> {
    add_law(world);
    gateway::CatalogueModel vectors = added("bge");
    vectors.settings.embeddings = true;
    EXPECT_TRUE(world.catalogue->put(vectors));
    const std::string aarhus = co_await world.signed_in("aarhus", "Anne");
    const std::string odense = co_await world.signed_in("odense", "Ole");
    const std::string asked = "id=m&id=law:byg&id=nobody&id=law%3Adom&id=&id=best&id=bge&id=m&id=law";
    EXPECT_THAT(co_await ids(world, asked, aarhus), ElementsAre("m", "law:byg", "law:dom", "bge", "law"));
    EXPECT_THAT(co_await ids(world, asked, odense), ElementsAre("m", "law:dom", "bge", "law"));
    EXPECT_THAT(co_await ids(world, "serves=chat&limit=1&" + asked, odense), ElementsAre("m", "law:dom", "law"));
    EXPECT_THAT(co_await ids(world, "id=nobody&id=best", odense), IsEmpty());
    EXPECT_THAT(co_await ids(world, "id=&id=", odense), ElementsAre("m", "bge", "law", "law:dom"));
    std::string many = "id=law";
    for (int more = 1; more < 100; ++more) many += "&id=x" + std::to_string(more);
    EXPECT_THAT(co_await ids(world, many, odense), ElementsAre("law"));
    const Answer wrong = co_await world.ask("GET", "/api/models?" + many + "&id=law", {}, odense);
    EXPECT_EQ(wrong.status, 400) << wrong.body;
    EXPECT_EQ(text_at(wrong.body, "error.code"), "invalid_value");
    EXPECT_EQ(text_at(wrong.body, "error.param"), "id");
    const Answer long_one = co_await world.ask("GET", "/api/models?id=law&id=" + std::string(201, 'x'), {}, odense);
    EXPECT_EQ(long_one.status, 400) << long_one.body;
  });
}

TEST_F(ModelsApi, ThoseAloneThatServeWhatIsAskedFor) {
  in_world([](World& world) -> Task<void> {
    add_law(world);
    gateway::CatalogueModel vectors = added("bge"), order = added("order");
    vectors.settings.embeddings = true;
    order.settings.rerank = true;
    EXPECT_TRUE(world.catalogue->put(vectors) && world.catalogue->put(order));
    const std::string cookie = co_await world.signed_in("odense", "Ole");
    EXPECT_THAT(co_await ids(world, "serves=chat", cookie), ElementsAre("m", "law", "law:dom"));
    EXPECT_THAT(co_await ids(world, "serves=chat&search=LAW", cookie), ElementsAre("law", "law:dom"));
    EXPECT_THAT(co_await ids(world, "serves=embeddings", cookie), ElementsAre("bge"));
    EXPECT_THAT(co_await ids(world, "serves=rerank", cookie), ElementsAre("order"));
    EXPECT_THAT(co_await ids(world, "serves=rerank&id=bge", cookie), IsEmpty());
    const std::string told = (co_await world.ask("GET", "/api/models?id=law:dom&id=bge&id=order", {}, cookie)).body;
    EXPECT_EQ(text_at(told, "models.0.serves"), "chat");
    EXPECT_EQ(text_at(told, "models.1.serves"), "embeddings");
    EXPECT_EQ(text_at(told, "models.2.serves"), "rerank");
  });
}

TEST_F(ModelsApi, WhoSetsThePolicySeesWhatItLeavesOut) {
  in_world([](World& world) -> Task<void> {
    add_law(world);
    EXPECT_TRUE(world.catalogue->put(added("other")));
    const std::string admin = co_await world.signed_in_as("odense", "Ada", "member_admin");
    (void)co_await world.ask_owner("POST", "/api/tiers", R"({"id":"lille","share":5,"fee_ore":0})");
    const Answer agreed = co_await world.ask_owner(
        "POST", "/api/agreements",
        R"({"agreements":[{"member":"odense","tier":"lille","from":"2025-12-01","models":["m","law","law:byg"]}]})");
    EXPECT_EQ(agreed.status, 200) << agreed.body;
    (void)co_await world.ask("PATCH", "/api/members/odense/policy", R"({"models":["m"]})", admin);
    EXPECT_THAT(co_await ids(world, "", admin), ElementsAre("m"));
    EXPECT_THAT(co_await ids(world, "beyond_policy=false", admin), ElementsAre("m"));
    EXPECT_THAT(co_await ids(world, "beyond_policy=true", admin), ElementsAre("m", "law"));
    EXPECT_THAT(co_await ids(world, "beyond_policy=true&search=ret", admin), ElementsAre("law"));
    EXPECT_THAT(co_await ids(world, "beyond_policy=true&id=law", admin), ElementsAre("law"));
    EXPECT_THAT(co_await ids(world, "beyond_policy=true&id=law:byg", admin), IsEmpty()) << "it is for aarhus";
    EXPECT_THAT(co_await ids(world, "beyond_policy=true&id=other", admin), IsEmpty()) << "the agreement has it not";
    EXPECT_THAT(ids_of((co_await world.ask_owner("GET", "/api/models?beyond_policy=true")).body),
                ElementsAre("m", "law", "law:byg", "law:dom", "other"));
    for (const std::string role : {"user", "builder", "auditor", "member_admin", "operator"}) {
      const std::string cookie = co_await world.signed_in_as("aarhus", "A " + role, role);
      const Answer told = co_await world.ask("GET", "/api/models?beyond_policy=true", {}, cookie);
      EXPECT_EQ(told.status, role == "member_admin" || role == "operator" ? 200 : 403) << role;
      EXPECT_EQ((co_await world.ask("GET", "/api/models?beyond_policy=false", {}, cookie)).status, 200) << role;
    }
    const std::string refused = (co_await world.ask_owner("GET", "/api/audit?action=api.call")).body;
    EXPECT_EQ(text_at(refused, "rows.0.object"), "GET /api/models") << refused;
  });
}

TEST_F(ModelsApi, WhatCannotBeMeantIsRefusedInWords) {
  in_world([](World& world) -> Task<void> {
    for (const auto& [param, value] : {std::pair<std::string, std::string>("id", std::string(201, 'x')),
                                       {"serves", "talk"},
                                       {"beyond_policy", "yes"}}) {
      const Answer wrong = co_await world.ask_owner("GET", fmt::format("/api/models?{}={}", param, value));
      EXPECT_EQ(wrong.status, 400) << param;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param);
      EXPECT_TRUE(text_at(wrong.body, "error.message").starts_with(param)) << wrong.body;
      EXPECT_EQ((co_await world.ask_owner("GET", fmt::format("/api/models?{}=", param))).status, 200);
    }
  });
}

// Anybody may search, and there may be a hundred thousand.
TEST_F(ModelsApi, LeaveNoModelUnpacked) {
  in_world([](World& world) -> Task<void> {
    add_law(world);
    world.catalogue->rest();
    for (const std::string query :
         {"search=zebra", "search=huse", "serves=rerank", "limit=9", "id=m&id=law&id=law:dom"})
      for (const std::string list : {"/api/models", "/api/catalogue", "/api/residency"}) {
        (void)co_await world.ask_owner("GET", list + "?" + query);
        EXPECT_EQ(world.catalogue->peek("law").use_count(), 1) << list << " " << query;
      }
  });
}

}  // namespace
}  // namespace faelled::portal
