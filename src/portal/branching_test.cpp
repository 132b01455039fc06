#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class Branching : public PortalTest {};

std::string at(const std::string& conversation, std::string_view more = {}) {
  return fmt::format("/api/conversations/{}{}", conversation, more);
}

void remembers(World& world, std::uint32_t tokens) {
  rpc::ModelStatus status;
  status.model = "m";
  status.context_tokens = tokens;
  world.mesh.states = {status};
}

TEST_F(Branching, AnEditedQuestionStandsBesideTheOldOneWhichStays) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, "Hvad er en ø?", "Land i søen.");
    const std::string second = co_await world.answered(cookie, of, "Og en holm?", "En lille ø.");
    const Answer before = co_await world.ask("GET", at(of), {}, cookie);
    EXPECT_EQ(text_at(before.body, "leaf"), second);
    EXPECT_EQ(text_at(before.body, "messages.0.parent"), "null");
    EXPECT_EQ(text_at(before.body, "messages.3.parent"), text_at(before.body, "messages.2.id"));
    const std::string first_answer = text_at(before.body, "messages.1.id");

    const std::string other = co_await world.answered_to(
        cookie, of, fmt::format(R"({{"content":"Og et skær?","after":"{}"}})", first_answer), "En sten.");
    EXPECT_TRUE(world.sayings[2]->request.contains("Land i søen."));
    EXPECT_FALSE(world.sayings[2]->request.contains("holm")) << "the other branch is not asked with";
    const Answer after = co_await world.ask("GET", at(of), {}, cookie);
    EXPECT_EQ(text_at(after.body, "leaf"), other);
    EXPECT_EQ(text_at(after.body, "messages.3.content"), "En lille ø.") << "nothing is lost";
    EXPECT_EQ(text_at(after.body, "messages.4.parent"), first_answer);

    (void)co_await world.answered_to(cookie, of, R"({"content":"Noget helt andet","after":""})", "Ja.");
    EXPECT_FALSE(world.sayings[3]->request.contains("ø")) << "it begins the conversation anew";
    const Answer back = co_await world.ask("PATCH", at(of), fmt::format(R"({{"leaf":"{}"}})", second), cookie);
    EXPECT_EQ(text_at(back.body, "leaf"), second);
    (void)co_await world.turn(cookie, of, "Og en halvø?");
    EXPECT_TRUE(world.sayings[4]->request.contains("holm")) << "the branch that is read goes on";

    const Answer wrong = co_await world.ask("PATCH", at(of), R"({"leaf":"msg_none"})", cookie);
    EXPECT_EQ(wrong.status, 400);
    EXPECT_EQ(text_at(wrong.body, "error.param"), "leaf");
    EXPECT_EQ((co_await world.ask("PATCH", at(of), "{}", cookie)).status, 400);
  });
}

TEST_F(Branching, AnAnswerWrittenAgainStandsBesideTheFirst) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string first = co_await world.answered(cookie, of, "Hvad er en ø?", "Land i søen.");
    const std::string second =
        co_await world.answered_to(cookie, of, fmt::format(R"({{"again":"{}"}})", first), "Noget med vand om.");
    EXPECT_NE(first, second);
    EXPECT_EQ(world.sayings[1]->request, world.sayings[0]->request) << "the same is asked";
    const Answer read = co_await world.ask("GET", at(of), {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "Land i søen.");
    EXPECT_EQ(text_at(read.body, "messages.2.content"), "Noget med vand om.");
    EXPECT_EQ(text_at(read.body, "messages.1.parent"), text_at(read.body, "messages.2.parent"));
    const std::string question = text_at(read.body, "messages.0.id");
    for (const auto& [body, status] :
         {std::pair(fmt::format(R"({{"again":"{}"}})", question), 400),
          std::pair(std::string(R"({"again":"msg_none"})"), 404),
          std::pair(std::string(R"({"content":"x","after":"msg_none"})"), 404),
          std::pair(fmt::format(R"({{"again":"{}","content":"x"}})", first), 400), std::pair(std::string("{}"), 400)}) {
      EXPECT_EQ((co_await world.ask("POST", at(of, "/turns"), body, cookie)).status, status) << body;
    }
  });
}

