#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class Api : public PortalTest {};

TEST_F(Api, NobodyGetsInWithoutBeingLetIn) {
  in_world([](World& world) -> Task<void> {
    for (const Portal::Route& route : Portal::routes()) {
      if (route.access.open()) continue;
      std::string path(route.path);
      if (const std::size_t id = path.find("{id}"); id != std::string::npos) path.replace(id, 4, "x_1");
      const Answer answer = co_await world.ask(World::name_of(route.method), path);
      EXPECT_EQ(answer.status, 401) << path;
      EXPECT_EQ(text_at(answer.body, "error.code"), "invalid_api_key") << path;
      EXPECT_EQ(
          (co_await world.ask(World::name_of(route.method), path, {}, "Cookie: faelled_session=stolen\r\n")).status,
          401);
    }
    EXPECT_EQ((co_await world.ask("GET", "/api")).status, 404);
    EXPECT_EQ((co_await world.ask("GET", "/api/nothing")).status, 404);
    const Answer wrong = co_await world.ask("PUT", "/api/keys");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.header("Allow"), "GET, HEAD, POST");
    EXPECT_EQ((co_await world.ask("POST", "/api/aliases/x")).header("Allow"), "PUT, DELETE");
    EXPECT_EQ((co_await world.ask("GET", "/api/openapi.json")).body, api_description());
  });
}

TEST_F(Api, ASessionBeginsWithALinkThatWorksOnceAndEndsWhenItsPersonSaysSo) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/members", R"({"id":"aarhus","name":"Aarhus"})");
    const Answer user = co_await world.ask_owner("POST", "/api/members/aarhus/users", R"({"name":"Ida"})");
    const Answer link = co_await world.ask_owner("POST", "/api/sign-in-links",
                                                 fmt::format(R"({{"user":"{}"}})", text_at(user.body, "id")));
    EXPECT_EQ(link.status, 201);
    const std::string url = text_at(link.body, "url");
    EXPECT_TRUE(url.starts_with("http://127.0.0.1:1/sign-in#")) << url;
    const std::string token = fmt::format(R"({{"token":"{}"}})", url.substr(url.find('#') + 1));
    const Answer in = co_await world.ask("POST", "/api/session", token);
    EXPECT_EQ(in.status, 200);
    EXPECT_EQ(text_at(in.body, "user.name"), "Ida");
    EXPECT_EQ(text_at(in.body, "member.id"), "aarhus");
    EXPECT_EQ(text_at(in.body, "role"), "user");
    const std::string set = in.header("Set-Cookie");
    EXPECT_TRUE(set.contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200")) << set;
    EXPECT_FALSE(set.contains("Secure")) << "a cookie marked so would not come back over plain http";
    EXPECT_EQ(in.header("Cache-Control"), "no-store");
    const std::string cookie = fmt::format("Cookie: other=1; {}; last=2\r\n", set.substr(0, set.find(';')));

    const Answer again = co_await world.ask("POST", "/api/session", token);
    EXPECT_EQ(again.status, 401);
    EXPECT_TRUE(again.header("Set-Cookie").empty());
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, cookie)).body, in.body);
    EXPECT_EQ((co_await world.ask("HEAD", "/api/session", {}, cookie)).status, 200);

    const Answer out = co_await world.ask("DELETE", "/api/session", {}, cookie);
    EXPECT_EQ(out.status, 204);
    EXPECT_TRUE(out.header("Set-Cookie").contains("faelled_session=; ") &&
                out.header("Set-Cookie").contains("Max-Age=0"));
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, cookie)).status, 401);
  });
}

TEST_F(Api, ALinkAndASessionExpire) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const Answer session = co_await world.ask("GET", "/api/session", {}, cookie);
    const Answer link = co_await world.ask_owner("POST", "/api/sign-in-links",
                                                 fmt::format(R"({{"user":"{}"}})", text_at(session.body, "user.id")));
    world.clock.advance(limits::sign_in_link_max);
    const std::string url = text_at(link.body, "url");
    EXPECT_EQ(
        (co_await world.ask("POST", "/api/session", fmt::format(R"({{"token":"{}"}})", url.substr(url.find('#') + 1))))
            .status,
        401);
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, cookie)).status, 200);
    world.clock.advance(limits::session_max);
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, cookie)).status, 401);
  });
}

