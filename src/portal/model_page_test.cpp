#include "portal/model_page.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

gateway::CatalogueModel added(const std::string& id, const std::string& name = {}) {
  gateway::CatalogueModel model;
  model.settings.id = id;
  model.settings.name = name;
  model.settings.kind = engines::EngineKind::openai;
  model.version = 1;
  return model;
}

std::string numbered(int number) { return fmt::format("n{:04}", number); }

class ModelPages : public PortalTest {
 protected:
  static void add(World& world, int from, int to) {
    for (int i = from; i < to; ++i) {
      ASSERT_TRUE(world.catalogue->put(added(numbered(i))));
      world.mesh.all_residency.push_back({.model = numbered(i)});
    }
  }
  static std::vector<std::string> ids_of(const std::string& body) {
    json::Document document;
    std::vector<std::string> ids;
    const auto root = document.parse(body);
    EXPECT_TRUE(root) << body;
    for (const json::Value model : root->find("models")->items()) ids.push_back(*model.find("id")->text());
    return ids;
  }
  static std::string next_of(const std::string& body) {
    const std::string next = text_at(body, "next");
    return next == "null" ? "" : next;
  }
  static Task<std::vector<std::string>> ids(World& world, std::string target) {
    const Answer answer = co_await world.ask_owner("GET", std::move(target));
    EXPECT_EQ(answer.status, 200) << answer.body;
    co_return ids_of(answer.body);
  }
};

TEST_F(ModelPages, EachListHasEveryModelOnceThatIsThereAllTheTime) {
  in_world([](World& world) -> Task<void> {
    for (const std::string list : {"/api/catalogue", "/api/residency", "/api/models", "/api/status"}) {
      world.mesh.all_residency = {{.model = "m"}};
      add(world, 0, 50);
      std::multiset<std::string> seen;
      std::string after;
      int page = 0;
      do {
        const Answer answer =
            co_await world.ask_owner("GET", list + "?limit=7" + (after.empty() ? "" : "&after=" + after));
        EXPECT_EQ(answer.status, 200) << answer.body;
        const auto all = ids_of(answer.body);
        EXPECT_LE(all.size(), 7U);
        seen.insert(all.begin(), all.end());
        after = next_of(answer.body);
        // The last one of the page goes, one before it comes, and one behind it goes.
        if (!after.empty()) {
          world.catalogue->remove(after);
          EXPECT_TRUE(world.catalogue->put(added(after + "0")));
          EXPECT_TRUE(world.catalogue->put(added("a" + std::to_string(page))));
          world.catalogue->remove(numbered(49 - page));
        }
        ++page;
      } while (!after.empty());
      EXPECT_GT(page, 5) << list;
      for (const std::string& id : seen) EXPECT_EQ(seen.count(id), 1U) << list << ": " << id;
      for (int i = 0; i < 40; ++i) EXPECT_TRUE(seen.contains(numbered(i))) << list << ": " << numbered(i);
      EXPECT_TRUE(seen.contains("m")) << "of the configuration, in " << list;
      for (const std::string_view id : world.catalogue->names())
        if (id != "m") world.catalogue->remove(std::string(id));
      world.mesh.all_residency.clear();
    }
  });
}

TEST_F(ModelPages, SearchFindsIdsNamesAliasesAndAdaptersInWhateverCase) {
  in_world([](World& world) -> Task<void> {
    gateway::CatalogueModel other = added("org/law:7b", "Ærlig JURA");
    other.aliases = {{"best"}};
    other.adapters = {{.id = "org/law:7b:Byg", .name = "Byg"}};
    EXPECT_TRUE(world.catalogue->put(other));
    EXPECT_TRUE(world.catalogue->put(added("org/chat")));
    for (const std::string part : {"LAW:7", "%C3%A6rlig%20jura", "BES", "7b:byg"}) {
      EXPECT_THAT(co_await ids(world, "/api/catalogue?search=" + part), ElementsAre("org/law:7b")) << part;
      EXPECT_THAT(co_await ids(world, "/api/models?search=" + part), ElementsAre("org/law:7b", "org/law:7b:Byg"));
    }
    EXPECT_THAT(co_await ids(world, "/api/catalogue?search=ORG/"), ElementsAre("org/chat", "org/law:7b"));
    EXPECT_THAT(co_await ids(world, "/api/catalogue?search=ORG/&limit=1&after=org/chat"), ElementsAre("org/law:7b"));
    const Answer none = co_await world.ask_owner("GET", "/api/catalogue?search=nothing");
    EXPECT_EQ(next_of(none.body), "");
    EXPECT_EQ(text_at(none.body, "total"), "3") << "of the catalogue";
  });
}

