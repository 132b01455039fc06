#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class Roles : public PortalTest {};

// Invariant: roles hold. Who may make which call: u(ser), b(uilder), m(ember admin), a(uditor), o(perator), k(ey), w:
// the owner of the socket, n: nobody in particular. A route without a line here fails the test below, and so does a
// line without a route.
const std::map<std::string, std::string>& allowed() {
  static const std::map<std::string, std::string> all{
      {"POST /api/session", "ubmaokwn"},
      {"GET /api/session", "ubmao"},
      {"DELETE /api/session", "ubmao"},
      {"GET /api/models", "ubmaokw"},
      {"GET /api/catalogue", "ow"},
      {"POST /api/catalogue", "ow"},
      {"GET /api/catalogue/{id}", "ow"},
      {"PUT /api/catalogue/{id}", "ow"},
      {"DELETE /api/catalogue/{id}", "ow"},
      {"POST /api/catalogue/{id}/fetch", "ow"},
      {"GET /api/aliases", "ow"},
      {"PUT /api/aliases/{id}", "ow"},
      {"POST /api/aliases/{id}/rollback", "ow"},
      {"DELETE /api/aliases/{id}", "ow"},
      {"GET /api/residency", "ow"},
      {"GET /api/residency/events", "ow"},
      {"POST /api/models/{id}/residency", "ow"},
      {"GET /api/conversations", "ubm"},
      {"POST /api/conversations", "ubm"},
      {"GET /api/conversations/{id}", "ubm"},
      {"PATCH /api/conversations/{id}", "ubm"},
      {"DELETE /api/conversations/{id}", "ubm"},
      {"DELETE /api/conversations", "ubm"},
      {"POST /api/conversations/{id}/restore", "ubm"},
      {"POST /api/conversations/{id}/ratings", "ubm"},
      {"GET /api/deleted", "ubm"},
      {"POST /api/deleted/restore", "ubm"},
      {"POST /api/search", "ubm"},
      {"GET /api/ratings", "m"},
      {"GET /api/export", "ubm"},
      {"POST /api/conversations/{id}/turns", "ubm"},
      {"POST /api/turns", "ubm"},
      {"GET /api/turns/{id}/events", "ubm"},
      {"DELETE /api/turns/{id}", "ubm"},
      {"GET /api/usage", "ubmaokw"},
      {"GET /api/tickets/{id}", "ubmaokw"},
      {"GET /api/share", "ubmaokw"},
      {"GET /api/shares", "ow"},
      {"POST /api/shares/check", "ow"},
      {"POST /api/what-if", "ow"},
      {"GET /api/audit", "maow"},
      {"GET /api/members", "ow"},
      {"POST /api/members", "ow"},
      {"PATCH /api/members/{id}", "ow"},
      {"GET /api/members/{id}/policy", "ubmaow"},
      {"PATCH /api/members/{id}/policy", "mow"},
      {"GET /api/agreements", "maow"},
      {"POST /api/agreements", "ow"},
      {"POST /api/agreements/plan", "ow"},
      {"GET /api/agreements/history", "maow"},
      {"GET /api/agreements/sums", "aow"},
      {"GET /api/promise", "ubmao"},
      {"GET /api/tiers", "ow"},
      {"POST /api/tiers", "ow"},
      {"DELETE /api/tiers/{id}", "ow"},
      {"GET /api/members/{id}/users", "mow"},
      {"POST /api/members/{id}/users", "mow"},
      {"PATCH /api/users/{id}", "mow"},
      {"GET /api/keys", "ubmow"},
      {"POST /api/keys", "ubmow"},
      {"PATCH /api/keys/{id}", "ubmow"},
      {"POST /api/keys/{id}/rotate", "ubmow"},
      {"DELETE /api/keys/{id}", "ubmow"},
      {"POST /api/keys/import", "ow"},
      {"GET /api/front-ends", "ow"},
      {"POST /api/front-ends/test", "ow"},
      {"POST /api/sign-in-links", "mow"},
      {"GET /api/status", "ubmaokwn"},
      {"GET /api/maintenance", "ow"},
      {"PATCH /api/maintenance", "ow"},
      {"POST /api/notices", "ow"},
      {"PATCH /api/notices/{id}", "ow"},
      {"DELETE /api/notices/{id}", "ow"},
      {"GET /api/engine-log", "ow"},
      {"GET /api/openapi.json", "ubmaokwn"},
  };
  return all;
}

