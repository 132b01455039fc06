// Invariant: audited. What is done and what is refused through the API leaves its row; rows are read by those they are
// of.
#include "portal/render.hpp"
#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class AuditApi : public PortalTest {};

// Every mutating route of administration with a call that does something.
TEST_F(AuditApi, EveryAdministrativeActHasItsRow) {
  in_world([](World& world) -> Task<void> {
    const std::string operator_cookie = co_await world.signed_in_as("drift", "Per", "operator");
    const std::string me = co_await world.user_of(operator_cookie);
    std::set<std::string> tried;
    const auto act = [&](std::string method, std::string path, std::string body, std::string action) -> Task<Answer> {
      world.clock.advance(1s);
      const Answer answer = co_await world.ask(method, path, body, operator_cookie);
      EXPECT_LT(answer.status, 300) << method << path << answer.body;
      const std::string audit = (co_await world.ask_owner("GET", "/api/audit?limit=1")).body;
      EXPECT_EQ(text_at(audit, "rows.0.action"), action) << audit;
      EXPECT_EQ(text_at(audit, "rows.0.actor"), me) << audit;
      EXPECT_EQ(text_at(audit, "rows.0.actor_name"), "Per") << audit;
      EXPECT_EQ(text_at(audit, "rows.0.outcome"), "done") << audit;
      EXPECT_TRUE(text_at(audit, "rows.0.peer").starts_with("127.0.0.1:")) << audit;
      EXPECT_EQ(text_at(audit, "rows.0.request_id"), answer.header("x-request-id")) << audit;
      tried.insert(action);
      co_return answer;
    };
    co_await act("POST", "/api/members", R"({"id":"ribe","name":"Ribe"})", "member.create");
    co_await act("PATCH", "/api/members/ribe", R"({"name":"Ribe By"})", "member.update");
    co_await act("PATCH", "/api/members/ribe/policy", R"({"key_days_max":30})", "member.update");
    const Answer user = co_await act("POST", "/api/members/ribe/users", R"({"name":"Rie"})", "user.create");
    const std::string id = text_at(user.body, "id");
    co_await act("PATCH", "/api/users/" + id, R"({"role":"builder"})", "user.update");
    co_await act("POST", "/api/sign-in-links", fmt::format(R"({{"user":"{}"}})", id), "user.sign_in_link");
    const Answer key = co_await act("POST", "/api/keys", R"({"member":"ribe","name":"k"})", "key.create");
    const std::string path = "/api/keys/" + text_at(key.body, "id");
    co_await act("PATCH", path, R"({"name":"other"})", "key.update");
    const Answer rotated = co_await act("POST", path + "/rotate", "{}", "key.rotate");
    co_await act("DELETE", "/api/keys/" + text_at(rotated.body, "id"), "", "key.revoke");
    co_await act("POST", "/api/keys/import",
                 fmt::format(R"({{"apply":true,"keys":[{{"line":1,"hash":"{}","name":"old","member":"ribe"}}]}})",
                             std::string(64, 'a')),
                 "key.import");
    co_await act("POST", "/api/tiers", R"({"id":"stor","share":52,"fee_ore":0})", "tier.create");
    co_await act("POST", "/api/tiers", R"({"id":"stor","share":60,"fee_ore":0})", "tier.update");
    const std::string agreement = R"({"agreements":[{"member":"ribe","tier":"stor","from":"2026-01-01"SHARE}]})";
    const auto with = [&](std::string_view share) {
      return std::string(agreement).replace(agreement.find("SHARE"), 5, share);
    };
    const Answer begun = co_await act("POST", "/api/agreements", with(""), "agreement.begin");
    const Answer changed = co_await act("POST", "/api/agreements", with(R"(,"share":5)"), "agreement.change");
    co_await act("POST", "/api/agreements",
                 fmt::format(R"({{"ended":["{}"]}})", text_at(changed.body, "steps.0.after.id")), "agreement.end");
    co_await act("DELETE", "/api/tiers/stor", "", "tier.remove");
    co_await act("POST", "/api/shares/check", "", "share.check");
    co_await act("POST", "/api/catalogue", R"({"definition":{"id":"a/new"}})", "model.add");
    co_await act("PUT", "/api/catalogue/a%2Fnew", R"({"definition":{"id":"a/new","name":"N"},"version":1})",
                 "model.change");
    co_await act("PUT", "/api/aliases/best", R"({"model":"a/new"})", "alias.move");
    co_await act("PUT", "/api/aliases/best", R"({"model":"m","version":1})", "alias.move");
    co_await act("POST", "/api/aliases/best/rollback", R"({"version":2})", "alias.rollback");
    co_await act("DELETE", "/api/aliases/best", "", "alias.remove");
    world.keeping.downloads["a/new"] = {.source = "hf:o/r/x.gguf"};
    co_await act("POST", "/api/catalogue/a%2Fnew/fetch", "", "model.fetch");
    co_await act("DELETE", "/api/catalogue/a%2Fnew", "", "model.remove");
    for (const Portal::Route& route : Portal::routes()) {
      if (route.method == http::Method::get || route.action.empty()) continue;
      if (route.action == "front_end.test" || route.action == "agreement.plan") continue;  // they change nothing
      if (route.action.ends_with("_words")) continue;   // a person's own words: own_data_test.cpp
      if (route.action == "model.residency") continue;  // residency_test.cpp
      if (route.action.starts_with("maintenance.") || route.action.starts_with("notice."))
        continue;  // maintenance_test.cpp
      EXPECT_TRUE(tried.contains(std::string(route.action))) << route.action << " is not tried above";
    }
  });
}