TEST_F(Api, AnotherSitesPageChangesNothing) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string body = R"({"model":"m"})";
    for (const std::string from :
         {"Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n",
          "Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: cross-site\r\nOrigin: http://x\r\n"}) {
      EXPECT_EQ((co_await world.ask("POST", "/api/conversations", body, cookie + from)).status, 403) << from;
      EXPECT_EQ((co_await world.ask("DELETE", "/api/session", {}, cookie + from)).status, 403) << from;
      EXPECT_EQ((co_await world.ask("POST", "/api/session", R"({"token":"x"})", from)).status, 403)
          << from << "signing somebody in as another";
    }
    EXPECT_EQ((co_await world.ask("POST", "/api/conversations", body, cookie + "Content-Type: text/plain\r\n")).status,
              415);
    EXPECT_EQ((co_await world.ask("POST", "/api/conversations", body, cookie + "Origin: http://x\r\n")).status, 201);
    EXPECT_EQ((co_await world.ask("POST", "/api/conversations", body,
                                  cookie + "Sec-Fetch-Site: same-origin\r\nOrigin: https://faelled.example\r\n"))
                  .status,
              201)
        << "behind a proxy that names another host";
  });
}

TEST_F(Api, TheOperatorMakesMembersUsersAndKeysThroughTheOwnersSocketAlone) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    EXPECT_EQ((co_await world.ask("GET", "/api/members", {}, cookie)).status, 403);
    EXPECT_EQ((co_await world.ask("POST", "/api/members", R"({"name":"x"})", cookie)).status, 403);
    EXPECT_EQ((co_await world.ask("POST", "/api/sign-in-links", R"({"user":"x"})", cookie)).status, 403);
    EXPECT_EQ((co_await world.ask("GET", "/api/members")).status, 401);

    const Answer made = co_await world.ask_owner("POST", "/api/members", R"({"name":"Odense"})");
    EXPECT_EQ(made.status, 201);
    EXPECT_TRUE(text_at(made.body, "id").starts_with("mem_")) << made.body;
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/members", R"({"id":"aarhus","name":"x"})")).status, 409);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/members", R"({"id":"a b","name":"x"})")).status, 400);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/members/none/users", R"({"name":"x"})")).status, 404);
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/members/none/users")).status, 404);
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/members/aarhus%20/users")).status, 404);
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/members/aarhus/users")).body, "users.0.name"), "Ida");
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/members")).body, "members.0.id"), "aarhus");
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/sign-in-links", R"({"user":"none"})")).status, 404);
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/conversations")).status, 403)
        << "an operator reads nobody's words";

    const Answer key = co_await world.ask_owner(
        "POST", "/api/keys", R"({"member":"aarhus","name":"journal system","expires_at":"2027-01-01"})");
    EXPECT_EQ(key.status, 201);
    EXPECT_EQ(text_at(key.body, "expires_at"), "2027-01-01T00:00:00.000000Z");
    const std::string secret = text_at(key.body, "secret"), id = text_at(key.body, "id");
    EXPECT_TRUE(secret.starts_with("sk-"));
    EXPECT_FALSE((co_await world.ask_owner("GET", "/api/keys")).body.contains(secret)) << "shown once";
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/keys", R"({"name":"x"})")).status, 400);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/keys", R"({"member":"none","name":"x"})")).status, 404);
    const Answer past =
        co_await world.ask_owner("POST", "/api/keys", R"({"member":"aarhus","name":"x","expires_at":"yesterday"})");
    EXPECT_EQ(past.status, 400);
    EXPECT_EQ(text_at(past.body, "error.param"), "expires_at");

    const std::string bearer = fmt::format("Authorization: Bearer {}\r\n", secret);
    EXPECT_EQ((co_await world.ask("GET", "/api/models", {}, bearer)).status, 200);
    EXPECT_EQ((co_await world.ask("GET", "/api/usage", {}, bearer)).status, 200);
    EXPECT_EQ((co_await world.ask("GET", "/api/conversations", {}, bearer)).status, 403);
    EXPECT_EQ((co_await world.ask("GET", "/api/keys", {}, bearer)).status, 403) << "a key makes and sees no keys";
    EXPECT_EQ((co_await world.ask("POST", "/api/keys", R"({"name":"x"})", bearer)).status, 403);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/keys/" + id)).status, 204);
    EXPECT_EQ((co_await world.ask("GET", "/api/models", {}, bearer)).status, 401) << "at once";
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/keys/" + id)).status, 204) << "again is no error";
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/keys/none")).status, 404);
  });
}