TEST_F(Roles, EveryCallIsAllowedOrRefusedAsTheTableSays) {
  in_world([](World& world) -> Task<void> {
    std::map<char, std::string> visitors{{'w', ""}, {'n', ""}};
    for (const auto& [letter, role] :
         {std::pair('u', "user"), std::pair('b', "builder"), std::pair('m', "member_admin"), std::pair('a', "auditor"),
          std::pair('o', "operator")})
      visitors[letter] = co_await world.signed_in_as("aarhus", role, role);
    const Answer key = co_await world.ask_owner("POST", "/api/keys", R"({"member":"aarhus","name":"k"})");
    visitors['k'] = fmt::format("Authorization: Bearer {}\r\n", text_at(key.body, "secret"));
    std::set<std::string> seen;
    for (const Portal::Route& route : Portal::routes()) {
      const std::string method = World::name_of(route.method), name = method + " " + std::string(route.path);
      seen.insert(name);
      const auto row = allowed().find(name);
      EXPECT_NE(row, allowed().end()) << name << " has no line in the table";
      if (row == allowed().end()) continue;
      std::string path(route.path);
      if (const std::size_t id = path.find("{id}"); id != std::string::npos) path.replace(id, 4, "x_1");
      const std::string body = method == "GET" || method == "DELETE" ? "" : "{}";
      for (const auto& [letter, headers] : visitors) {
        const Answer answer = letter == 'w' ? co_await world.ask_owner(method, path, body)
                                            : co_await world.ask(method, path, body, headers);
        if (row->second.contains(letter)) {
          EXPECT_NE(answer.status, 401) << name << " by " << letter;
          EXPECT_NE(answer.status, 403) << name << " by " << letter;
        } else {
          EXPECT_EQ(answer.status, letter == 'n' ? 401 : 403) << name << " by " << letter;
        }
        if (name != "DELETE /api/session" || !std::string_view("ubmao").contains(letter)) continue;
        EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, headers)).status, 401) << "signed out";
        const std::string role = letter == 'u'   ? "user"
                                 : letter == 'b' ? "builder"
                                 : letter == 'm' ? "member_admin"
                                 : letter == 'a' ? "auditor"
                                                 : "operator";
        visitors.at(letter) = co_await world.signed_in_as("aarhus", role, role);
      }
    }
    for (const auto& [name, letters] : allowed()) EXPECT_TRUE(seen.contains(name)) << name << " is no route any more";
  });
}

TEST_F(Roles, WhatIsOfAnotherMemberIsNotThere) {
  in_world([](World& world) -> Task<void> {
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const std::string admin = co_await world.signed_in_as("odense", "Ole", "member_admin");
    const std::string user = co_await world.user_of(anne);
    const Answer key = co_await world.ask("POST", "/api/keys", R"({"name":"mine"})", anne);
    const std::string id = text_at(key.body, "id");
    struct Row {
      std::string method, path, body;
    };
    for (const Row& row :
         {Row{"GET", "/api/members/aarhus/users", ""}, Row{"GET", "/api/members/aarhus/policy", ""},
          Row{"GET", "/api/agreements?member=aarhus", ""}, Row{"GET", "/api/agreements/history?member=aarhus", ""},
          Row{"POST", "/api/members/aarhus/users", R"({"name":"x"})"},
          Row{"PATCH", "/api/members/aarhus/policy", R"({"retention_days":1})"},
          Row{"PATCH", "/api/users/" + user, R"({"disabled":true})"},
          Row{"POST", "/api/sign-in-links", fmt::format(R"({{"user":"{}"}})", user)},
          Row{"PATCH", "/api/keys/" + id, R"({"name":"x"})"}, Row{"POST", "/api/keys/" + id + "/rotate", "{}"},
          Row{"DELETE", "/api/keys/" + id, ""},
          Row{"POST", "/api/keys", fmt::format(R"({{"name":"x","user":"{}"}})", user)}}) {
      const Answer there = co_await world.ask(row.method, row.path, row.body, admin);
      EXPECT_EQ(there.status, 404) << row.method << " " << row.path;
      EXPECT_FALSE(there.body.contains("Anne"));
    }
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/keys?member=aarhus", {}, admin)).body, "keys"), "[]");
    const std::string audit = (co_await world.ask("GET", "/api/audit?member=aarhus", {}, admin)).body;
    EXPECT_TRUE(audit.contains(R"("outcome":"refused")") && !audit.contains(R"("object_member":"aarhus")"))
        << "what they tried, and nothing that was done there: " << audit;
    EXPECT_EQ((co_await world.ask("GET", "/api/models", {},
                                  fmt::format("Authorization: Bearer {}\r\n", text_at(key.body, "secret"))))
                  .status,
              200)
        << "the key is as it was";
  });
}

