#include <filesystem>
#include <fstream>

#include "portal/bulletin.hpp"
#include "portal/world_testing.hpp"
#include "store/sqlite/connection.hpp"

namespace faelled::portal {
namespace {

class Maintenance : public PortalTest {};

TEST_F(Maintenance, StatusIsForEverybodyAndNamesNobody) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.signed_in("aarhus", "Ida");
    world.mesh.states = {{.model = "m", .state = rpc::EngineState::ready, .running = 2, .waiting = 3}};
    const Answer up = co_await world.ask("GET", "/api/status");
    EXPECT_EQ(up.status, 200);
    EXPECT_EQ(text_at(up.body, "state"), "up") << up.body;
    EXPECT_EQ(text_at(up.body, "models.0.name"), "A model");
    EXPECT_EQ(text_at(up.body, "models.0.state"), "ready");
    EXPECT_EQ(text_at(up.body, "waiting"), "3");
    EXPECT_EQ(text_at(up.body, "running"), "2");
    EXPECT_FALSE(up.body.contains("aarhus") || up.body.contains("Ida"));
    world.mesh.states[0].state = rpc::EngineState::failed;
    world.mesh.states[0].detail = "/secret/path";
    const Answer down = co_await world.ask("GET", "/api/status");
    EXPECT_EQ(text_at(down.body, "state"), "down") << "its only model";
    EXPECT_FALSE(down.body.contains("secret"));
    EXPECT_EQ((co_await world.ask("GET", "/api/status?format=xml")).status, 400);
  });
}

TEST_F(Maintenance, StatusIsWordsToo) {
  in_world([](World& world) -> Task<void> {
    world.mesh.states = {{.model = "m", .state = rpc::EngineState::ready}};
    const Answer danish = co_await world.ask("GET", "/api/status?format=text");
    EXPECT_EQ(danish.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(danish.body.contains("Alt virker.") && danish.body.contains("A model: klar")) << danish.body;
    const Answer english = co_await world.ask("GET", "/api/status?format=text&language=en");
    EXPECT_TRUE(english.body.contains("Everything works.") && english.body.contains("Waiting now: 0")) << english.body;
  });
}

TEST_F(Maintenance, ClosesToNewQuestionsAndTellsWhy) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string conversation = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, conversation);
    const Answer closed = co_await world.ask_owner("PATCH", "/api/maintenance",
                                                   R"({"on":true,"message":"New disks.","message_da":"Nye diske."})");
    EXPECT_EQ(closed.status, 200) << closed.body;
    EXPECT_EQ(text_at(closed.body, "maintenance.on"), "true");

    const std::string other = co_await world.conversation(cookie);
    const Answer refused =
        co_await world.ask("POST", fmt::format("/api/conversations/{}/turns", other), R"({"content":"Hej?"})", cookie);
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(text_at(refused.body, "error.code"), "maintenance");
    EXPECT_EQ(text_at(refused.body, "error.message"), "New disks.");
    EXPECT_EQ(text_at(refused.body, "error.message_da"), "Nye diske.");
    EXPECT_EQ(refused.header("Retry-After"), "60");
    const Answer status = co_await world.ask("GET", "/api/status");
    EXPECT_EQ(text_at(status.body, "maintenance.message_da"), "Nye diske.");
    EXPECT_EQ((co_await world.ask("GET", "/api/session", {}, cookie)).status, 200) << "pages go on";

    world.sayings.back()->say("Ja.");
    world.sayings.back()->finish();
    const Answer answer = co_await world.ask("GET", fmt::format("/api/turns/{}/events", turn), {}, cookie);
    EXPECT_TRUE(answer.body.contains(R"("state":"done")")) << "what ran is finished: " << answer.body;

    EXPECT_EQ((co_await world.ask_owner("PATCH", "/api/maintenance", R"({"on":false})")).status, 200);
    (void)co_await world.turn(cookie, other);
    world.sayings.back()->finish();
  });
}

TEST_F(Maintenance, IsWaitedForAsLongAsItIsSaidToLast) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string conversation = co_await world.conversation(cookie);
    const auto retry_after = [&]() -> Task<std::string> {
      const Answer refused = co_await world.ask("POST", fmt::format("/api/conversations/{}/turns", conversation),
                                                R"({"content":"Hej?"})", cookie);
      co_return refused.header("Retry-After");
    };
    (void)co_await world.ask_owner("PATCH", "/api/maintenance", R"({"on":true,"until":"2026-01-01T00:00:30Z"})");
    EXPECT_EQ(co_await retry_after(), "30");
    (void)co_await world.ask_owner("PATCH", "/api/maintenance", R"({"on":true,"until":"2026-01-02T00:00:00Z"})");
    EXPECT_EQ(co_await retry_after(), "120") << "an SDK does not wait longer";
    (void)co_await world.ask_owner("PATCH", "/api/maintenance", R"({"on":true,"until":null})");
    EXPECT_EQ(co_await retry_after(), "60");
  });
}

