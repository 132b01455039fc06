#include "gateway/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faelled::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CatalogueModel model(std::string id, std::vector<Alias> aliases = {}) {
  CatalogueModel one;
  one.settings.id = std::move(id);
  one.aliases = std::move(aliases);
  return one;
}

class CatalogueTest : public testing::Test {
 protected:
  Catalogue catalogue{{model("a", {{"x"}}), model("b")}, WallTime{}};
};

TEST_F(CatalogueTest, TakesAModelAtItsEndAndItsAliasesWithIt) {
  ASSERT_TRUE(catalogue.put(model("c", {{"y"}, {"hidden", rpc::Lane::batch, false}})));
  EXPECT_THAT(catalogue.names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(catalogue.listed(), ElementsAre("a", "x", "b", "c", "y"));
  EXPECT_EQ(catalogue.asked("hidden").model, catalogue.find("c"));
  EXPECT_EQ(catalogue.asked("hidden").lane, rpc::Lane::batch);
}

TEST_F(CatalogueTest, AChangedModelKeepsItsPlaceAndLosesItsFormerAliases) {
  ASSERT_TRUE(catalogue.put(model("a", {{"z"}})));
  EXPECT_THAT(catalogue.listed(), ElementsAre("a", "z", "b"));
  EXPECT_EQ(catalogue.asked("x").model, nullptr);
}

class Adapters : public testing::Test {
 protected:
  static CatalogueModel with(std::string id, std::vector<CatalogueAdapter> adapters) {
    CatalogueModel one = model(std::move(id));
    one.adapters = std::move(adapters);
    return one;
  }
  Catalogue catalogue{{with("a", {{"a:x", "x", {}}, {"a:y", "y", {"odense"}, {{"law"}}}}), model("b")}, WallTime{}};
};

TEST_F(Adapters, AreAskedForAsModelsAndBelongToTheirBase) {
  const auto asked = catalogue.asked("a:y");
  EXPECT_EQ(asked.model, catalogue.find("a"));
  ASSERT_NE(asked.adapter, nullptr);
  EXPECT_EQ(asked.id(), "a:y");
  EXPECT_EQ(asked.title(), "a: y");
  EXPECT_EQ(catalogue.asked("law").id(), "a:y");
  EXPECT_EQ(catalogue.asked("a").adapter, nullptr);
  EXPECT_EQ(catalogue.find("a:y"), nullptr) << "no model: it has no engine, line or memory of its own";
  EXPECT_THAT(catalogue.all_ids(), ElementsAre("a", "a:x", "a:y", "b"));
  EXPECT_THAT(catalogue.listed(), ElementsAre("a", "a:x", "a:y", "law", "b"));
}

TEST_F(Adapters, AreWhatAMovingAliasMayMeanAndWhoMayUseThemDecidesWhoSeesIt) {
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "a:y", .moving_to = "b", .lane = rpc::Lane::batch}));
  const auto asked = catalogue.asked("best");
  ASSERT_NE(asked.adapter, nullptr);
  EXPECT_EQ(asked.id(), "a:y");
  EXPECT_EQ(asked.lane, rpc::Lane::batch);
  EXPECT_FALSE(asked.is_for("aarhus"));
  catalogue.each_listed([](std::string_view name, std::string_view, const Catalogue::Asked* means) {
    if (name == "best") EXPECT_EQ(means != nullptr ? means->id() : "", "a:y") << "others must not learn of it";
  });
  EXPECT_EQ(catalogue.base_of("a:y"), "a");
  EXPECT_EQ(catalogue.base_of("b"), "b");
  for (const char* id : {"law", "best", "nothing", "a:z"}) EXPECT_EQ(catalogue.base_of(id), "") << id;
  for (const char* id : {"law", "nothing"})
    EXPECT_EQ(catalogue.may_point({.name = "other", .model = id}).error().code, Errc::not_found) << id;
  EXPECT_EQ(catalogue.pointed_at_by("a"), "best");
  EXPECT_EQ(catalogue.pointed_at_by("b"), "best");
}

