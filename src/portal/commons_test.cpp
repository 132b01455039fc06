#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class Commons : public PortalTest {};

rpc::TicketStatus waiting_ticket(const std::string& member, const std::string& caller) {
  rpc::TicketStatus status;
  status.request_id = "req_1";
  status.member = member;
  status.caller = caller;
  status.model = "m";
  status.cause = rpc::WaitCause::borrowing;
  status.position = 3;
  status.share_percent = 140;
  status.waited = 2s;
  status.turn_in = 20s;
  return status;
}

TEST_F(Commons, SaysWhyATicketWaitsToWhomItConcernsAlone) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string me = text_at((co_await world.ask("GET", "/api/session", {}, cookie)).body, "user.id");
    world.mesh.status = waiting_ticket("aarhus", me);
    const Answer mine = co_await world.ask("GET", "/api/tickets/req_1", {}, cookie);
    EXPECT_EQ(mine.status, 200) << mine.body;
    EXPECT_EQ(text_at(mine.body, "cause"), "borrowing");
    EXPECT_EQ(text_at(mine.body, "position"), "3");
    EXPECT_EQ(text_at(mine.body, "turn_in_ms"), "20000");
    EXPECT_EQ(text_at(mine.body, "message_da"), "Alle pladser på 'm' er i brug; I bruger 140 % af jeres andel.");
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/tickets/req_1")).status, 200);
    EXPECT_EQ((co_await world.ask("GET", "/api/tickets/req_2", {}, cookie)).status, 404);
    const std::string colleague = co_await world.signed_in("aarhus", "Bo");
    EXPECT_EQ((co_await world.ask("GET", "/api/tickets/req_1", {}, colleague)).status, 404)
        << "whose it is, is not told";
    const std::string admin = co_await world.signed_in_as("aarhus", "Eva", "member_admin");
    EXPECT_EQ((co_await world.ask("GET", "/api/tickets/req_1", {}, admin)).status, 200);
    const std::string other = co_await world.signed_in_as("odense", "Per", "member_admin");
    EXPECT_EQ((co_await world.ask("GET", "/api/tickets/req_1", {}, other)).status, 404);
  });
}

TEST_F(Commons, ShowsAMemberItsShareAndOperatorsAll) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    (void)co_await world.signed_in("odense", "Per");
    rpc::MemberShare share;
    share.member = "aarhus";
    share.share = 3;
    share.shares_all = 4;
    share.places = 2;
    share.lent = 7200;
    share.entitled_per_s = 2;
    share.wait_p95 = 1500ms;
    world.mesh.all_shares = {share};
    world.mesh.all_past = {{WallTime{}, 100, 60, 40, 0, 10ms, 20ms}};
    const Answer mine = co_await world.ask("GET", "/api/share", {}, cookie);
    EXPECT_EQ(mine.status, 200) << mine.body;
    EXPECT_EQ(text_at(mine.body, "share"), "3");
    EXPECT_EQ(text_at(mine.body, "lent_hours"), "1");
    EXPECT_EQ(text_at(mine.body, "borrowed_hours"), "0");
    EXPECT_EQ(text_at(mine.body, "wait_p95_ms"), "1500");
    EXPECT_EQ(text_at(mine.body, "wait_max_ms"), "120000");
    EXPECT_EQ(text_at(mine.body, "places"), "2");
    EXPECT_EQ(text_at(mine.body, "past.0.lent"), "40");
    EXPECT_EQ((co_await world.ask("GET", "/api/share?member=odense", {}, cookie)).status, 403);
    const Answer quiet = co_await world.ask_owner("GET", "/api/share?member=odense");
    EXPECT_EQ(text_at(quiet.body, "delivered"), "0") << "a member that has asked for nothing yet";
    EXPECT_EQ(text_at(quiet.body, "lent_hours"), "null");
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/share")).status, 400);
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/share?member=none")).status, 404);
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/shares")).body, "members.0.member"), "aarhus");
  });
}

TEST_F(Commons, TellsWhatTheLastCheckFoundAndThatOneRuns) {
  in_world([](World& world) -> Task<void> {
    const std::string never = (co_await world.ask_owner("GET", "/api/shares")).body;
    EXPECT_EQ(text_at(never, "floor_violations"), "null");
    EXPECT_EQ(text_at(never, "check.running"), "false");
    EXPECT_EQ(text_at(never, "check.checked_at"), "null");
    EXPECT_EQ(text_at(never, "check.events"), "null");

    const Answer begun = co_await world.ask_owner("POST", "/api/shares/check");
    EXPECT_EQ(begun.status, 202) << begun.body;
    EXPECT_EQ(text_at(begun.body, "running"), "true");
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/shares")).body, "check.running"), "true");
    const Answer second = co_await world.ask_owner("POST", "/api/shares/check", "{}");
    EXPECT_EQ(second.status, 409) << second.body;
    EXPECT_EQ(text_at(second.body, "error.message_da"), "Der kontrolleres allerede. Vent på, hvad der bliver fundet.");
    EXPECT_EQ(world.check.begun, 1);

    CheckFindings found;
    found.checked_at = world.clock.wall();
    found.from = world.clock.wall() - std::chrono::hours(2);
    found.to = world.clock.wall() - std::chrono::hours(1);
    found.events = 12'345;
    world.check.end(found);
    const std::string clean = (co_await world.ask_owner("GET", "/api/shares")).body;
    EXPECT_EQ(text_at(clean, "floor_violations"), "0");
    EXPECT_EQ(text_at(clean, "check.running"), "false");
    EXPECT_EQ(text_at(clean, "check.events"), "12345");
    EXPECT_EQ(text_at(clean, "check.from"), "2025-12-31T22:00:00.000000Z");
    EXPECT_EQ(text_at(clean, "check.checked_at"), "2026-01-01T00:00:00.000000Z");

    EXPECT_EQ((co_await world.ask_owner("POST", "/api/shares/check")).status, 202) << "again";
    found.violations = 5;
    found.floor_violations = found.faults = 3;
    found.first_faults = {"2026-01-01-000001.log:41: breaks a promise"};
    world.check.end(found);
    const std::string red = (co_await world.ask_owner("GET", "/api/shares")).body;
    EXPECT_EQ(text_at(red, "floor_violations"), "3");
    EXPECT_EQ(text_at(red, "check.faults"), "3");
    EXPECT_EQ(text_at(red, "check.first_faults.0"), found.first_faults[0]);
  });
}

TEST_F(Commons, ZeroOfNoDecisionIsNotZero) {
  in_world([](World& world) -> Task<void> {
    CheckFindings found;
    found.skipped = 12'345;
    world.check.end(found);
    const std::string body = (co_await world.ask_owner("GET", "/api/shares")).body;
    EXPECT_EQ(text_at(body, "floor_violations"), "null");
    EXPECT_EQ(text_at(body, "check.skipped"), "12345");
  });
}

TEST_F(Commons, ACheckIsForOperatorsAndTakesNoFields) {
  in_world([](World& world) -> Task<void> {
    const std::string admin = co_await world.signed_in_as("aarhus", "Eva", "member_admin");
    EXPECT_EQ((co_await world.ask("POST", "/api/shares/check", {}, admin)).status, 403);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/shares/check", R"({"all":true})")).status, 400);
    EXPECT_EQ(world.check.begun, 0);
  });
}

}  // namespace
}  // namespace faelled::portal