TEST_F(Maintenance, AndNoticesOutliveARestart) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("PATCH", "/api/maintenance", R"({"on":true})");
    const Answer made =
        co_await world.ask_owner("POST", "/api/notices", R"({"kind":"announcement","message_da":"Vi flytter."})");
    EXPECT_EQ(made.status, 201) << made.body;
  });
  in_world([](World& world) -> Task<void> {
    const Answer status = co_await world.ask("GET", "/api/status");
    EXPECT_EQ(text_at(status.body, "state"), "maintenance") << status.body;
    EXPECT_EQ(text_at(status.body, "notices.0.message"), "Vi flytter.") << "in the language that was written";
  });
}

TEST_F(Maintenance, IsHeardOfFromAnotherServerOnTheSameStore) {
  in_world([](World& world) -> Task<void> {
    Bulletin bulletin;
    bulletin.maintenance = {true, "New disks.", "Nye diske.", {}};
    world.thread->wait_for([&](store::Store& s) {
      return s.set_setting({std::string(bulletin_setting), to_json(bulletin), world.clock.wall()});
    });
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/status")).body, "maintenance.on"), "false");
    co_await world.portal->follow();
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/status")).body, "maintenance.message"), "New disks.");
  });
}

// Else every further act would be refused as one that another server had forestalled.
TEST_F(Maintenance, IsAsTheDatabaseSaysThatTookThePlaceOfAnother) {
  in_world([this](World& world) -> Task<void> {
    EXPECT_EQ((co_await world.ask_owner("PATCH", "/api/maintenance", R"({"on":true})")).status, 200);
    auto other = std::move(store::sqlite::Connection::open(folder_ / "faelled.db").value());
    EXPECT_EQ(other->change("DELETE FROM settings WHERE key = $1", bulletin_setting).value(), 1);
    co_await world.portal->follow();
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/status")).body, "maintenance.on"), "false");
    EXPECT_EQ((co_await world.ask_owner("PATCH", "/api/maintenance", R"({"on":true})")).status, 200);
  });
}

TEST_F(Maintenance, OfAnotherServerIsNotUndoneByWhatWasDecidedWithoutIt) {
  in_world([](World& world) -> Task<void> {
    const std::string notice = R"({"kind":"announcement","message":"We move."})";
    const std::string id = text_at((co_await world.ask_owner("POST", "/api/notices", notice)).body, "id");
    world.thread->wait_for([&](store::Store& s) {
      Bulletin theirs = bulletin_of(s.find_setting(bulletin_setting).value()->value).value();
      theirs.maintenance = {true, "New disks.", "Nye diske.", {}};
      return s.set_setting({std::string(bulletin_setting), to_json(theirs), world.clock.wall()});
    });
    for (int round = 0; round < 2; ++round) {
      const Answer late = co_await world.ask_owner("DELETE", "/api/notices/" + id);
      EXPECT_EQ(late.status, round == 0 ? 409 : 204) << late.body;
      co_await world.portal->follow();
      EXPECT_EQ(text_at((co_await world.ask("GET", "/api/status")).body, "maintenance.on"), "true");
    }
  });
}

TEST_F(Maintenance, IsForOperatorsAndEachActIsARow) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Ida", "member_admin");
    const std::string operator_ = co_await world.signed_in_as("aarhus", "Olga", "operator");
    for (const auto& [method, path, body] :
         {std::tuple("GET", "/api/maintenance", ""), std::tuple("PATCH", "/api/maintenance", R"({"on":true})"),
          std::tuple("POST", "/api/notices", R"({"kind":"incident","message":"x"})"),
          std::tuple("GET", "/api/engine-log?model=m", "")})
      EXPECT_EQ((co_await world.ask(method, path, body, admin)).status, 403) << method << path;
    EXPECT_EQ((co_await world.ask("PATCH", "/api/maintenance", R"({"on":true})", operator_)).status, 200);
    EXPECT_EQ((co_await world.ask("PATCH", "/api/maintenance", R"({"on":false})", operator_)).status, 200);
    const Answer audit = co_await world.ask("GET", "/api/audit?action=maintenance.on", {}, operator_);
    EXPECT_EQ(text_at(audit.body, "rows.0.outcome"), "done") << audit.body;
    EXPECT_EQ(text_at(audit.body, "rows.0.actor_name"), "Olga");
    EXPECT_EQ(text_at(audit.body, "rows.0.after.maintenance.on"), "true");
  });
}

