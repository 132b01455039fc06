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

}  // namespace
}  // namespace faelled::portal
