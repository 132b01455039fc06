#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class Residency : public PortalTest {};

// A model that lies there, one that makes room for it once it is wanted, and what happened.
void fill(OpenMesh& mesh) {
  mesh.promised = 1s;
  mesh.all_devices = {{.node = "local", .device = "gpu0", .bytes = 80, .taken = 30, .reserved = 20}};
  mesh.all_residency = {{.model = "m",
                         .node = "local",
                         .device = "gpu0",
                         .state = rpc::EngineState::draining,
                         .cause = rpc::ResidencyCause::line_empty,
                         .other = "org/big:7b",
                         .in_state = 2500ms,
                         .bytes = 30,
                         .bytes_read = 29,
                         .load_time = 12s,
                         .asked_per_hour = 4.5,
                         .running = 1,
                         .copies = {{.node = "local",
                                     .device = "gpu1",
                                     .state = rpc::EngineState::ready,
                                     .cause = rpc::ResidencyCause::busy,
                                     .in_state = 1500ms,
                                     .taken = 29,
                                     .running = 1}}},
                        {.model = "org/big:7b", .bytes = 50, .ready_in = 9s, .waiting = 2}};
  for (std::uint64_t number = 1; number <= 5; ++number)
    mesh.all_events.push_back({.number = number,
                               .at = from_unix_micros(1'780'000'000'000'000LL),
                               .what = rpc::ResidencyEvent::What::ready,
                               .cause = rpc::ResidencyCause::asked,
                               .model = "m",
                               .node = "local",
                               .device = "gpu0",
                               .bytes = 30,
                               .took = 1500ms,
                               .detail = number == 5 ? "said \"no\"" : ""});
}

TEST_F(Residency, SaysWhichModelLiesWhereAndWhy) {
  in_world([](World& world) -> Task<void> {
    fill(world.mesh);
    const Answer all = co_await world.ask_owner("GET", "/api/residency");
    EXPECT_EQ(all.status, 200) << all.body;
    EXPECT_EQ(text_at(all.body, "at"), "2026-01-01T00:00:00.000000Z");
    EXPECT_EQ(
        text_at(all.body, "devices.0"),
        R"({"node":"local","device":"gpu0","kind":"host","name":null,"bytes":80,"taken":30,"reserved":20,"cards":1})");
    EXPECT_EQ(
        text_at(all.body, "models.0"),
        R"({"id":"m","name":"A model","engine":"openai","serves":"chat","aliases":[],"members":[],)"
        R"("adapters":[],"node":"local",)"
        R"("device":"gpu0","memory":"host","state":"draining","cause":"line_empty","other":"org/big:7b","in_state_s":2.5,)"
        R"("bytes":30,"bytes_read":29,"taken":0,"backing":null,"backed":0,"sleep_level":null,"can_sleep":false,"pinned":false,)"
        R"("fits":true,"may_be_tried":false,"detail":null,"load_s":12,"wake_s":null,"ready_in_s":null,)"
        R"("asked_per_hour":4.5,"running":1,"waiting":0,"fetching":null,"copies":[{"node":"local","device":"gpu1",)"
        R"("state":"ready","cause":"busy","other":null,"in_state_s":1.5,"taken":29,"running":1}]})");
    EXPECT_EQ(text_at(all.body, "models.1.node"), "null");
    EXPECT_EQ(text_at(all.body, "models.1.engine"), "null") << "it has left the catalogue";
    EXPECT_EQ(text_at(all.body, "models.1.cause"), "none");
    EXPECT_EQ(text_at(all.body, "models.1.ready_in_s"), "9");
    EXPECT_EQ(text_at(all.body, "wait_at_most_s"), "120")
        << "as limits.wait_s has it: zero, where no model was switched yet, is a promise too";
    EXPECT_EQ(text_at(all.body, "modelled_energy"), "null");
    world.mesh.drawn = rpc::ModelledEnergy{1.5, 0.25};
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/residency")).body, "modelled_energy"),
              R"({"idle_wh":1.5,"load_wh":0.25})");
    world.mesh.promised = 60s;
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/residency")).body, "wait_at_most_s"), "120")
        << "limits.wait_s is longer";
    world.mesh.promised = std::nullopt;
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/residency")).body, "wait_at_most_s"), "null");
    world.mesh.promised = 150500ms;
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/residency")).body, "wait_at_most_s"), "150.5");
  });
}

