// An answer that another server was writing when it was lost: nobody else can say that it has ended.
#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class LostAnswer : public PortalTest {};

TEST_F(LostAnswer, OfAServerThatIsNeverStartedAgainHasFailedOnceNoneTakesSoLong) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string user = co_await world.user_of(cookie), turns = "/api/conversations/" + of + "/turns";
    store::Message message;
    message.id = "msg_lost";
    message.role = store::MessageRole::assistant;
    message.content = "so far";
    message.state = store::MessageState::running;
    world.keep(user, of, message);
    world.clock.advance(limits::ticket_wait_max + limits::ticket_total_max);
    EXPECT_EQ((co_await world.ask("POST", turns, R"({"content":"Hej?","after":"msg_lost"})", cookie)).status, 409);
    Answer read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.0.state"), "running");
    world.clock.advance(61s);
    read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.0.state"), "failed");
    EXPECT_EQ(text_at(read.body, "messages.0.content"), "so far");
    EXPECT_EQ(text_at(read.body, "messages.0.error.message_da"), store::interrupted_da);
    (void)co_await world.turn(cookie, of);
    read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.0.state"), "failed") << "and not for the time being alone";
  });
}

}  // namespace
}  // namespace faelled::portal