TEST_F(AuditApi, WhatIsRefusedHasItsRowToo) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const std::string op = co_await world.signed_in_as("drift", "Per", "operator");
    const std::string self = co_await world.user_of(admin);
    const auto refused = [&](std::string method, std::string path, std::string body, std::string cookie,
                             std::string action, std::string object) -> Task<void> {
      world.clock.advance(1s);
      const Answer answer = co_await world.ask(method, path, body, cookie);
      EXPECT_GE(answer.status, 400) << path;
      const std::string audit = (co_await world.ask_owner("GET", "/api/audit?limit=1")).body;
      EXPECT_EQ(text_at(audit, "rows.0.action"), action) << audit;
      EXPECT_EQ(text_at(audit, "rows.0.outcome"), "refused") << audit;
      EXPECT_EQ(text_at(audit, "rows.0.object"), object) << audit;
      EXPECT_EQ(text_at(audit, "rows.0.actor"), co_await world.user_of(cookie)) << audit;
      EXPECT_EQ(text_at(audit, "rows.0.request_id"), answer.header("x-request-id")) << audit;
    };
    co_await refused("POST", "/api/members/aarhus/users", R"({"name":"x"})", anne, "user.create", "aarhus");
    co_await refused("GET", "/api/audit", "", anne, "audit.read", "null");
    co_await refused("GET", "/api/usage?scope=all", "", anne, "usage.read", "null");
    co_await refused("PATCH", "/api/users/" + self, R"({"role":"user"})", admin, "user.update", self);
    co_await refused("PATCH", "/api/users/usr_none", "{}", admin, "user.update", "usr_none");
    co_await refused("GET", "/api/members/odense/users", "", admin, "user.list", "odense");
    co_await refused("GET", "/api/conversations/con_1", "", op, "api.call", "GET /api/conversations/{id}");
    co_await refused("DELETE", "/api/keys/a%22,%3D1", "", admin, "key.revoke", "null");
    co_await refused("PATCH", "/api/users/" + self, "{}", admin + "Sec-Fetch-Site: cross-site\r\n", "user.update",
                     self);
    const std::string reason = (co_await world.ask_owner("GET", "/api/audit?limit=1")).body;
    EXPECT_EQ(text_at(reason, "rows.0.after.refused"), "forbidden") << reason;
  });
}

TEST_F(AuditApi, ManyRefusalsAreFewRows) {
  in_world([](World& world) -> Task<void> {
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    for (int i = 0; i < 200; ++i) (void)co_await world.ask("GET", "/api/audit", {}, anne);
    world.directory->audit().flush(std::nullopt);
    const std::string audit = (co_await world.ask_owner("GET", "/api/audit?action=audit.read&limit=1000")).body;
    json::Document document;
    std::int64_t times = 0, rows = 0;
    for (const json::Value row : document.parse(audit)->find("rows")->items()) {
      times += row.find("times")->integer().value();
      ++rows;
    }
    EXPECT_EQ(times, 200);
    EXPECT_LE(rows, 25);
  });
}