TEST_F(Residency, TellsWhatHappenedNewestFirstInPagesAndAsCsv) {
  in_world([](World& world) -> Task<void> {
    fill(world.mesh);
    const Answer first = co_await world.ask_owner("GET", "/api/residency/events?limit=2");
    EXPECT_EQ(text_at(first.body, "events.0.number"), "5") << first.body;
    EXPECT_EQ(text_at(first.body, "events.0.took_s"), "1.5");
    EXPECT_EQ(text_at(first.body, "events.1.detail"), "null");
    EXPECT_EQ(text_at(first.body, "next"), "4");
    const Answer last = co_await world.ask_owner("GET", "/api/residency/events?limit=3&before=4");
    EXPECT_EQ(text_at(last.body, "events.2.number"), "1") << last.body;
    EXPECT_EQ(text_at(last.body, "next"), "null");
    const Answer csv = co_await world.ask_owner("GET", "/api/residency/events?limit=1&format=csv");
    EXPECT_EQ(csv.body,
              "number,at,what,cause,model,other,node,device,bytes,took_ms,detail,sleep_level\r\n"
              "5,2026-05-28T20:26:40.000000Z,ready,asked,m,,local,gpu0,30,1500,\"said \"\"no\"\"\",\r\n");
    EXPECT_EQ(csv.header("x-next"), "5");
    const Answer more = co_await world.ask_owner("GET", "/api/residency/events?limit=1&format=excel&before=5");
    EXPECT_TRUE(more.body.starts_with("4;")) << "one heading: " << more.body;
    for (const auto& [query, param] : {std::pair("before=x", "before"), std::pair("before=0", "before"),
                                       std::pair("limit=501", "limit"), std::pair("format=xml", "format")}) {
      const Answer wrong = co_await world.ask_owner("GET", fmt::format("/api/residency/events?{}", query));
      EXPECT_EQ(wrong.status, 400) << query;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param);
    }
  });
}

TEST_F(Residency, AnOrderIsCarriedOutAndHasItsRow) {
  in_world([](World& world) -> Task<void> {
    fill(world.mesh);
    const std::string op = co_await world.signed_in_as("drift", "Per", "operator");
    const Answer pinned = co_await world.ask("POST", "/api/models/m/residency", R"({"act":"pin"})", op);
    EXPECT_EQ(pinned.status, 200) << pinned.body;
    EXPECT_EQ(text_at(pinned.body, "pinned"), "true") << "as it stands then";
    world.clock.advance(1s);
    const Answer loaded = co_await world.ask("POST", "/api/models/org%2Fbig%3A7b/residency", R"({"act":"load"})", op);
    EXPECT_EQ(loaded.status, 200) << loaded.body;
    EXPECT_EQ(world.mesh.ordered, (std::vector<std::pair<std::string, rpc::ResidencyAct>>{
                                      {"m", rpc::ResidencyAct::pin}, {"org/big:7b", rpc::ResidencyAct::load}}));
    const std::string audit = (co_await world.ask_owner("GET", "/api/audit?limit=2")).body;
    EXPECT_EQ(text_at(audit, "rows.0.action"), "model.load") << audit;
    EXPECT_EQ(text_at(audit, "rows.0.object"), "org/big:7b");
    EXPECT_EQ(text_at(audit, "rows.0.outcome"), "done");
    EXPECT_EQ(text_at(audit, "rows.1.action"), "model.pin");
    EXPECT_EQ(text_at(audit, "rows.1.actor_name"), "Per");
    EXPECT_EQ(text_at(audit, "rows.1.request_id"), pinned.header("x-request-id"));
  });
}

TEST_F(Residency, PutsAModelToSleepAndWakesIt) {
  in_world([](World& world) -> Task<void> {
    fill(world.mesh);
    rpc::ModelResidency& m = world.mesh.all_residency[0];
    m.state = rpc::EngineState::ready;
    m.can_sleep = true;
    m.wake_time = 900ms;
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/models/m/residency", R"({"act":"sleep"})")).status, 200);
    m.state = rpc::EngineState::asleep;
    m.taken = 2;
    m.backing = "host";
    m.backed = 20;
    m.sleep_level = 1;
    const Answer asleep = co_await world.ask_owner("POST", "/api/models/m/residency", R"({"act":"wake"})");
    EXPECT_EQ(asleep.status, 200) << asleep.body;
    EXPECT_EQ(text_at(asleep.body, "state"), "asleep");
    EXPECT_EQ(text_at(asleep.body, "taken"), "2");
    EXPECT_EQ(text_at(asleep.body, "backing"), "host");
    EXPECT_EQ(text_at(asleep.body, "wake_s"), "0.9");
    EXPECT_EQ(text_at(asleep.body, "sleep_level"), "1");
    EXPECT_EQ(world.mesh.ordered, (std::vector<std::pair<std::string, rpc::ResidencyAct>>{
                                      {"m", rpc::ResidencyAct::sleep}, {"m", rpc::ResidencyAct::wake}}));
  });
}