TEST_F(Adapters, StayWithTheirModelWhileAMovingAliasMeansThem) {
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "b", .moving_to = "a:y"}));
  EXPECT_EQ(catalogue.put(with("a", {{"a:x", "x", {}}})).error().code, Errc::conflict);
  ASSERT_TRUE(catalogue.put(with("a", {{"a:y", "y", {}}, {"a:x", "x", {}}}))) << "in another order";
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "a:y"}));
  ASSERT_TRUE(catalogue.put(with("a", {{"a:x", "x", {}}, {"a:z", "z", {}}, {"a:y", "y", {}}})));
  EXPECT_EQ(catalogue.asked("best").id(), "a:y");
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "a"}));
  ASSERT_TRUE(catalogue.put(with("a", {}))) << "it means the model as it is";
  EXPECT_EQ(catalogue.asked("best").id(), "a");
}

TEST_F(Adapters, OfSomeMembersAreForThemAlone) {
  EXPECT_TRUE(catalogue.asked("a:x").is_for("aarhus"));
  EXPECT_TRUE(catalogue.asked("a:y").is_for("odense"));
  EXPECT_FALSE(catalogue.asked("a:y").is_for("aarhus"));
  EXPECT_FALSE(catalogue.asked("law").is_for(""));
  EXPECT_TRUE(catalogue.asked("a").is_for("aarhus"));
}

// Both lists must have who asks, for an adapter answers with its model's words.
TEST_F(Adapters, OfAModelThatIsForSomeAreForNobodyElse) {
  CatalogueModel some = with("a", {{"a:x", "x", {}}, {"a:y", "y", {"odense", "ribe"}, {{"law"}}}});
  some.members = {"aarhus", "ribe"};
  ASSERT_TRUE(catalogue.put(some));
  EXPECT_EQ(*catalogue.find("a"), some) << "it is packed with whom it is for";
  for (const char* name : {"a", "a:x"}) {
    EXPECT_TRUE(catalogue.asked(name).is_for("aarhus")) << name;
    EXPECT_TRUE(catalogue.asked(name).is_for("ribe")) << name;
    EXPECT_FALSE(catalogue.asked(name).is_for("odense")) << name;
    EXPECT_FALSE(catalogue.asked(name).is_for("")) << name;
  }
  for (const char* name : {"a:y", "law"}) {
    EXPECT_TRUE(catalogue.asked(name).is_for("ribe")) << name;
    for (const char* member : {"aarhus", "odense"}) EXPECT_FALSE(catalogue.asked(name).is_for(member)) << name;
  }
  EXPECT_TRUE(catalogue.brief("a").for_some);
  EXPECT_FALSE(catalogue.brief("b").for_some);
  std::vector<std::string> told;
  catalogue.each_listed([&](std::string_view name, std::string_view, const Catalogue::Asked* means) {
    if (means == nullptr || means->is_for("aarhus")) told.emplace_back(name);
  });
  EXPECT_THAT(told, ElementsAre("a", "a:x", "b"));
}

TEST_F(Adapters, GoWithTheirBaseOrWithoutIt) {
  ASSERT_TRUE(catalogue.put(with("a", {{"a:x", "x", {}}})));
  EXPECT_EQ(catalogue.asked("a:y").model, nullptr);
  EXPECT_EQ(catalogue.asked("law").model, nullptr);
  catalogue.remove("a");
  EXPECT_EQ(catalogue.asked("a:x").model, nullptr);
}

TEST_F(Adapters, TakeNoNameThatMeansAnother) {
  EXPECT_FALSE(catalogue.put(model("a:x")));
  EXPECT_FALSE(catalogue.put(model("b", {{"a:x"}})));
  EXPECT_FALSE(catalogue.put(with("b", {{"b:x", "x", {}, {{"law"}}}})));
  ASSERT_TRUE(catalogue.put(model("c:x")));
  EXPECT_FALSE(catalogue.put(with("c", {{"c:x", "x", {}}})));
  EXPECT_TRUE(catalogue.put(with("a", {{"a:x", "x", {}}, {"a:y", "y", {}, {{"law"}}}}))) << "its own it may keep";
}