TEST_F(Roles, AnAdministratorManagesThePeopleOfTheirMember) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string self = co_await world.user_of(admin);
    const Answer made = co_await world.ask("POST", "/api/members/aarhus/users",
                                           R"({"name":"Åse","email":"aase@aarhus.example","role":"builder"})", admin);
    EXPECT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(text_at(made.body, "role"), "builder");
    const std::string aase = text_at(made.body, "id"), path = "/api/users/" + aase;
    EXPECT_EQ((co_await world.ask("POST", "/api/members/aarhus/users", R"({"name":"x","email":"AASE@aarhus.example"})",
                                  admin))
                  .status,
              409);
    EXPECT_EQ((co_await world.ask("POST", "/api/members/aarhus/users", R"({"name":"x","role":"king"})", admin)).status,
              400);
    EXPECT_EQ(
        (co_await world.ask("POST", "/api/members/aarhus/users", R"({"name":"x","role":"operator"})", admin)).status,
        403);
    EXPECT_EQ(text_at((co_await world.ask("PATCH", path, R"({"name":"Åse B","email":null})", admin)).body, "email"),
              "null");
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"role":"operator"})", admin)).status, 403);
    EXPECT_EQ((co_await world.ask("PATCH", "/api/users/" + self, R"({"role":"user"})", admin)).status, 403)
        << "the last administrator";
    EXPECT_EQ((co_await world.ask("PATCH", "/api/users/" + self, R"({"disabled":true})", admin)).status, 403);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"role":"member_admin"})", admin)).status, 200);
    EXPECT_EQ((co_await world.ask("PATCH", "/api/users/" + self, R"({"role":"user"})", admin)).status, 200);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"role":"user"})", admin)).status, 403) << "no longer theirs to do";
  });
}

TEST_F(Roles, ADisabledPersonIsOutAtOnce) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const std::string path = "/api/users/" + co_await world.user_of(anne);
    const Answer key = co_await world.ask("POST", "/api/keys", R"({"name":"mine"})", anne);
    const std::string bearer = fmt::format("Authorization: Bearer {}\r\n", text_at(key.body, "secret"));
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"disabled":true})", admin)).status, 200);
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, anne)).status, 401);
    EXPECT_EQ((co_await world.ask("GET", "/api/models", {}, bearer)).status, 401);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"disabled":false})", admin)).status, 200);
    EXPECT_EQ((co_await world.ask("GET", "/api/models", {}, bearer)).status, 200);
  });
}

TEST_F(Roles, UsersAreFoundByNameEmailAndRoleAndComeInPages) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Zoe", "member_admin");
    const std::string auditor = R"({"name":"anders","role":"auditor"})";
    EXPECT_EQ((co_await world.ask("POST", "/api/members/aarhus/users", auditor, admin)).status, 403)
        << "an auditor reads sums of all members";
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/members/aarhus/users", auditor)).status, 201);
    for (const char* body : {R"({"name":"Åse"})", R"({"name":"Bo"})", R"({"name":"Bodil","email":"b@aarhus.example"})"})
      EXPECT_EQ((co_await world.ask("POST", "/api/members/aarhus/users", body, admin)).status, 201);
    const auto names = [&](std::string query) -> Task<std::vector<std::string>> {
      std::vector<std::string> found;
      std::string next;
      do {
        const Answer page = co_await world.ask(
            "GET", "/api/members/aarhus/users?limit=2&" + query + (next.empty() ? "" : "&after=" + next), {}, admin);
        EXPECT_EQ(page.status, 200) << page.body;
        for (int i = 0; i < 2; ++i)
          if (auto name = text_at(page.body, fmt::format("users.{}.name", i)); !name.empty()) found.push_back(name);
        next = text_at(page.body, "next");
      } while (next != "null" && found.size() < 20);
      co_return found;
    };
    EXPECT_EQ(co_await names(""), (std::vector<std::string>{"anders", "Bo", "Bodil", "Zoe", "Åse"}));
    EXPECT_EQ(co_await names("q=bo"), (std::vector<std::string>{"Bo", "Bodil"}));
    EXPECT_EQ(co_await names("q=%C3%A5s"), std::vector<std::string>{"Åse"}) << "å for Å";
    EXPECT_EQ(co_await names("q=AARHUS.example"), std::vector<std::string>{"Bodil"});
    EXPECT_EQ(co_await names("role=auditor"), std::vector<std::string>{"anders"});
    EXPECT_EQ(co_await names("disabled=true"), std::vector<std::string>{});
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/members/aarhus/users?limit=2", {}, admin)).body, "total"), "5");
    for (const auto& [query, param] :
         {std::pair("limit=0", "limit"), std::pair("limit=501", "limit"), std::pair("role=king", "role"),
          std::pair("disabled=perhaps", "disabled"), std::pair("after=usr_none", "after")}) {
      const Answer wrong = co_await world.ask("GET", fmt::format("/api/members/aarhus/users?{}", query), {}, admin);
      EXPECT_EQ(wrong.status, 400) << query;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param);
    }
  });
}