TEST_F(ModelPages, ShowOnlyThoseThatMatterOfAHundredThousand) {
  in_world([](World& world) -> Task<void> {
    add(world, 0, 3);
    world.mesh.all_residency = {{.model = "n0002", .state = rpc::EngineState::ready},
                                {.model = "gone", .state = rpc::EngineState::draining}};
    EXPECT_THAT(co_await ids(world, "/api/residency?state=in_use"), ElementsAre("gone", "n0002"));
    EXPECT_THAT(co_await ids(world, "/api/residency?state=in_use&limit=1"), ElementsAre("gone"));
    EXPECT_THAT(co_await ids(world, "/api/residency?state=in_use&limit=1&after=gone"), ElementsAre("n0002"));
    EXPECT_THAT(co_await ids(world, "/api/residency?state=ready"), ElementsAre("n0002"));
    EXPECT_THAT(co_await ids(world, "/api/residency?state=draining&search=N00"), IsEmpty());
    world.mesh.states = {{.model = "n0001", .state = rpc::EngineState::failed}};
    EXPECT_THAT(co_await ids(world, "/api/residency?state=failed"), IsEmpty()) << "the mesh knows no memory of it";
    world.mesh.all_residency.push_back({.model = "n0001"});
    EXPECT_THAT(co_await ids(world, "/api/residency?state=failed"), ElementsAre("n0001"));
  });
}

TEST_F(ModelPages, WhatCannotBeMeantIsRefusedInWords) {
  in_world([](World& world) -> Task<void> {
    const std::string long_text(201, 'x');
    for (const std::string list : {"/api/catalogue", "/api/residency", "/api/models", "/api/status"})
      for (const auto& [param, value] : {std::pair<std::string, std::string>("limit", "0"),
                                         {"limit", "1001"},
                                         {"limit", "ten"},
                                         {"after", long_text},
                                         {"search", long_text}}) {
        const Answer wrong = co_await world.ask_owner("GET", fmt::format("{}?{}={}", list, param, value));
        EXPECT_EQ(wrong.status, 400) << list << param << value;
        EXPECT_EQ(text_at(wrong.body, "error.param"), param);
        EXPECT_TRUE(text_at(wrong.body, "error.message").starts_with(param)) << wrong.body;
      }
    const Answer wrong = co_await world.ask_owner("GET", "/api/residency?state=absent");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_EQ(text_at(wrong.body, "error.param"), "state");
  });
}

TEST_F(ModelPages, OneModelIsShownAlone) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/catalogue", R"({"definition":{"id":"org/one","engine":"openai"}})");
    const Answer one = co_await world.ask_owner("GET", "/api/catalogue/org%2Fone");
    EXPECT_EQ(one.body, R"({"id":"org/one","version":1,"origin":"added",)"
                        R"("definition":{"id":"org/one","engine":"openai"},"download":null})");
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/catalogue/m")).body, "definition"), "null");
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/catalogue/org%2Ftwo")).status, 404);
  });
}

