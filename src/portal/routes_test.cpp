#include "portal/world_testing.hpp"
#include "store/full_line_testing.hpp"

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

// A server with one of everything, each route asked as one that may, with what it takes to reach the store.
class WithoutStore : public PortalTest {
 protected:
  struct Asked {
    std::string target, body, headers;  // empty headers: by the owner
  };

  Task<void> fill(World& world) {
    for (const char* member : {"aarhus", "ribe"})
      (void)co_await world.ask_owner("POST", "/api/members", fmt::format(R"({{"id":"{}","name":"x"}})", member));
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const std::string ada = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string user = co_await world.user_of(anne);
    const std::string of = co_await world.conversation(anne);
    const auto made = [&](std::string path, std::string body) -> Task<std::string> {
      const Answer answer = co_await world.ask_owner("POST", path, body);
      EXPECT_LT(answer.status, 300) << path << answer.body;
      co_return text_at(answer.body, "id");
    };
    const std::string key = "/api/keys/" + co_await made("/api/keys", R"({"member":"aarhus","name":"k"})");
    const std::string notice = "/api/notices/" + co_await made("/api/notices", R"({"kind":"incident","message":"x"})");
    const std::string definition = R"({"definition":{"id":"added","engine":"llama","file":"/m.gguf"})";
    (void)co_await made("/api/catalogue", definition + "}");
    world.keeping.downloads["added"] = {.state = Download::State::failed, .source = "hf:o/r/x.gguf"};
    (void)co_await world.ask_owner("PUT", "/api/aliases/best", R"({"model":"added"})");
    (void)co_await world.ask_owner("PUT", "/api/aliases/best", R"({"model":"m","version":1})");
    world.aliases.arrive("best");
    (void)co_await made("/api/tiers", R"({"id":"stor","share":52,"fee_ore":0})");
    rpc::ModelResidency resident;
    resident.model = "m";
    resident.bytes = 30;
    world.mesh.all_residency = {resident};
    const std::string
        one = "/api/conversations/" + of,
        import_body =
            fmt::format(R"({{"apply":true,"default_member":"aarhus","keys":[{{"line":2,"hash":"{}","name":"old"}}]}})",
                        crypto::hex(crypto::sha256("an old key")));
    asked_ = {
        {"POST /api/session", {"/api/session", R"({"token":"x"})", "X-Nobody: 1\r\n"}},
        {"POST /api/catalogue",
         {"/api/catalogue", R"({"definition":{"id":"more","engine":"llama","file":"/m.gguf"}})"}},
        {"GET /api/catalogue/{id}", {"/api/catalogue/added"}},
        {"PUT /api/catalogue/{id}", {"/api/catalogue/added", definition + R"(,"version":1})"}},
        {"DELETE /api/catalogue/{id}", {"/api/catalogue/added"}},
        {"POST /api/catalogue/{id}/fetch", {"/api/catalogue/added/fetch"}},
        {"PUT /api/aliases/{id}", {"/api/aliases/other", R"({"model":"m"})"}},
        {"POST /api/aliases/{id}/rollback", {"/api/aliases/best/rollback", R"({"version":2})"}},
        {"DELETE /api/aliases/{id}", {"/api/aliases/best"}},
        {"POST /api/models/{id}/residency", {"/api/models/m/residency", R"({"act":"pin"})"}},
        {"GET /api/conversations", {"/api/conversations", "", anne}},
        {"POST /api/conversations", {"/api/conversations", R"({"model":"m"})", anne}},
        {"GET /api/conversations/{id}", {one, "", anne}},
        {"DELETE /api/conversations", {"/api/conversations", "", anne}},
        {"PATCH /api/conversations/{id}", {one, R"({"title":"x"})", anne}},
        {"DELETE /api/conversations/{id}", {one, "", anne}},
        {"POST /api/conversations/{id}/restore", {one + "/restore", "", anne}},
        {"POST /api/conversations/{id}/ratings", {one + "/ratings", R"({"message":"x","rating":"up"})", anne}},
        {"GET /api/deleted", {"/api/deleted", "", anne}},
        {"POST /api/deleted/restore", {"/api/deleted/restore", R"({"deleted_at":"2026-01-01"})", anne}},
        {"POST /api/search", {"/api/search", R"({"words":"x"})", anne}},
        {"GET /api/ratings", {"/api/ratings", "", ada}},
        {"GET /api/export", {"/api/export", "", anne}},
        {"POST /api/conversations/{id}/turns", {one + "/turns", R"({"content":"x"})", anne}},
        {"POST /api/turns", {"/api/turns", R"({"model":"m","messages":[{"role":"user","content":"x"}]})", anne}},
        {"GET /api/turns/{id}/events", {"/api/turns/trn_x/events", "", anne}},
        {"DELETE /api/turns/{id}", {"/api/turns/trn_x", "", anne}},
        {"GET /api/session", {"/api/session", "", anne}},
        {"DELETE /api/session", {"/api/session", "", co_await world.signed_in("aarhus", "Eva")}},
        {"GET /api/promise", {"/api/promise", "", anne}},
        {"POST /api/what-if", {"/api/what-if", R"({"member":"aarhus"})"}},
        {"POST /api/members", {"/api/members", R"({"id":"vejle","name":"x"})"}},
        {"PATCH /api/members/{id}", {"/api/members/aarhus", R"({"name":"y"})"}},
        {"GET /api/members/{id}/policy", {"/api/members/aarhus/policy"}},
        {"PATCH /api/members/{id}/policy", {"/api/members/aarhus/policy", R"({"retention_days":30})"}},
        {"POST /api/agreements",
         {"/api/agreements", R"({"agreements":[{"member":"ribe","tier":"stor","from":"2026-01-01"}]})"}},
        {"POST /api/agreements/plan", {"/api/agreements/plan", "{}"}},
        {"POST /api/tiers", {"/api/tiers", R"({"id":"lille","share":5,"fee_ore":0})"}},
        {"DELETE /api/tiers/{id}", {"/api/tiers/stor"}},
        {"GET /api/members/{id}/users", {"/api/members/aarhus/users"}},
        {"POST /api/members/{id}/users", {"/api/members/aarhus/users", R"({"name":"Ida"})"}},
        {"PATCH /api/users/{id}", {"/api/users/" + user, R"({"name":"Anna"})"}},
        {"POST /api/keys", {"/api/keys", R"({"member":"aarhus","name":"other"})"}},
        {"PATCH /api/keys/{id}", {key, R"({"name":"renamed"})"}},
        {"POST /api/keys/{id}/rotate", {key + "/rotate", "{}"}},
        {"DELETE /api/keys/{id}", {key}},
        {"POST /api/keys/import", {"/api/keys/import", import_body}},
        {"POST /api/front-ends/test", {"/api/front-ends/test", R"({"token":"x"})"}},
        {"POST /api/sign-in-links", {"/api/sign-in-links", fmt::format(R"({{"user":"{}"}})", user)}},
        {"PATCH /api/maintenance", {"/api/maintenance", R"({"on":false,"message":"x"})"}},
        {"POST /api/notices", {"/api/notices", R"({"kind":"incident","message":"y"})"}},
        {"PATCH /api/notices/{id}", {notice, R"({"message":"z"})"}},
        {"DELETE /api/notices/{id}", {notice}},
        {"GET /api/engine-log", {"/api/engine-log?model=m"}},
        {"GET /api/tickets/{id}", {"/api/tickets/1"}},
        {"GET /api/share", {"/api/share?member=aarhus"}},
    };
  }

