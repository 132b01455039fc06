#include <fstream>

#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

// Invariant: gone when erased.
class OwnData : public PortalTest {
 protected:
  // All that lies in the data folder, as bytes.
  std::string stored() const {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      all += std::string{std::istreambuf_iterator<char>(stream), {}};
    }
    return all;
  }
};

std::string at(const std::string& conversation, std::string_view more = {}) {
  return fmt::format("/api/conversations/{}{}", conversation, more);
}

TEST_F(OwnData, ADeletedConversationComesBackForTenMinutesAndIsThenErased) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, "Hvad er en ø?", "Land i søen.");
    EXPECT_EQ((co_await world.ask("DELETE", at(of), {}, cookie)).status, 204);
    EXPECT_EQ((co_await world.ask("GET", at(of), {}, cookie)).status, 404);
    EXPECT_EQ((co_await world.ask("DELETE", at(of), {}, cookie)).status, 404);
    const Answer deleted = co_await world.ask("GET", "/api/deleted", {}, cookie);
    EXPECT_EQ(text_at(deleted.body, "deleted.0.id"), of);
    EXPECT_EQ(text_at(deleted.body, "deleted.0.title"), "Hvad er en ø?");
    const std::string stranger = co_await world.signed_in("aarhus", "Ole");
    EXPECT_EQ((co_await world.ask("POST", at(of, "/restore"), {}, stranger)).status, 404);
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/deleted", {}, stranger)).body, "deleted.0"), "");
    world.clock.advance(9min);
    co_await world.loop.sleep(30ms);  // several looks of the eraser
    EXPECT_EQ((co_await world.ask("POST", at(of, "/restore"), {}, cookie)).status, 200);
    EXPECT_EQ(text_at((co_await world.ask("GET", at(of), {}, cookie)).body, "messages.1.content"), "Land i søen.");

    EXPECT_EQ((co_await world.ask("DELETE", at(of), {}, cookie)).status, 204);
    world.clock.advance(10min + 1s);
    for (Answer left;;) {  // in_world() ends a test that waits for ever
      left = co_await world.ask("GET", "/api/deleted", {}, cookie);
      if (text_at(left.body, "deleted.0").empty()) break;
    }
    EXPECT_EQ((co_await world.ask("POST", at(of, "/restore"), {}, cookie)).status, 404);
  });
}

TEST_F(OwnData, EverythingIsDeletedAtOnceAndComesBackAtOnce) {
  in_world([this](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string one = co_await world.conversation(cookie), two = co_await world.conversation(cookie);
    const std::string stranger = co_await world.signed_in("aarhus", "Ole");
    const std::string theirs = co_await world.conversation(stranger);
    EXPECT_EQ((co_await world.ask("DELETE", at(two), {}, cookie)).status, 204);
    world.clock.advance(1s);
    const std::string three = co_await world.conversation(cookie);
    (void)co_await world.turn(cookie, three, "Et langt svar?");
    const Answer gone = co_await world.ask("DELETE", "/api/conversations", {}, cookie);
    EXPECT_EQ(text_at(gone.body, "conversations"), "2") << gone.body;
    co_await net::turns_until(world.loop, [&] { return world.sayings[0]->hung_up; });
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/conversations", {}, cookie)).body, "conversations.0"), "");
    EXPECT_EQ((co_await world.ask("GET", at(theirs), {}, stranger)).status, 200) << "another person's are untouched";
    world.clock.advance(1s);
    const Answer back =
        co_await world.ask("POST", "/api/deleted/restore",
                           fmt::format(R"({{"deleted_at":"{}"}})", text_at(gone.body, "deleted_at")), cookie);
    EXPECT_EQ(text_at(back.body, "conversations"), "2");
    EXPECT_EQ((co_await world.ask("GET", at(one), {}, cookie)).status, 200);
    world.clock.advance(1s);
    const Answer file = co_await world.ask("GET", "/api/export", {}, cookie);
    EXPECT_EQ(text_at(file.body, "events.1.action"), "user.restore_words");
    EXPECT_EQ(text_at(file.body, "events.2.action"), "user.delete_words");
    EXPECT_FALSE(stored().contains("Et langt svar")) << "neither in the audit nor elsewhere";
    EXPECT_EQ((co_await world.ask("GET", at(two), {}, cookie)).status, 404) << "that was deleted before";
    EXPECT_EQ((co_await world.ask("POST", "/api/deleted/restore", R"({"deleted_at":"now"})", cookie)).status, 400);
  });
}