TEST_F(Branching, WhatIsCarriedOverOfAnAnswerThatIsWrittenIsNotWrittenThere) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, "Hvad er en ø?", "Land i søen.");
    (void)co_await world.turn(cookie, of, "Og en holm?");
    co_await net::turns_until(world.loop, [&] { return world.sayings.size() > 1; });
    const Answer made = co_await world.ask("POST", "/api/conversations",
                                           fmt::format(R"({{"model":"m","title":"x","last_of":"{}"}})", of), cookie);
    EXPECT_EQ(made.status, 201) << made.body;
    const std::string carried = text_at(made.body, "id");
    const Answer read = co_await world.ask("GET", at(carried), {}, cookie);
    EXPECT_TRUE(read.body.contains("Og en holm?")) << read.body;
    EXPECT_FALSE(read.body.contains(R"("state":"running")")) << read.body;
    EXPECT_EQ((co_await world.ask("POST", at(carried, "/turns"), R"({"content":"Og?"})", cookie)).status, 202);
  });
}

TEST_F(Branching, AnAnswerThatEndedAtItsLimitSaysSoAndGoesOnWhereItStopped) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string answer = co_await world.answered(cookie, of, "Tæl", "1, 2, æ", "length");
    Answer read = co_await world.ask("GET", at(of), {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.limit"), "tokens");
    EXPECT_EQ(text_at(read.body, "messages.1.usage.output_tokens"), "3");

    const Answer started =
        co_await world.ask("POST", at(of, "/turns"), fmt::format(R"({{"further":"{}"}})", answer), cookie);
    EXPECT_EQ(started.status, 202) << started.body;
    EXPECT_EQ(text_at(started.body, "answer.id"), answer) << "it is the same answer";
    EXPECT_EQ(text_at(started.body, "user_message"), "null");
    co_await net::turns_until(world.loop, [&] { return world.sayings.size() > 1; });
    EXPECT_TRUE(world.sayings[1]->request.contains(R"({"role":"assistant","content":"1, 2, æ"},{"role":"user")"))
        << world.sayings[1]->request;
    world.sayings[1]->say(", 4");
    const std::string turn = text_at(started.body, "turn.id");
    Peer viewer = co_await world.open(fmt::format("/api/turns/{}/events?after=8", turn), cookie);
    EXPECT_TRUE(co_await viewer.hears(", 4"));
    read = co_await world.ask("GET", at(of), {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "1, 2, æ, 4") << "while it is written";
    EXPECT_EQ(text_at(read.body, "messages.1.state"), "running");
    EXPECT_FALSE(read.body.contains(R"("output_tokens":3)")) << "that was of the shorter one: " << read.body;
    EXPECT_EQ(text_at(read.body, "turn.id"), turn);
    world.sayings[1]->finish();
    const Answer rest = co_await world.ask("GET", fmt::format("/api/turns/{}/events?after=8", turn), {}, cookie);
    EXPECT_TRUE(rest.body.contains(R"(data: {"text":", 4"})")) << "who has the beginning gets the rest: " << rest.body;
    EXPECT_TRUE(rest.body.contains(R"("limit":null)"));
    read = co_await world.ask("GET", at(of), {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "1, 2, æ, 4");
    EXPECT_EQ(text_at(read.body, "messages.1.limit"), "null");
    EXPECT_EQ(text_at(read.body, "messages.2"), "") << "no message more";
  });
}

TEST_F(Branching, AConversationThatDoesNotFitIsRefusedAndNothingIsKeptOfTheQuestion) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    remembers(world, 200);
    (void)co_await world.answered(cookie, of, "Kort?", "Ja.");
    const std::string question(900, 'x');
    const Answer refused =
        co_await world.ask("POST", at(of, "/turns"), fmt::format(R"({{"content":"{}"}})", question), cookie);
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(text_at(refused.body, "error.code"), "context_length_exceeded");
    EXPECT_EQ(world.sayings.size(), 1U) << "no engine was asked";
    EXPECT_EQ(text_at((co_await world.ask("GET", at(of), {}, cookie)).body, "messages.2"), "");

    remembers(world, 500);
    (void)co_await world.turn(cookie, of, question);
    EXPECT_TRUE(world.sayings[1]->request.contains(R"("max_tokens":226)"))
        << "the engine is asked for no more than there is room for: " << world.sayings[1]->request.substr(0, 80);
  });
}