TEST_F(AuditApi, IsReadByAMembersOwnAdministratorsAndAuditors) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    const std::string auditor = co_await world.signed_in_as("aarhus", "Rie", "auditor");
    const std::string theirs = co_await world.signed_in_as("odense", "Ole", "member_admin");
    (void)co_await world.ask("POST", "/api/keys", R"({"name":"ours"})", admin);
    (void)co_await world.ask("POST", "/api/keys", R"({"name":"theirs"})", theirs);
    for (const std::string& cookie : {admin, auditor}) {
      const std::string audit = (co_await world.ask("GET", "/api/audit?action=key.create", {}, cookie)).body;
      EXPECT_EQ(text_at(audit, "rows.0.after.name"), "ours") << audit;
      EXPECT_EQ(text_at(audit, "rows.1"), "") << audit;
      EXPECT_FALSE((co_await world.ask("GET", "/api/audit?member=odense", {}, cookie)).body.contains("odense"));
    }
    const std::string all = (co_await world.ask_owner("GET", "/api/audit?member=odense")).body;
    EXPECT_EQ(text_at(all, "rows.0.object_member"), "odense");
    EXPECT_FALSE(all.contains("aarhus"));
  });
}

TEST_F(AuditApi, ComesInPagesAndAsCsvThatRunsNothing) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    for (int i = 0; i < 5; ++i) {
      world.clock.advance(1s);
      (void)co_await world.ask("POST", "/api/keys", fmt::format(R"x({{"name":"=SUM({})"}})x", i), admin);
    }
    std::vector<std::string> seen;
    std::string next;
    do {
      const Answer page = co_await world.ask(
          "GET", "/api/audit?action=key.create&limit=2" + (next.empty() ? "" : "&before=" + next), {}, admin);
      for (int i = 0; i < 2; ++i)
        if (auto name = text_at(page.body, fmt::format("rows.{}.after.name", i)); !name.empty()) seen.push_back(name);
      next = text_at(page.body, "next");
    } while (next != "null" && seen.size() < 20);
    EXPECT_EQ(seen, (std::vector<std::string>{"=SUM(4)", "=SUM(3)", "=SUM(2)", "=SUM(1)", "=SUM(0)"}));
    const Answer csv = co_await world.ask("GET", "/api/audit?format=csv&limit=1&action=key.create", {}, admin);
    EXPECT_EQ(csv.header("Content-Type"), "text/csv; charset=utf-8");
    EXPECT_FALSE(csv.header("x-next").empty());
    EXPECT_TRUE(csv.body.starts_with(csv_audit_head)) << csv.body;
    EXPECT_TRUE(csv.body.contains(R"x("{""name"":""=SUM(4)"")x")) << "inside a text: " << csv.body;
    const Answer excel = co_await world.ask("GET", "/api/audit?format=excel&limit=1", {}, admin);
    EXPECT_TRUE(excel.body.starts_with("\xEF\xBB\xBFid;at;actor_kind;")) << excel.body;
    for (const auto& [query, param] : {std::pair("from=today", "from"), std::pair("format=xml", "format"),
                                       std::pair("limit=1001", "limit"), std::pair("before=aud_none", "before")}) {
      const Answer wrong = co_await world.ask("GET", fmt::format("/api/audit?{}", query), {}, admin);
      EXPECT_EQ(wrong.status, 400) << query;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param);
    }
  });
}

TEST(Csv, DisarmsWhatASpreadsheetWouldRun) {
  EXPECT_EQ(csv_field("=1+1"), "'=1+1");
  for (const char* text : {"+1", "-1", "@x", "\tx"}) EXPECT_EQ(csv_field(text), "'" + std::string(text));
  EXPECT_EQ(csv_field("\rx"), "\"'\rx\"");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("a;b"), "a;b");
  EXPECT_EQ(csv_field("a;b", ';'), "\"a;b\"");
  EXPECT_EQ(csv_line(CsvForm::excel, {"a", "b,c", "d\"e"}), "a;b,c;\"d\"\"e\"\r\n");
}

}  // namespace
}  // namespace faelled::portal