TEST_F(Maintenance, NoticesAreWrittenSolvedAndRemoved) {
  in_world([](World& world) -> Task<void> {
    const Answer made = co_await world.ask_owner(
        "POST", "/api/notices", R"({"kind":"incident","message":"It is slow.","message_da":"Det er langsomt."})");
    const std::string id = text_at(made.body, "id");
    EXPECT_EQ(text_at(made.body, "until"), "null");
    const Answer solved =
        co_await world.ask_owner("PATCH", "/api/notices/" + id, R"({"until":"2026-01-01T00:00:00Z"})");
    EXPECT_EQ(text_at(solved.body, "until"), "2026-01-01T00:00:00.000000Z");
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/status")).body, "notices.0.id"), id) << "for a week after";
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/notices/" + id)).status, 204);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/notices/" + id)).status, 404);
    EXPECT_EQ((co_await world.ask_owner("PATCH", "/api/notices/none", R"({"until":null})")).status, 404);
    for (const auto& [body, param] :
         {std::pair(R"({"kind":"rumour","message":"x"})", "kind"), std::pair(R"({"kind":"incident"})", "message_da"),
          std::pair(R"({"kind":"incident","message":""})", "message"),
          std::pair(R"({"kind":"incident","message":"x","until":"soon"})", "until"),
          std::pair(R"({"message":"x"})", "kind")}) {
      const Answer wrong = co_await world.ask_owner("POST", "/api/notices", body);
      EXPECT_EQ(wrong.status, 400) << body;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param);
    }
  });
}

TEST_F(Maintenance, ReportSaysHowTheServerStands) {
  in_world([this](World& world) -> Task<void> {
    world.mesh.states = {{.model = "m", .state = rpc::EngineState::failed, .detail = "no such file"}};
    const Answer report = co_await world.ask_owner("GET", "/api/maintenance");
    EXPECT_EQ(report.status, 200) << report.body;
    EXPECT_EQ(text_at(report.body, "data.folder"), folder_.path().string());
    EXPECT_GT(std::stoll(text_at(report.body, "data.used_bytes")), 0);
    EXPECT_GT(std::stoll(text_at(report.body, "data.free_bytes")), 0);
    EXPECT_EQ(text_at(report.body, "last_backup"), "null");
    EXPECT_EQ(text_at(report.body, "alarms.0.id"), "model-down");
    EXPECT_EQ(text_at(report.body, "alarms.0.about"), "m");
    EXPECT_EQ(text_at(report.body, "version"), "1.2.3");
    const Answer log = co_await world.ask_owner("GET", "/api/engine-log?model=m");
    EXPECT_EQ(text_at(log.body, "text"), "null") << "it never ran";
    std::ofstream(folder_.path() / "m.log") << "-- engine starts\n";
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/engine-log?model=m")).body, "text"), "-- engine starts\n");
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/engine-log?model=../../x")).status, 404);
    std::ofstream(folder_.path() / "m@gpu1.log") << "-- a further one starts\n";
    const Answer both = co_await world.ask_owner("GET", "/api/engine-log?model=m");
    EXPECT_EQ(text_at(both.body, "text"), "-- engine starts\n");
    EXPECT_EQ(text_at(both.body, "further.0.device"), "gpu1");
    EXPECT_EQ(text_at(both.body, "further.0.text"), "-- a further one starts\n");
  });
}

// PostgreSQL's own tools back it up, and tell nobody here.
TEST_F(Maintenance, WithoutABackupOfItsOwnThereIsNoAlarmForOne) {
  in_world([this](World& world) -> Task<void> {
    for (const bool own : {true, false}) {
      ServerFacts facts = World::facts_of(folder_.path());
      facts.backs_up = own;
      Watch watch(std::move(facts), *world.context);
      world.clock.advance(limits::backup_age_max + 1h);
      std::vector<std::string> ids;
      for (const StandingAlarm& one : watch.alarms()) ids.push_back(one.alarm.id);
      EXPECT_EQ(std::ranges::count(ids, "backup-old"), own ? 1 : 0);
    }
    co_return;
  });
}

TEST(LastBackup, IsReadFromTheFileThatBackupWrites) {
  store::TestFolder folder;
  const auto put = [&](std::string_view text) { std::ofstream(folder.path() / "last_backup.json") << text; };
  EXPECT_FALSE(last_backup_of(folder.path()));
  put(R"({"made_at_s":1780000000,"bytes":42,"keys":true})");
  const auto found = last_backup_of(folder.path());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->made_at, from_unix_micros(1'780'000'000'000'000LL));
  EXPECT_EQ(found->bytes, 42U);
  for (const char* text :
       {"", "{}", R"({"made_at_s":"x"})", R"({"made_at_s":-1})", R"({"made_at_s":9e18})", "nonsense"}) {
    put(text);
    EXPECT_FALSE(last_backup_of(folder.path())) << text;
  }
}

}  // namespace
}  // namespace faelled::portal