TEST_F(Roles, KeysAreMadeChangedAndRotatedByThoseWhoMay) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string bo = co_await world.signed_in_as("aarhus", "Bo", "builder");
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const std::string user = co_await world.user_of(anne);
    EXPECT_EQ((co_await world.ask("POST", "/api/keys", R"({"name":"x","system":true})", anne)).status, 403);
    const Answer system = co_await world.ask("POST", "/api/keys", R"({"name":"journal","system":true})", bo);
    EXPECT_EQ(system.status, 201);
    EXPECT_EQ(text_at(system.body, "user"), "null");
    const Answer hers =
        co_await world.ask("POST", "/api/keys", fmt::format(R"({{"name":"hers","user":"{}"}})", user), admin);
    EXPECT_EQ(hers.status, 201);
    EXPECT_EQ(text_at(hers.body, "user"), user);
    const auto count = [&](std::string query, std::string cookie) -> Task<std::string> {
      co_return text_at((co_await world.ask("GET", "/api/keys?" + query, {}, cookie)).body, "total");
    };
    EXPECT_EQ(co_await count("", anne), "1");
    EXPECT_EQ(co_await count("", bo), "1") << "the member's systems";
    EXPECT_EQ(co_await count("", admin), "2");
    EXPECT_EQ(co_await count("of=systems", admin), "1");
    EXPECT_EQ(co_await count("user=me", admin), "0");
    EXPECT_EQ(co_await count("q=JOUR", admin), "1");
    EXPECT_EQ((co_await world.ask("GET", "/api/keys?of=dogs", {}, admin)).status, 400);

    const std::string path = "/api/keys/" + text_at(hers.body, "id");
    const Answer changed = co_await world.ask(
        "PATCH", path, R"({"name":"renamed","models":["m"],"show_waiting":"da","expires_at":"2026-02-01"})", anne);
    EXPECT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(text_at(changed.body, "models.0"), "m");
    EXPECT_EQ(text_at(changed.body, "show_waiting"), "da");
    const Answer wrong = co_await world.ask("PATCH", path, R"({"models":["nope"]})", anne);
    EXPECT_EQ(wrong.status, 400);
    EXPECT_EQ(text_at(wrong.body, "error.param"), "models");
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"show_waiting":"fr"})", anne)).status, 400);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"expires_at":"2020-01-01"})", anne)).status, 400);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"user":"x"})", anne)).status, 400) << "a key has one owner";
    EXPECT_EQ((co_await world.ask("PATCH", path, "{}", bo)).status, 404);

    const Answer rotated = co_await world.ask("POST", path + "/rotate", R"({"old_works_until":"2026-01-02"})", anne);
    EXPECT_EQ(rotated.status, 201) << rotated.body;
    EXPECT_EQ(text_at(rotated.body, "rotated_from"), text_at(hers.body, "id"));
    EXPECT_EQ(text_at(rotated.body, "models.0"), "m");
    const auto works = [&](const Answer& of) -> Task<int> {
      const std::string bearer = fmt::format("Authorization: Bearer {}\r\n", text_at(of.body, "secret"));
      co_return (co_await world.ask("GET", "/api/models", {}, bearer)).status;
    };
    EXPECT_EQ((co_await world.ask("POST", path + "/rotate", "{}", admin)).status, 409) << "once";
    EXPECT_EQ(co_await works(hers), 200);
    EXPECT_EQ(co_await works(rotated), 200);
    world.clock.advance(std::chrono::hours(24));
    EXPECT_EQ(co_await works(hers), 401);
    EXPECT_EQ(co_await works(rotated), 200);
  });
}