TEST_F(CatalogueTest, RefusesANameThatMeansAnotherAndStaysAsItWas) {
  for (const CatalogueModel& wrong : {model("x"), model("c", {{"a"}}), model("c", {{"x"}}), model("c", {{"c"}}),
                                      model("c", {{"y"}, {"y"}}), model("b", {{"x"}})}) {
    const auto put = catalogue.put(wrong);
    ASSERT_FALSE(put) << wrong.settings.id;
    EXPECT_EQ(put.error().code, Errc::exists);
  }
  EXPECT_THAT(catalogue.may_put(model("x")).error().message, HasSubstr("'x' is an alias"));
  EXPECT_THAT(catalogue.listed(), ElementsAre("a", "x", "b"));
}

TEST_F(CatalogueTest, AModelMayTakeItsOwnAliasAgain) { EXPECT_TRUE(catalogue.put(model("a", {{"x"}, {"x2"}}))); }

TEST_F(CatalogueTest, AMovingAliasMeansWhatItPointsAt) {
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "a", .lane = rpc::Lane::batch}));
  EXPECT_THAT(catalogue.all_ids(), ElementsAre("a", "b")) << "a name that moves is no model to be promised";
  EXPECT_EQ(catalogue.asked("best").model, catalogue.find("a"));
  EXPECT_EQ(catalogue.asked("best").lane, rpc::Lane::batch);
  EXPECT_THAT(catalogue.listed(), ElementsAre("a", "x", "b", "best"));
  EXPECT_EQ(catalogue.pointed_at_by("a"), "best");
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "a", .moving_to = "b", .listed = false}));
  EXPECT_EQ(catalogue.asked("best").model, catalogue.find("a")) << "it has not moved yet";
  EXPECT_EQ(catalogue.pointed_at_by("b"), "best");
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "b"}));
  EXPECT_EQ(catalogue.asked("best").model, catalogue.find("b"));
  ASSERT_TRUE(catalogue.put(model("b", {{"y"}})));
  EXPECT_EQ(catalogue.asked("best").model, catalogue.find("b")) << "a change of the model leaves it where it is";
  catalogue.unpoint("best");
  catalogue.unpoint("best");
  EXPECT_EQ(catalogue.asked("best").model, nullptr);
  EXPECT_TRUE(catalogue.moving().empty());
}

TEST_F(CatalogueTest, AMovingAliasHasANameOfItsOwn) {
  for (const char* taken : {"a", "x"}) {
    const auto pointed = catalogue.point({.name = taken, .model = "b"});
    ASSERT_FALSE(pointed);
    EXPECT_EQ(pointed.error().code, Errc::exists);
  }
  EXPECT_EQ(catalogue.point({.name = "best", .model = "nobody"}).error().code, Errc::not_found);
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "a"}));
  EXPECT_FALSE(catalogue.put(model("a", {{"best"}}))) << "though it means that model";
  EXPECT_FALSE(catalogue.put(model("best")));
  EXPECT_EQ(catalogue.asked("x").model, catalogue.find("a"));
}

TEST_F(CatalogueTest, GivesAllOfThemAndLeavesNoneUnpacked) {
  ASSERT_TRUE(catalogue.point({.name = "best", .model = "b"}));
  CatalogueModel more = model("c", {{"y"}, {"hidden", rpc::Lane::batch, false}});
  more.adapters = {{"c:law", "law", {"odense"}, {{"law"}}}};
  more.settings.places = 7;
  more.version = 5;
  ASSERT_TRUE(catalogue.put(more));
  std::vector<CatalogueModel> all;
  catalogue.each([&](const CatalogueModel& one) { all.push_back(one); });
  EXPECT_EQ(all, (std::vector{model("a", {{"x"}}), model("b"), more}));
  EXPECT_EQ(catalogue.places(), 4 + 4 + 7U);
  EXPECT_EQ(catalogue.version("c"), 5U);
  EXPECT_EQ(catalogue.version("nobody"), 0U);
  std::vector<std::string> listed;
  catalogue.each_listed([&](std::string_view name, std::string_view id, const Catalogue::Asked* means) {
    const CatalogueAdapter* adapter = means != nullptr ? means->adapter : nullptr;
    listed.push_back(std::string(name) + " " + std::string(id) + (adapter != nullptr ? " " + adapter->name : ""));
  });
  EXPECT_THAT(listed, ElementsAre("a a", "x a", "b b", "c c", "y c", "c:law c:law law", "law c:law law", "best b"));
  const auto held = catalogue.hold("c");
  catalogue.rest();
  EXPECT_EQ(*catalogue.find("c"), *held) << "who holds it has it still, and whoever asks has it again";
}