TEST_F(Branching, ANewConversationBeginsWithTheLastMessagesOfALongOne) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, std::string(1000, 'a'), "Ja.");
    (void)co_await world.answered(cookie, of, "Og så?", "Nej.");
    remembers(world, 400);
    const std::string body = fmt::format(R"({{"model":"m","title":"Videre","last_of":"{}"}})", of);
    const Answer made = co_await world.ask("POST", "/api/conversations", body, cookie);
    EXPECT_EQ(made.status, 201) << made.body;
    const Answer read = co_await world.ask("GET", at(text_at(made.body, "id")), {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.0.content"), "Og så?");
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "Nej.");
    EXPECT_EQ(text_at(read.body, "messages.1.parent"), text_at(read.body, "messages.0.id"));
    EXPECT_EQ(text_at(read.body, "leaf"), text_at(read.body, "messages.1.id"));
    EXPECT_EQ(text_at(read.body, "messages.2"), "");
    (void)co_await world.turn(cookie, text_at(made.body, "id"), "Og mere?");
    EXPECT_TRUE(world.sayings.back()->request.contains("Og så?"));
    const std::string stranger = co_await world.signed_in("odense", "Ole");
    EXPECT_EQ((co_await world.ask("POST", "/api/conversations", body, stranger)).status, 404)
        << "nobody carries on another's";
  });
}

TEST_F(Branching, ANewConversationBeginsWithASummaryOfALongOne) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), old = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, old, "Hvad er en ø?", "Land i søen.");
    const std::string fresh = co_await world.conversation(cookie);
    (void)co_await world.answered_to(
        cookie, fresh, fmt::format(R"({{"content":"Giv et resumé.","summary_of":"{}"}})", old), "Vi talte om øer.");
    EXPECT_TRUE(world.sayings[1]->request.contains("Hvad er en ø?"));
    EXPECT_TRUE(world.sayings[1]->request.contains("Land i søen."));
    Answer read = co_await world.ask("GET", at(fresh), {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.usage"), "null") << "what was read is not in this conversation";
    const std::string again =
        fmt::format(R"({{"again":"{}","summary_of":"{}"}})", text_at(read.body, "messages.1.id"), old);
    (void)co_await world.answered_to(cookie, fresh, again, "Vi talte om øer.");
    EXPECT_TRUE(world.sayings[2]->request.contains("Land i søen.")) << "a second summary reads what the first one read";
    (void)co_await world.turn(cookie, fresh, "Og holme?");
    EXPECT_TRUE(world.sayings[3]->request.contains("Vi talte om øer."));
    EXPECT_FALSE(world.sayings[3]->request.contains("Land i søen.")) << "the summary stands for it";
  });
}

TEST_F(Branching, TwoQuestionsInARowAreAskedAsOne) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of, "Første");
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/" + turn, {}, cookie)).status, 204);  // before its first word
    (void)co_await world.ask("GET", fmt::format("/api/turns/{}/events", turn), {}, cookie);
    const std::size_t before = world.sayings.size();
    (void)co_await world.turn(cookie, of, "Anden");
    EXPECT_GT(world.sayings.size(), before);
    EXPECT_TRUE(world.sayings.back()->request.contains(R"({"role":"user","content":"Første\n\nAnden"})"))
        << world.sayings.back()->request;
  });
}

}  // namespace
}  // namespace faelled::portal