TEST_F(Roles, AMembersPolicyHoldsEverywhere) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string anne = co_await world.signed_in("aarhus", "Anne"), path = "/api/members/aarhus/policy";
    const Answer fresh = co_await world.ask("GET", path, {}, anne);
    EXPECT_EQ(fresh.body, R"({"models":null,"retention_days":null,"conversations":"server","key_days_max":null,)"
                          R"("key_makers":"all","contact":null})");
    const Answer set = co_await world.ask(
        "PATCH", path, R"({"models":[],"retention_days":30,"key_days_max":90,"key_makers":"builders","contact":"IT"})",
        admin);
    EXPECT_EQ(set.status, 200) << set.body;
    EXPECT_EQ((co_await world.ask("GET", path, {}, anne)).body, set.body);
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/session", {}, anne)).body, "member.contact"), "IT");
    const std::string lines = R"({"contact":"IT\nlokal 12"})";
    EXPECT_TRUE((co_await world.ask("PATCH", path, lines, admin)).body.ends_with(lines.substr(1)));
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/models", {}, anne)).body, "models"), "[]");
    const Answer chat = co_await world.ask("POST", "/api/conversations", R"({"model":"m"})", anne);
    EXPECT_EQ(chat.status, 404);
    EXPECT_EQ(text_at(chat.body, "error.code"), "model_not_found");
    EXPECT_EQ((co_await world.ask("POST", "/api/keys", R"({"name":"x"})", anne)).status, 403);
    const Answer late = co_await world.ask("POST", "/api/keys", R"({"name":"x","expires_at":"2030-01-01"})", admin);
    EXPECT_EQ(late.status, 403);
    EXPECT_EQ(text_at(late.body, "error.param"), "expires_at");
    // Nor is a key that was made for somebody widened by them.
    const std::string hers = fmt::format(R"({{"name":"hers","user":"{}","models":[],"expires_at":"2026-02-01"}})",
                                         co_await world.user_of(anne));
    const std::string key = "/api/keys/" + text_at((co_await world.ask("POST", "/api/keys", hers, admin)).body, "id");
    for (const std::string body : {R"({"models":null})", R"({"expires_at":null})", R"({"expires_at":"2026-03-01"})"})
      EXPECT_EQ((co_await world.ask("PATCH", key, body, anne)).status, 403) << body;
    EXPECT_EQ((co_await world.ask("PATCH", key, R"({"name":"mine"})", anne)).status, 200) << "its name is hers";
    EXPECT_EQ((co_await world.ask("PATCH", key, R"({"expires_at":"2026-01-02"})", admin)).status, 200);
    EXPECT_EQ(text_at((co_await world.ask("PATCH", path, R"({"models":null,"contact":null})", admin)).body, "contact"),
              "null");
    EXPECT_EQ((co_await world.ask("POST", "/api/conversations", R"({"model":"m"})", anne)).status, 201);
    const std::string begun = co_await world.conversation(anne);
    EXPECT_EQ((co_await world.ask("PATCH", path, R"({"conversations":"browser"})", admin)).status, 200);
    EXPECT_EQ((co_await world.ask("POST", "/api/conversations", R"({"model":"m"})", anne)).status, 403);
    const std::string turns = "/api/conversations/" + begun + "/turns";
    EXPECT_EQ((co_await world.ask("POST", turns, R"({"content":"Hemmeligt?"})", anne)).status, 403)
        << "nor go on there";
    for (const auto& [body, param] :
         {std::pair(R"({"models":["q"]})", "models"), std::pair(R"({"models":[1]})", "models"),
          std::pair(R"({"models":"all"})", "models"), std::pair(R"({"retention_days":0})", "retention_days"),
          std::pair(R"({"retention_days":3651})", "retention_days"),
          std::pair(R"({"key_days_max":"x"})", "key_days_max"), std::pair(R"({"key_makers":"me"})", "key_makers"),
          std::pair(R"({"conversations":"cloud"})", "conversations")}) {
      const Answer wrong = co_await world.ask("PATCH", path, body, admin);
      EXPECT_EQ(wrong.status, 400) << body;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param) << body;
    }
  });
}