TEST_F(Residency, ARefusedOrderHasItsRowToo) {
  in_world([](World& world) -> Task<void> {
    fill(world.mesh);
    const auto refused = [&](std::string path, std::string act, int status, std::string why,
                             std::string object) -> Task<void> {
      world.clock.advance(1s);
      const Answer answer = co_await world.ask_owner("POST", path, fmt::format(R"({{"act":"{}"}})", act));
      EXPECT_EQ(answer.status, status) << answer.body;
      EXPECT_TRUE(text_at(answer.body, "error.message").contains(why)) << answer.body;
      EXPECT_FALSE(text_at(answer.body, "error.message_da").empty());
      const std::string audit = (co_await world.ask_owner("GET", "/api/audit?limit=1")).body;
      EXPECT_EQ(text_at(audit, "rows.0.action"), "model." + act) << audit;
      EXPECT_EQ(text_at(audit, "rows.0.outcome"), "refused") << audit;
      EXPECT_EQ(text_at(audit, "rows.0.object"), object) << audit;
    };
    co_await refused("/api/models/none/residency", "load", 404, "no such model", "none");
    co_await refused("/api/models/m/residency", "sleep", 409, "cannot sleep", "m");
    co_await refused("/api/models/m/residency", "wake", 409, "does not sleep", "m");
    world.mesh.all_residency[0].can_sleep = true;
    co_await refused("/api/models/m/residency", "sleep", 409, "that is ready", "m");
    world.mesh.all_residency[0].state = rpc::EngineState::ready;
    world.mesh.all_residency[0].pinned = true;
    co_await refused("/api/models/m/residency", "sleep", 409, "unpin it first", "m");
    world.mesh.all_residency[0].pinned = false;
    world.mesh.all_residency[0].fits = false;
    co_await refused("/api/models/m/residency", "pin", 409, "large enough", "m");
    world.mesh.all_residency[0].detail = "it needs 30 GB, of which pinned models keep too much";
    co_await refused("/api/models/m/residency", "load", 409, "pinned models keep too much", "m");
    const auto in_danish = [&]() -> Task<std::string> {
      const Answer answer = co_await world.ask_owner("POST", "/api/models/m/residency", R"({"act":"load"})");
      co_return text_at(answer.body, "error.message_da");
    };
    world.mesh.all_devices[0].bytes = world.mesh.all_residency[0].bytes;
    EXPECT_THAT(co_await in_danish(), testing::HasSubstr("Fastholdte modeller"));
    world.mesh.all_devices[0].cards = 2;
    EXPECT_THAT(co_await in_danish(), testing::HasSubstr("stor nok")) << "a group is no memory for it";
    world.mesh.all_residency[0].spreads = true;
    EXPECT_THAT(co_await in_danish(), testing::HasSubstr("Fastholdte modeller"));
    world.mesh.all_residency[0].pinned = true;
    co_await refused("/api/models/m/residency", "unload", 409, "unpin it first", "m");
    world.mesh.all_residency[0].bytes = 0;
    co_await refused("/api/models/m/residency", "unload", 409, "runs elsewhere", "m");
    EXPECT_TRUE((co_await world.ask_owner("GET", "/api/audit?action=model.pin")).body.contains("refused"));
    EXPECT_FALSE((co_await world.ask_owner("GET", "/api/audit?object=m")).body.contains(R"("outcome":"done")"));
    fill(world.mesh);
    world.mesh.refuses = "It is on its way out";
    co_await refused("/api/models/m/residency", "load", 409, "on its way out", "m");
    EXPECT_TRUE(world.mesh.ordered.empty());
  });
}

TEST_F(Residency, NonsenseOrdersNothing) {
  in_world([](World& world) -> Task<void> {
    fill(world.mesh);
    for (const auto& [body, param] :
         {std::pair(R"({"act":"fly"})", "act"), std::pair("{}", "act"), std::pair(R"({"act":1})", "act"),
          std::pair(R"({"act":"load","device":"gpu1"})", "null")}) {
      const Answer wrong = co_await world.ask_owner("POST", "/api/models/m/residency", body);
      EXPECT_EQ(wrong.status, 400) << body;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param) << wrong.body;
    }
    EXPECT_TRUE(world.mesh.ordered.empty());
  });
}

TEST_F(Residency, IsForOperators) {
  in_world([](World& world) -> Task<void> {
    fill(world.mesh);
    const std::string admin = co_await world.signed_in_as("aarhus", "Ida", "member_admin");
    EXPECT_EQ((co_await world.ask("GET", "/api/residency", {}, admin)).status, 403);
    EXPECT_EQ((co_await world.ask("POST", "/api/models/m/residency", R"({"act":"unload"})", admin)).status, 403);
    const std::string audit = (co_await world.ask_owner("GET", "/api/audit?limit=1")).body;
    EXPECT_EQ(text_at(audit, "rows.0.action"), "model.residency");
    EXPECT_EQ(text_at(audit, "rows.0.object"), "m");
    EXPECT_TRUE(world.mesh.ordered.empty());
  });
}

}  // namespace
}  // namespace faelled::portal