TEST_F(Api, APersonHasTheirOwnKeysAndNobodyElses) {
  in_world([](World& world) -> Task<void> {
    const std::string ida = co_await world.signed_in("aarhus", "Ida"), bo = co_await world.signed_in("aarhus", "Bo");
    const Answer key = co_await world.ask("POST", "/api/keys", R"({"name":"mine"})", ida);
    EXPECT_EQ(key.status, 201);
    EXPECT_EQ(text_at(key.body, "member"), "aarhus");
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/keys", {}, bo)).body, "keys"), "[]");
    EXPECT_EQ((co_await world.ask("DELETE", "/api/keys/" + text_at(key.body, "id"), {}, bo)).status, 404);
    EXPECT_EQ((co_await world.ask("POST", "/api/keys", R"({"name":"x","member":"odense"})", bo)).status, 403);
    EXPECT_EQ((co_await world.ask("POST", "/api/keys",
                                  fmt::format(R"({{"name":"x","user":"{}"}})", text_at(key.body, "user")), bo))
                  .status,
              403);
    EXPECT_EQ((co_await world.ask("DELETE", "/api/keys/" + text_at(key.body, "id"), {}, ida)).status, 204);
  });
}

TEST_F(Api, AConversationOfAnotherPersonIsNotThere) {
  in_world([](World& world) -> Task<void> {
    const std::string ida = co_await world.signed_in("aarhus", "Ida"), bo = co_await world.signed_in("aarhus", "Bo");
    const std::string id = co_await world.conversation(ida), turn = co_await world.turn(ida, id);
    const std::string path = "/api/conversations/" + id;
    EXPECT_EQ((co_await world.ask("GET", path, {}, bo)).status, 404);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"title":"x"})", bo)).status, 404);
    EXPECT_EQ((co_await world.ask("DELETE", path, {}, bo)).status, 404);
    EXPECT_EQ((co_await world.ask("POST", path + "/turns", R"({"content":"x"})", bo)).status, 404);
    EXPECT_EQ((co_await world.ask("GET", "/api/turns/" + turn + "/events", {}, bo)).status, 404);
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/" + turn, {}, bo)).status, 404);
    EXPECT_EQ((co_await world.ask("GET", "/api/conversations?before=" + id, {}, bo)).status, 400);
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/conversations", {}, bo)).body, "conversations"), "[]");
    EXPECT_FALSE(world.sayings.back()->hung_up) << "the answer goes on";
  });
}

TEST_F(Api, ConversationsAreRenamedDeletedAndListedInPages) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    std::vector<std::string> made;
    for (int i = 0; i < 5; ++i) {
      world.clock.advance(1s);
      made.push_back(co_await world.conversation(cookie));
    }
    std::vector<std::string> seen;
    std::string next;
    do {
      const Answer page =
          co_await world.ask("GET", "/api/conversations?limit=2" + (next.empty() ? "" : "&before=" + next), {}, cookie);
      for (int i = 0; i < 2; ++i)
        if (auto id = text_at(page.body, fmt::format("conversations.{}.id", i)); !id.empty()) seen.push_back(id);
      next = text_at(page.body, "next");
    } while (next != "null" && seen.size() < 10);
    EXPECT_EQ(seen, std::vector(made.rbegin(), made.rend()));
    // The page goes on where it was, though the row it ended with has moved to the front, or is gone.
    const Answer first = co_await world.ask("GET", "/api/conversations?limit=2", {}, cookie);
    const std::string rest = "/api/conversations?limit=2&before=" + text_at(first.body, "next");
    world.clock.advance(1s);
    (void)co_await world.turn(cookie, made[3]);
    EXPECT_EQ(text_at((co_await world.ask("GET", rest, {}, cookie)).body, "conversations.0.id"), made[2]);
    EXPECT_EQ((co_await world.ask("DELETE", "/api/conversations/" + made[3], {}, cookie)).status, 204);
    EXPECT_EQ(text_at((co_await world.ask("GET", rest, {}, cookie)).body, "conversations.0.id"), made[2]);
    EXPECT_EQ((co_await world.ask("POST", "/api/conversations/" + made[3] + "/restore", {}, cookie)).status, 200);
    for (const std::string limit : {"0", "101", "x", "-1", "1x"}) {
      const Answer wrong = co_await world.ask("GET", "/api/conversations?limit=" + limit, {}, cookie);
      EXPECT_EQ(wrong.status, 400) << limit;
      EXPECT_EQ(text_at(wrong.body, "error.param"), "limit");
    }
    const std::string path = "/api/conversations/" + made[0];
    EXPECT_EQ(text_at((co_await world.ask("PATCH", path, R"({"title":"Æbler"})", cookie)).body, "title"), "Æbler");
    EXPECT_EQ(text_at((co_await world.ask("GET", path, {}, cookie)).body, "title"), "Æbler");
    EXPECT_EQ((co_await world.ask("DELETE", path, {}, cookie)).status, 204);
    EXPECT_EQ((co_await world.ask("GET", path, {}, cookie)).status, 404);
  });
}