TEST_F(ModelPages, EachHasItsDefinitionThoughOthersWereRemovedBetween) {
  in_world([](World& world) -> Task<void> {
    const auto named = [](const std::string& id) { return fmt::format(R"({{"id":"{}","engine":"openai"}})", id); };
    for (const std::string id : {"Z", "a", "b", "c", "d", "o", "p"})
      (void)co_await world.ask_owner("POST", "/api/catalogue", R"({"definition":)" + named(id) + "}");
    for (const std::string id : {"a", "c", "d"}) (void)co_await world.ask_owner("DELETE", "/api/catalogue/" + id);
    for (const std::string query : {"limit=9", "limit=3&after=Z", "limit=2&after=m", "search=p", "search=o&after=b"}) {
      const Answer page = co_await world.ask_owner("GET", "/api/catalogue?" + query);
      const auto ids = ids_of(page.body);
      EXPECT_FALSE(ids.empty());
      for (std::size_t i = 0; i < ids.size(); ++i)
        EXPECT_EQ(text_at(page.body, fmt::format("models.{}.definition", i)), ids[i] == "m" ? "null" : named(ids[i]))
            << query;
    }
  });
}

TEST_F(ModelPages, WhatWasLeftOutStandsOnTheFirstPage) {
  in_world([](World& world) -> Task<void> {
    add(world, 0, 3);
    for (const std::string id : {"x", "y", "z"}) world.keeping.left[id] = {"", "why", "hvorfor"};
    const Answer first = co_await world.ask_owner("GET", "/api/catalogue?limit=2");
    EXPECT_EQ(text_at(first.body, "left_out.1.id"), "y");
    EXPECT_EQ(text_at(first.body, "left_out.2.id"), "") << "no more than the limit";
    EXPECT_EQ(text_at(first.body, "left_out_total"), "3");
    const Answer second = co_await world.ask_owner("GET", "/api/catalogue?limit=2&after=" + next_of(first.body));
    EXPECT_EQ(text_at(second.body, "left_out"), "[]");
  });
}

// A page ends after so many that are not searched for, so that one that is found nowhere does not hold up the loop.
TEST(ModelPage, EndsAfterManyThatAreNotSearchedFor) {
  gateway::Catalogue catalogue({}, WallTime{});
  for (std::size_t i = 0; i <= limits::models_page_searched_max; ++i)
    ASSERT_TRUE(catalogue.put(added(fmt::format("{:07}", i))));
  const ModelPage first = model_page(catalogue, {}, {.search = "zebra", .limit = 10});
  EXPECT_THAT(first.ids, IsEmpty());
  EXPECT_EQ(first.next, fmt::format("{:07}", limits::models_page_searched_max - 1));
  const ModelPage second = model_page(catalogue, {}, {.after = first.next, .search = "zebra", .limit = 10});
  EXPECT_THAT(second.ids, IsEmpty());
  EXPECT_EQ(second.next, "");
}

// As one of them is unpacked for it.
TEST(ModelPage, EndsSoonerWhereModelsHaveFurtherNames) {
  gateway::Catalogue catalogue({}, WallTime{});
  constexpr std::size_t most = limits::models_page_searched_max / ModelSearch::unpacking;
  for (std::size_t i = 0; i <= most; ++i) {
    gateway::CatalogueModel model = added(fmt::format("{:07}", i));
    model.aliases = {{"alias-" + model.settings.id}};
    ASSERT_TRUE(catalogue.put(model));
  }
  const ModelPage first = model_page(catalogue, {}, {.after = {}, .search = "zebra", .limit = 10});
  EXPECT_EQ(first.next, fmt::format("{:07}", most - 1));
  const std::string last = fmt::format("s-{:07}", most);
  EXPECT_THAT(model_page(catalogue, {}, {.after = first.next, .search = last, .limit = 10}).ids,
              ElementsAre(fmt::format("{:07}", most)));
}

TEST(ModelPage, HasThoseThatLeftTheCatalogueInTheirPlace) {
  gateway::Catalogue catalogue({}, WallTime{});
  for (const std::string id : {"b", "d", "f"}) ASSERT_TRUE(catalogue.put(added(id)));
  const std::vector<std::string> others{"a", "b", "c", "e", "g"};
  std::vector<std::string> all;
  for (std::string after, next = "first"; !next.empty(); after = next) {
    const ModelPage page = model_page(catalogue, others, {.after = after, .search = {}, .limit = 2});
    all.insert(all.end(), page.ids.begin(), page.ids.end());
    next = page.next;
  }
  EXPECT_THAT(all, ElementsAre("a", "b", "c", "d", "e", "f", "g"));
}

}  // namespace
}  // namespace faelled::portal