TEST_F(CatalogueTest, IsReadFromAnywhereWhileItChanges) {
  const auto told = [&](auto each, std::string_view id, std::size_t most) {
    std::vector<std::string> all;
    (catalogue.*each)(id, [&](const Catalogue::Brief& model) {
      all.push_back(std::string(model.id) + std::string(model.name) + (model.has_other_names ? "+" : ""));
      return all.size() < most;
    });
    return all;
  };
  const auto by_id = [&](std::string_view id, std::size_t most) { return told(&Catalogue::each_behind, id, most); };
  const auto in_order = [&](std::string_view id) { return told(&Catalogue::each_in_order_behind, id, 9); };
  for (const std::string id : {"aa", "Z"}) {
    CatalogueModel added = model(id);
    added.settings.name = " of somebody";
    added.version = 1;
    ASSERT_TRUE(catalogue.put(added));
  }
  EXPECT_THAT(catalogue.names(), ElementsAre("a", "b", "Z", "aa")) << "what was added comes behind the configuration's";
  EXPECT_THAT(by_id("", 9), ElementsAre("Z of somebody", "a+", "aa of somebody", "b"));
  EXPECT_THAT(by_id("Z", 1), ElementsAre("a+"));
  EXPECT_THAT(in_order(""), ElementsAre("a+", "b", "Z of somebody", "aa of somebody"));
  EXPECT_THAT(in_order("a"), ElementsAre("b", "Z of somebody", "aa of somebody"));
  EXPECT_THAT(in_order("Z"), ElementsAre("aa of somebody"));
  catalogue.remove("Z");
  EXPECT_THAT(in_order("Z"), ElementsAre("aa of somebody")) << "where one was is a place still";
  EXPECT_THAT(by_id("Z", 9), ElementsAre("a+", "aa of somebody", "b"));
  EXPECT_THAT(by_id("b", 9), testing::IsEmpty());
  ASSERT_TRUE(catalogue.put(model("aa")));
  EXPECT_THAT(catalogue.names(), ElementsAre("a", "b", "aa"));
  EXPECT_EQ(catalogue.size(), 3U);
}

TEST_F(CatalogueTest, WhoPeeksLeavesItPacked) {
  catalogue.rest();
  EXPECT_EQ(catalogue.peek("a")->aliases, (std::vector<Alias>{{"x"}}));
  EXPECT_EQ(catalogue.peek("a").use_count(), 1);
  const auto held = catalogue.hold("a");
  EXPECT_EQ(catalogue.peek("a"), held) << "what is unpacked is not unpacked twice";
  EXPECT_EQ(catalogue.peek("nobody"), nullptr);
  EXPECT_TRUE(catalogue.brief("a").has_other_names);
  EXPECT_EQ(catalogue.brief("nobody").id, "nobody");
}

TEST_F(CatalogueTest, WhoHoldsARemovedModelKeepsIt) {
  const auto held = catalogue.hold("a");
  catalogue.remove("a");
  catalogue.remove("nobody");
  EXPECT_EQ(held->settings.id, "a");
  EXPECT_EQ(catalogue.find("a"), nullptr);
  EXPECT_EQ(catalogue.hold("a"), nullptr);
  EXPECT_EQ(catalogue.asked("x").model, nullptr);
  EXPECT_THAT(catalogue.listed(), ElementsAre("b"));
  EXPECT_TRUE(catalogue.put(model("x"))) << "its alias is free";
}

}  // namespace
}  // namespace faelled::gateway
