#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

// Invariant: described API. Routes, methods and who may call are compared here; that every answer's status is described
// is looked at in every test that runs in_world() (world_testing.hpp).

std::vector<std::string> who_of(Access access) {
  if (access.open()) return {"anybody"};
  std::vector<std::string> all;
  for (const auto& [who, name] :
       {std::pair(Who::user, "user"), std::pair(Who::builder, "builder"), std::pair(Who::member_admin, "member_admin"),
        std::pair(Who::auditor, "auditor"), std::pair(Who::operator_, "operator"), std::pair(Who::key, "key"),
        std::pair(Who::owner, "owner")})
    if (access.has(who)) all.emplace_back(name);
  return all;
}

TEST(Description, NamesTheServersRoutesAndNoOthers) {
  std::set<std::string> served, described;
  for (const Portal::Route& route : Portal::routes())
    served.insert(World::lower(World::name_of(route.method)) + " " + std::string(route.path));
  json::Document document;
  const auto root = document.parse(api_description());
  ASSERT_TRUE(root);
  EXPECT_TRUE(root->find("openapi")->text_is("3.1.0"));
  for (const json::Member path : root->find("paths")->members())
    for (const json::Member method : path.value.members())
      described.insert(*method.name.text() + " " + *path.name.text());
  EXPECT_EQ(served, described);
}

TEST(Description, SaysOfEveryRouteWhoMayCall) {
  json::Document document;
  const auto root = document.parse(api_description());
  for (const Portal::Route& route : Portal::routes()) {
    const auto operation = root->find("paths")->find(route.path)->find(World::lower(World::name_of(route.method)));
    std::vector<std::string> who, needs;
    for (const json::Value one : operation->find("x-who")->items()) who.push_back(*one.text());
    for (const json::Value one : operation->find("security")->items())
      for (const json::Member scheme : one.members()) needs.push_back(*scheme.name.text());
    EXPECT_EQ(who, who_of(route.access)) << route.path;
    std::vector<std::string> wanted;
    if ((route.access.bits & access::people.bits) != 0) wanted.emplace_back("session");
    if (route.access.has(Who::key)) wanted.emplace_back("key");
    EXPECT_EQ(needs, wanted) << route.path;
  }
}

}  // namespace
}  // namespace faelled::portal