TEST_F(OwnData, TheFileHasAllOfOnePersonAndMarksWhatAModelWrote) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, "Hvad er en ø?", "Land i søen.");
    for (int i = 0; i < 60; ++i) (void)co_await world.conversation(cookie);  // more than one slice
    const std::string stranger = co_await world.signed_in("aarhus", "Ole");
    const std::string theirs = co_await world.conversation(stranger);
    (void)co_await world.answered(stranger, theirs, "Fremmede ord", "Fremmed svar");
    const Answer made = co_await world.ask("POST", "/api/keys", R"({"name":"Mit script"})", cookie);
    world.clock.advance(1s);
    const Answer file = co_await world.ask("GET", "/api/export", {}, cookie);
    EXPECT_EQ(file.status, 200);
    EXPECT_TRUE(file.header("Content-Disposition").contains("faelled-mine-data-")) << file.head;
    EXPECT_EQ(text_at(file.body, "user.name"), "Ida");
    EXPECT_EQ(text_at(file.body, "user.role"), "user");
    EXPECT_EQ(text_at(file.body, "user.email"), "null");
    EXPECT_NE(text_at(file.body, "user.last_seen_at"), "null");
    EXPECT_EQ(text_at(file.body, "keys.0.name"), "Mit script");
    EXPECT_FALSE(file.body.contains(text_at(made.body, "secret")));
    EXPECT_EQ(text_at(file.body, "usage.0.model"), "m");
    EXPECT_EQ(text_at(file.body, "usage.1"), "");
    EXPECT_NE(text_at(file.body, "conversations.60.id"), "");
    EXPECT_EQ(text_at(file.body, "conversations.61"), "");
    bool found = false;
    for (int i = 0; i < 61; ++i) {
      const std::string path = fmt::format("conversations.{}.", i);
      if (text_at(file.body, path + "id") != of) continue;
      found = true;
      EXPECT_EQ(text_at(file.body, path + "messages.0.written_by_ai"), "false");
      EXPECT_EQ(text_at(file.body, path + "messages.1.written_by_ai"), "true");
      EXPECT_EQ(text_at(file.body, path + "messages.1.message.content"), "Land i søen.");
    }
    EXPECT_TRUE(found);
    EXPECT_FALSE(file.body.contains("Fremmed"));
    EXPECT_EQ(text_at(file.body, "events.0.action"), "user.export") << "this very one";
    EXPECT_EQ(text_at(file.body, "events.0.by_you"), "true");
    EXPECT_EQ(text_at(file.body, "events.0.request_id"), file.header("x-request-id"));
    EXPECT_TRUE((co_await world.ask("HEAD", "/api/export", {}, cookie)).body.empty());
  });
}

TEST_F(OwnData, TheFileHasLargeConversationsEachOnce) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), user = co_await world.user_of(cookie);
    std::vector<std::string> made, exported;
    for (const std::size_t kib : {700, 700, 1500, 0, 1100, 10}) {
      made.push_back(co_await world.conversation(cookie));
      world.clock.advance(1s);
      store::Message message;
      message.id = fmt::format("msg_{}", made.size());
      message.content = std::string(kib * 1024, 'x');
      world.keep(user, made.back(), message);
    }
    const Answer file = co_await world.ask("GET", "/api/export", {}, cookie);
    for (int i = 0;; ++i) {
      exported.push_back(text_at(file.body, fmt::format("conversations.{}.id", i)));
      if (exported.back().empty()) break;
    }
    std::ranges::reverse(made);
    made.emplace_back();
    EXPECT_EQ(exported, made);
  });
}

TEST_F(OwnData, OfAConversationThatTheBrowserKeepsNothingIsStored) {
  in_world([this](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const Answer started = co_await world.ask(
        "POST", "/api/turns",
        R"({"model":"m","messages":[{"role":"user","content":"kanariefugl ét"},{"role":"assistant","content":"Pip."},)"
        R"({"role":"user","content":"Og så?"}]})",
        cookie);
    EXPECT_EQ(started.status, 202) << started.body;
    co_await net::turns_until(world.loop, [&] { return !world.sayings.empty(); });
    EXPECT_TRUE(world.sayings[0]->request.contains("kanariefugl ét"));
    const std::string turn = text_at(started.body, "turn.id"), events = fmt::format("/api/turns/{}/events", turn);
    Peer viewer = co_await world.open(events, cookie);
    world.sayings[0]->say("kanariefugl to");
    EXPECT_TRUE(co_await viewer.hears("kanariefugl to"));
    viewer.hang_up();
    world.sayings[0]->finish();
    const Answer again = co_await world.ask("GET", events, {}, cookie);
    EXPECT_TRUE(again.body.contains("kanariefugl to")) << "a refresh reads on";
    EXPECT_TRUE(again.body.contains(R"("state":"done")"));
    (void)co_await world.ask_owner("GET", "/api/usage");  // the ledger has taken it in
    const std::string all = stored();
    EXPECT_FALSE(all.contains("kanariefugl"));
    EXPECT_FALSE(all.contains("msg_")) << "words are sealed, so the row itself must not be there";
    EXPECT_FALSE(all.contains("con_"));
    EXPECT_TRUE(all.contains(text_at(started.body, "answer.request_id"))) << "its usage is";
    const std::string stranger = co_await world.signed_in("aarhus", "Ole");
    EXPECT_EQ((co_await world.ask("GET", events, {}, stranger)).status, 404);
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/" + turn, {}, cookie)).status, 204);
    EXPECT_EQ((co_await world.ask("GET", events, {}, cookie)).status, 404) << "the browser has it: gone from memory";
    // A page that is told to stop as the answer ends says it twice.
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/" + turn, {}, cookie)).status, 204);
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/" + turn, {}, stranger)).status, 404);
  });
}