TEST_F(Roles, MoreModelsThanCanBeNamedAreRefusedInBothLanguages) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    std::string models = R"("m")";
    for (std::size_t i = 1; i < limits::allowed_models_max; ++i) models += R"(,"m")";
    const auto with = [](const std::string& list) { return R"({"name":"x","models":[)" + list + "]}"; };
    EXPECT_EQ((co_await world.ask("POST", "/api/keys", with(models), admin)).status, 201);
    for (const auto& [method, path, body] :
         {std::tuple("POST", "/api/keys", with(models + R"(,"m")")),
          std::tuple("PATCH", "/api/members/aarhus/policy", R"({"models":[)" + models + R"(,"m"]})")}) {
      const Answer refused = co_await world.ask(method, path, body, admin);
      EXPECT_EQ(refused.status, 400) << refused.body;
      EXPECT_EQ(text_at(refused.body, "error.param"), "models");
      EXPECT_TRUE(text_at(refused.body, "error.message").contains("At most 500"));
      EXPECT_TRUE(text_at(refused.body, "error.message_da").contains("højst 500"));
    }
  });
}

TEST_F(Roles, NamesAreTextOrRefused) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string script = R"(<script>alert(1)</script>)";
    const Answer made =
        co_await world.ask("POST", "/api/members/aarhus/users", fmt::format(R"({{"name":"{}"}})", script), admin);
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(text_at(made.body, "name"), script) << "as text";
    EXPECT_EQ(made.header("Content-Type"), "application/json");
    for (const std::string& name : {std::string("a\\nb"), std::string("a\\u202Eb"), std::string("a\\u0000b"),
                                    std::string(10'000, 'x'), std::string(), std::string(" a")}) {
      const std::string body = fmt::format(R"({{"name":"{}"}})", name);
      EXPECT_EQ((co_await world.ask("POST", "/api/members/aarhus/users", body, admin)).status, 400) << name;
      EXPECT_EQ((co_await world.ask("POST", "/api/keys", body, admin)).status, 400) << name;
      EXPECT_EQ((co_await world.ask("PATCH", "/api/users/" + text_at(made.body, "id"), body, admin)).status, 400)
          << name;
    }
  });
}

TEST_F(Roles, SigningInMakesANewTokenAndNeverAdoptsAnOldOne) {
  in_world([](World& world) -> Task<void> {
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const std::string user = co_await world.user_of(anne);
    const Answer link = co_await world.ask_owner("POST", "/api/sign-in-links", fmt::format(R"({{"user":"{}"}})", user));
    const std::string url = text_at(link.body, "url");
    const std::string chosen = "Cookie: faelled_session=chosen-by-somebody-else\r\n";
    const Answer in = co_await world.ask("POST", "/api/session",
                                         fmt::format(R"({{"token":"{}"}})", url.substr(url.find('#') + 1)), chosen);
    EXPECT_EQ(in.status, 200);
    EXPECT_FALSE(in.header("Set-Cookie").contains("chosen-by-somebody-else"));
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, chosen)).status, 401);
    const std::string set = in.header("Set-Cookie");
    EXPECT_NE(fmt::format("Cookie: {}\r\n", set.substr(0, set.find(';'))), anne) << "each sign-in its own";
  });
}

TEST_F(Roles, NoOtherSitesPageMakesAChangeForAnAdministrator) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "operator");
    for (const Portal::Route& route : Portal::routes()) {
      if (route.method == http::Method::get || route.access.open() || !route.access.has(Who::operator_)) continue;
      std::string path(route.path);
      if (const std::size_t id = path.find("{id}"); id != std::string::npos) path.replace(id, 4, "x_1");
      for (const std::string from : {"Sec-Fetch-Site: cross-site\r\n", "Origin: http://evil.example\r\n"}) {
        const Answer answer = co_await world.ask(World::name_of(route.method), path, "{}", admin + from);
        EXPECT_EQ(answer.status, 403) << route.path;
        EXPECT_TRUE(text_at(answer.body, "error.message").contains("another site")) << route.path;
      }
    }
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, admin)).status, 200) << "still signed in";
  });
}

}  // namespace
}  // namespace faelled::portal