TEST_F(Api, WhatIsWrongInABodyIsSaid) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    struct Row {
      const char* body;
      int status;
      const char* code;
      const char* param;
    };
    for (const Row& row :
         {Row{"{", 400, "invalid_json", "null"}, Row{"{}x", 400, "invalid_json", "null"},
          Row{"[]", 400, "invalid_value", "null"}, Row{R"({"model":"m","model":"m"})", 400, "invalid_json", "null"},
          Row{R"({"model":1})", 400, "invalid_value", "model"}, Row{"{}", 400, "invalid_value", "model"},
          Row{R"({"model":"m","title":[]})", 400, "invalid_value", "title"},
          Row{R"({"model":"m","colour":"red"})", 400, "invalid_value", "null"},
          Row{R"({"model":"q"})", 404, "model_not_found", "model"}}) {
      const Answer answer = co_await world.ask("POST", "/api/conversations", row.body, cookie);
      EXPECT_EQ(answer.status, row.status) << row.body;
      EXPECT_EQ(text_at(answer.body, "error.code"), row.code) << row.body;
      EXPECT_EQ(text_at(answer.body, "error.param"), row.param) << row.body;
      EXPECT_FALSE(text_at(answer.body, "error.message_da").empty()) << row.body;
      EXPECT_EQ(answer.header("x-request-id").size(),
                (co_await world.ask("GET", "/api/session", {}, cookie)).header("x-request-id").size());
    }
    EXPECT_TRUE(
        text_at((co_await world.ask("POST", "/api/conversations", R"({"model":"m","colour":"red"})", cookie)).body,
                "error.message")
            .contains("colour"));
    const std::string path = "/api/conversations/" + co_await world.conversation(cookie);
    const std::string deep = std::string(100, '[') + std::string(100, ']');
    EXPECT_EQ((co_await world.ask("PATCH", path, fmt::format(R"({{"title":{}}})", deep), cookie)).status, 400);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"title":""})", cookie)).status, 400);
    EXPECT_EQ(
        (co_await world.ask("PATCH", path,
                            fmt::format(R"({{"title":"{}"}})", std::string(limits::name_bytes_max + 1, 'x')), cookie))
            .status,
        400);
    EXPECT_EQ((co_await world.ask("POST", path + "/turns", R"({"content":""})", cookie)).status, 400);
    const Answer long_one = co_await world.ask(
        "POST", path + "/turns",
        fmt::format(R"({{"content":"{}"}})", std::string(limits::prompt_text_bytes_max + 1, 'x')), cookie);
    EXPECT_EQ(long_one.status, 413);
    EXPECT_EQ(text_at(long_one.body, "error.param"), "content");
  });
}

TEST_F(Api, TheModelsAreToldWithTheirCardAndState) {
  in_world([](World& world) -> Task<void> {
    world.mesh.states = {{"m", rpc::EngineState::starting, "reads its file", 1500ms, 4096, 0, 1, 2}};
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string seen = (co_await world.ask("GET", "/api/models", {}, cookie)).body;
    EXPECT_EQ(text_at(seen, "models.0.state"), "starting");
    EXPECT_EQ(text_at(seen, "models.0.detail"), "null") << "the server's inside is for its operator";
    const std::string body = (co_await world.ask_owner("GET", "/api/models")).body;
    EXPECT_EQ(text_at(body, "models.0.state"), "starting");
    EXPECT_EQ(text_at(body, "models.0.detail"), "reads its file");
    EXPECT_EQ(text_at(body, "models.0.ready_in_s"), "1.5");
    EXPECT_EQ(text_at(body, "models.0.running"), "1");
    EXPECT_EQ(text_at(body, "models.0.waiting"), "2");
    EXPECT_EQ(text_at(body, "models.0.card"), "null");
  });
}

}  // namespace
}  // namespace faelled::portal