TEST_F(OwnData, AConversationThatTheBrowserKeepsIsReadWithCare) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    for (const std::string body :
         {R"({"model":"m","messages":[]})", R"({"model":"m","messages":[{"role":"system","content":"x"}]})",
          R"({"model":"m","messages":[{"role":"user","content":""}]})", R"({"model":"m","messages":[1]})",
          R"({"model":"m","messages":[{"role":"user","content":"x","id":"1"}]})", R"({"messages":[]})"}) {
      EXPECT_EQ((co_await world.ask("POST", "/api/turns", body, cookie)).status, 400) << body;
    }
    EXPECT_EQ((co_await world.ask("POST", "/api/turns",
                                  R"({"model":"none","messages":[{"role":"user","content":"x"}]})", cookie))
                  .status,
              404);
    const Answer further = co_await world.ask(
        "POST", "/api/turns",
        R"({"model":"m","further":true,"messages":[{"role":"user","content":"Tæl"},{"role":"assistant","content":"1,"}]})",
        cookie);
    EXPECT_EQ(text_at(further.body, "answer.content"), "1,") << "it goes on from what it had";
  });
}

TEST_F(OwnData, IsFoundByWordsInTitlesAndMessages) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    (void)co_await world.answered(cookie, of, "Skriv om vejen", "Vejen langs ÅDALEN bliver asfalteret i marts.");
    for (int i = 0; i < 120; ++i) (void)co_await world.conversation(cookie);  // it is not in the first slice
    const auto search = [&](std::string words, std::string who) {
      return world.ask("POST", "/api/search", fmt::format(R"({{"words":"{}"}})", words), std::move(who));
    };
    const Answer found = co_await search("marts ådalen", cookie);
    EXPECT_EQ(text_at(found.body, "found.0.conversation.id"), of);
    EXPECT_TRUE(text_at(found.body, "found.0.excerpt").contains("ÅDALEN"));
    EXPECT_EQ(text_at(found.body, "complete"), "true");
    EXPECT_EQ(text_at((co_await search("SKRIV", cookie)).body, "found.0.message"), "null") << "in the title";
    EXPECT_EQ(text_at((co_await search("april", cookie)).body, "found.0"), "");
    EXPECT_EQ(text_at((co_await search("  ", cookie)).body, "found.0"), "");
    EXPECT_EQ(text_at((co_await search("ådalen", co_await world.signed_in("aarhus", "Ole"))).body, "found.0"), "");
    (void)co_await world.ask("DELETE", at(of), {}, cookie);
    EXPECT_EQ(text_at((co_await search("ådalen", cookie)).body, "found.0"), "") << "deleted";
  });
}

TEST_F(OwnData, AnAnswerIsRatedByItsPersonAndCountedForTheMember) {
  in_world([this](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string answer = co_await world.answered(cookie, of, "Hvad er en ø?", "Land i søen.");
    const auto rate = [&](std::string more, std::string who) {
      return world.ask("POST", at(of, "/ratings"), fmt::format(R"({{"message":"{}",{}}})", answer, more),
                       std::move(who));
    };
    const Answer rated = co_await rate(R"("rating":"down","reason":"hemmelig grund")", cookie);
    EXPECT_EQ(rated.status, 200) << rated.body;
    EXPECT_EQ(text_at(rated.body, "rating_reason"), "hemmelig grund");
    EXPECT_FALSE(stored().contains("hemmelig grund")) << "sealed, and in no log";
    EXPECT_EQ(text_at((co_await world.ask("GET", at(of), {}, cookie)).body, "messages.1.rating"), "down");
    EXPECT_EQ((co_await world.ask("GET", "/api/ratings", {}, cookie)).status, 403) << "not even counts, for others";
    const std::string admin = co_await world.signed_in_as("aarhus", "Ane", "member_admin");
    const Answer sums = co_await world.ask("GET", "/api/ratings", {}, admin);
    EXPECT_EQ(text_at(sums.body, "ratings.0.model"), "m");
    EXPECT_EQ(text_at(sums.body, "ratings.0.down"), "1");
    EXPECT_FALSE(sums.body.contains("hemmelig"));
    EXPECT_EQ(text_at((co_await rate(R"("rating":null)", cookie)).body, "rating_reason"), "null");
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/ratings", {}, admin)).body, "ratings.0"), "");
    EXPECT_EQ((co_await rate(R"("rating":"meh")", cookie)).status, 400);
    EXPECT_EQ((co_await rate(fmt::format(R"("rating":"up","reason":"{}")", std::string(501, 'x')), cookie)).status,
              400);
    EXPECT_EQ((co_await rate(R"("rating":"up")", co_await world.signed_in("aarhus", "Ole"))).status, 404);
  });
}

}  // namespace
}  // namespace faelled::portal