  // Which of all routes answer with that status, and which the description gives it.
  Task<void> hold_to(World& world, std::string status, std::set<std::string> not_by_the_store) {
    std::set<std::string> answered;
    std::set<std::string> described;
    json::Document document;
    const auto root = document.parse(api_description());
    for (const Portal::Route& route : Portal::routes()) {
      const std::string method = World::name_of(route.method), path(route.path), name = method + " " + path;
      if (root->find("paths")->find(path)->find(World::lower(method))->find("responses")->find(status) &&
          !not_by_the_store.contains(name))
        described.insert(name);
      const auto known = asked_.find(name);
      const Asked one = known == asked_.end() ? Asked{path, method == "GET" ? "" : "{}", ""} : known->second;
      EXPECT_FALSE(one.target.contains('{')) << name << " wants a line in the table above";
      const Answer answer = one.headers.empty() ? co_await world.ask_owner(method, one.target, one.body)
                                                : co_await world.ask(method, one.target, one.body, one.headers);
      if (std::to_string(answer.status) == status) answered.insert(name);
    }
    const auto only_in = [](const std::set<std::string>& one, const std::set<std::string>& other) {
      std::string out;
      for (const std::string& name : one) out += other.contains(name) ? "" : name + "\n";
      return out;
    };
    EXPECT_EQ(only_in(answered, described), "") << "answered with " << status << ", and not described so";
    EXPECT_EQ(only_in(described, answered), "") << "described with " << status << ", and not answered so";
  }

  std::map<std::string, Asked> asked_;
};

TEST_F(WithoutStore, EveryRouteThatGoesThereSaysThatItIsAway) {
  in_world([this](World& world) -> Task<void> {
    co_await fill(world);
    world.thread->stop();
    co_await hold_to(world, "503", {"POST /api/turns"});  // closed for maintenance
  });
}

TEST_F(WithoutStore, EveryRouteThatGoesThereSaysThatTooMuchWaits) {
  in_world([this](World& world) -> Task<void> {
    co_await fill(world);
    const store::FullLine full(*world.thread);
    co_await hold_to(world, "429", {"POST /api/turns"});  // too many answers under way
  });
}

}  // namespace
}  // namespace faelled::portal
