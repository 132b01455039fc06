#include "portal/world_testing.hpp"
#include "store/full_line_testing.hpp"

namespace faelled::portal {
namespace {

class Turns : public PortalTest {};

Portal::Settings quickly(const std::function<void(Portal::Settings&)>& change) {
  Portal::Settings settings = World::quick();
  change(settings);
  return settings;
}

std::string events(const std::string& turn, const std::string& after = {}) {
  return "/api/turns/" + turn + "/events" + (after.empty() ? "" : "?after=" + after);
}

// The texts of all deltas, put together.
std::string text_of(const std::string& stream) {
  std::string text;
  for (std::size_t at = 0; (at = stream.find("event: delta\n", at)) != std::string::npos; ++at) {
    const std::size_t data = stream.find("data: ", at) + 6;
    text += text_at(stream.substr(data, stream.find('\n', data) - data), "text");
  }
  return text;
}

std::string end_of(const std::string& stream) {
  const std::size_t at = stream.find("event: end\n");
  if (at == std::string::npos) return {};
  const std::size_t data = stream.find("data: ", at) + 6;
  return stream.substr(data, stream.find('\n', data) - data);
}

TEST_F(Turns, AnAnswerIsWrittenWatchedAndKept) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of, "Hvad er en ø?\\nSvar kort.");
    EXPECT_TRUE(world.sayings[0]->request.contains(R"("content":"Hvad er en ø?\nSvar kort.")"))
        << world.sayings[0]->request;
    Peer viewer = co_await world.open(events(turn), cookie);
    world.sayings[0]->say("Land ");
    EXPECT_TRUE(co_await viewer.hears("event: delta\nid: 5\ndata: {\"text\":\"Land \"}\n\n"));
    world.sayings[0]->say("i søen.");
    world.sayings[0]->finish();
    const std::string stream = co_await viewer.all();
    EXPECT_EQ(text_of(stream), "Land i søen.");
    EXPECT_TRUE(stream.contains("event: end\nid: 13\n")) << stream;
    EXPECT_TRUE(stream.contains("Content-Type: text/event-stream; charset=utf-8"));
    EXPECT_EQ(text_at(end_of(stream), "state"), "done");
    EXPECT_EQ(text_at(end_of(stream), "usage.input_tokens"), "7");
    EXPECT_EQ(text_at(end_of(stream), "error"), "null");

    const Answer read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "title"), "Hvad er en ø?") << "the first line names it";
    EXPECT_EQ(text_at(read.body, "messages.0.role"), "user");
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "Land i søen.");
    EXPECT_EQ(text_at(read.body, "messages.1.state"), "done");
    EXPECT_EQ(text_at(read.body, "messages.1.request_id"), text_at(end_of(stream), "request_id"));
    EXPECT_EQ(text_at(read.body, "turn"), "null");
    const Answer row = co_await world.ask_owner("GET", "/api/usage?rows=true");
    EXPECT_EQ(text_at(row.body, "rows.0.request_id"), text_at(end_of(stream), "request_id"));
    EXPECT_EQ(text_at(row.body, "rows.0.key"), "null");
    EXPECT_EQ(text_of((co_await world.ask("GET", events(turn), {}, cookie)).body), "Land i søen.")
        << "for some minutes it answers still";
    EXPECT_TRUE((co_await world.ask("HEAD", events(turn), {}, cookie)).body.empty());

    (void)co_await world.turn(cookie, of, "Og en holm?");
    EXPECT_TRUE(world.sayings[1]->request.contains(R"({"role":"assistant","content":"Land i søen."})"))
        << "with what was said before";
  });
}

TEST_F(Turns, AViewerReadsOnFromAnyByteItHas) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of), text = "aø€😀z";  // 1, 2, 3, 4 and 1 bytes
    world.sayings[0]->say(text);
    Peer first = co_await world.open(events(turn), cookie);
    EXPECT_TRUE(co_await first.hears("id: 11\n"));
    world.sayings[0]->finish();
    (void)co_await first.all();
    const std::size_t starts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (std::size_t after = 0; after <= text.size(); ++after) {
      const Answer rest = co_await world.ask("GET", events(turn, std::to_string(after)), {}, cookie);
      EXPECT_EQ(text_of(rest.body), text.substr(starts[after])) << after;
      EXPECT_TRUE(rest.body.contains("event: end\nid: 11\n")) << after;
    }
    EXPECT_EQ(text_of((co_await world.ask("GET", events(turn, "1"), {}, cookie + "Last-Event-ID: 10\r\n")).body), "z");
    for (const std::string after : {"12", "-1", "x", "1x", "99999999999999999999999"}) {
      const Answer wrong = co_await world.ask("GET", events(turn, after), {}, cookie);
      EXPECT_EQ(wrong.status, 400) << after;
      EXPECT_EQ(text_at(wrong.body, "error.param"), "after");
    }
  });
}

TEST_F(Turns, ViewersComeAndGoAndEachSeesTheWholeAnswer) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of);
    Peer stays = co_await world.open(events(turn), cookie), leaves = co_await world.open(events(turn), cookie);
    world.sayings[0]->say("one ");
    EXPECT_TRUE(co_await stays.hears("one "));
    EXPECT_TRUE(co_await leaves.hears("one "));
    leaves.hang_up();
    world.sayings[0]->say("two ");
    EXPECT_TRUE(co_await stays.hears("two "));
    const Answer meanwhile = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(meanwhile.body, "messages.1.content"), "one two ");
    EXPECT_EQ(text_at(meanwhile.body, "messages.1.state"), "running");
    EXPECT_EQ(text_at(meanwhile.body, "turn.id"), turn);
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/conversations", {}, cookie)).body, "conversations.0.running"),
              "true");
    Peer late = co_await world.open(events(turn, "4"), cookie);
    world.sayings[0]->say("three");
    world.sayings[0]->finish();
    EXPECT_EQ(text_of(co_await stays.all()), "one two three");
    EXPECT_EQ(text_of(co_await late.all()), "two three");
    EXPECT_FALSE(world.sayings[0]->hung_up);
  });
}

TEST_F(Turns, StoppingKeepsWhatWasWrittenAndFreesTheEngine) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of);
    Peer viewer = co_await world.open(events(turn), cookie);
    world.sayings[0]->say("half");
    EXPECT_TRUE(co_await viewer.hears("half"));
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/" + turn, {}, cookie)).status, 204);
    const std::string stream = co_await viewer.all();
    EXPECT_EQ(text_at(end_of(stream), "state"), "stopped");
    co_await net::turns_until(world.loop, [&] { return world.sayings[0]->hung_up; });
    const Answer read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "half");
    EXPECT_EQ(text_at(read.body, "messages.1.state"), "stopped");
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/" + turn, {}, cookie)).status, 204) << "again is no error";
    EXPECT_EQ((co_await world.ask("DELETE", "/api/turns/trn_none", {}, cookie)).status, 404);
    EXPECT_EQ(world.mesh.ended.size(), 1U);
  });
}

TEST_F(Turns, OneThatNobodyWatchesIsCancelled) {
  in_world(
      [](World& world) -> Task<void> {
        const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
        const std::string turn = co_await world.turn(cookie, of);
        co_await net::turns_until(world.loop, [&] { return world.sayings[0]->hung_up; });
        const Answer never = co_await world.ask("GET", events(turn), {}, cookie);
        EXPECT_EQ(text_at(end_of(never.body), "state"), "failed");
        EXPECT_NE(end_of(never.body).find("fordi ingen så med"), std::string::npos) << "and the person is told why";

        for (bool watched = false; !watched;) {  // unless the machine was too slow to watch it in time
          const std::string second = co_await world.turn(cookie, of);
          Peer viewer = co_await world.open(events(second), cookie);
          world.sayings.back()->say("watched");
          watched = co_await viewer.hears("watched");
          viewer.hang_up();
          co_await net::turns_until(world.loop, [&] { return world.sayings.back()->hung_up; });
        }
      },
      quickly([](Portal::Settings& s) { s.turns.turn.unwatched_max = 60ms; }));
}

TEST_F(Turns, WhoeverWaitsIsToldWhyAndTheLineIsKeptAlive) {
  in_world(
      [](World& world) -> Task<void> {
        const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
        world.mesh.keeps_waiting = rpc::Waiting{0, 3, true, {}};
        const std::string turn = co_await world.turn(cookie, of);
        Peer viewer = co_await world.open(events(turn), cookie);
        EXPECT_TRUE(
            co_await viewer.hears("event: waiting\nid: 0\ndata: "
                                  "{\"reason\":\"queue\",\"position\":3,\"ready_in_s\":null,\"at_most_s\":120}\n\n"));
        for (const auto& [number, listener] : world.mesh.in_line) listener->waiting({number, 1, false, 2500ms});
        EXPECT_TRUE(co_await viewer.hears(
            "data: {\"reason\":\"starting\",\"position\":1,\"ready_in_s\":2.5,\"at_most_s\":120}\n\n"));
        EXPECT_TRUE(co_await viewer.hears(": keep-alive\n"));
        world.mesh.grant_all();
        co_await net::turns_until(world.loop, [&] { return world.sayings.size() == 1; });
        world.sayings[0]->say("x");
        world.sayings[0]->finish();
        EXPECT_EQ(text_of(co_await viewer.all()), "x");

        world.mesh.keeps_waiting = rpc::Waiting{0, 1, true, {}};
        const std::string stopped = co_await world.turn(cookie, of);
        (void)co_await world.ask("DELETE", "/api/turns/" + stopped, {}, cookie);
        co_await net::turns_until(world.loop, [&] { return world.mesh.in_line.empty(); });
        EXPECT_EQ(text_at(end_of((co_await world.ask("GET", events(stopped), {}, cookie)).body), "state"), "stopped");
      },
      quickly([](Portal::Settings& s) { s.keep_alive_every = 10ms; }));
}

TEST_F(Turns, AConversationTakesOneQuestionAtATime) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of);
    const Answer second =
        co_await world.ask("POST", "/api/conversations/" + of + "/turns", R"({"content":"x"})", cookie);
    EXPECT_EQ(second.status, 409);
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/conversations/" + of, {}, cookie)).body, "messages.2"), "")
        << "nothing was added";
    world.sayings[0]->finish();
    (void)co_await world.ask("GET", events(turn), {}, cookie);
    (void)co_await world.turn(cookie, of);
  });
}

TEST_F(Turns, AnEngineThatBreaksOffMakesAnHonestEnd) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of);
    Peer viewer = co_await world.open(events(turn), cookie);
    world.sayings[0]->say("half");
    EXPECT_TRUE(co_await viewer.hears("half"));
    world.sayings[0]->break_off();
    const std::string stream = co_await viewer.all(), end = end_of(stream);
    EXPECT_EQ(text_at(end, "state"), "failed");
    EXPECT_FALSE(text_at(end, "error.message").empty() || text_at(end, "error.message_da").empty()) << end;
    const Answer read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.state"), "failed");
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "half");
    EXPECT_EQ(text_at(read.body, "messages.1.error.message"), text_at(end, "error.message"));
  });
}

TEST_F(Turns, DeletingAConversationStopsItsAnswer) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of);
    Peer viewer = co_await world.open(events(turn), cookie);
    world.sayings[0]->say("words");
    EXPECT_TRUE(co_await viewer.hears("words"));
    EXPECT_EQ((co_await world.ask("DELETE", "/api/conversations/" + of, {}, cookie)).status, 204);
    EXPECT_EQ(text_at(end_of(co_await viewer.all()), "state"), "stopped");
    co_await net::turns_until(world.loop, [&] { return world.sayings[0]->hung_up; });
    EXPECT_EQ((co_await world.ask("GET", "/api/conversations/" + of, {}, cookie)).status, 404);
  });
}

TEST(Turn, KeepsNoWordsOfAnEngineThatRefused) {
  net::Loop loop;
  json::Document scratch;
  Turn turn(loop, scratch, {}, "trn_1", {}, {}, true);
  turn.fail({openai::Cause::invalid_value, "The engine refused the request: 'my secret' is too odd"});
  EXPECT_FALSE(turn.answer().error_message.empty());
  EXPECT_FALSE(turn.answer().error_message.contains("secret")) << "what is kept beside the sealed words is not sealed";
}

TEST_F(Turns, AnAnswerOverItsBoundIsStopped) {
  in_world(
      [](World& world) -> Task<void> {
        const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
        const std::string turn = co_await world.turn(cookie, of);
        for (int i = 0; i < 50 && !world.sayings[0]->hung_up; ++i) {
          world.sayings[0]->say("0123456789");
          co_await world.loop.sleep(1ms);
        }
        co_await net::turns_until(world.loop, [&] { return world.sayings[0]->hung_up; });
        const Answer all = co_await world.ask("GET", events(turn), {}, cookie);
        EXPECT_EQ(text_of(all.body).size(), 110U) << "the piece that crossed the bound is the last";
        EXPECT_EQ(text_at(end_of(all.body), "state"), "failed");
        EXPECT_NE(end_of(all.body).find("Svaret blev for langt"), std::string::npos) << "and the person is told why";
      },
      quickly([](Portal::Settings& s) { s.turns.turn.text_bytes_max = 100; }));
}

TEST_F(Turns, EndedOnesAreForgottenByTimeAndForWantOfRoom) {
  in_world(
      [](World& world) -> Task<void> {
        const std::string cookie = co_await world.signed_in("aarhus", "Ida");
        std::vector<std::string> turns;
        for (int i = 0; i < 3; ++i) {
          turns.push_back(co_await world.turn(cookie, co_await world.conversation(cookie)));
          world.clock.advance(1s);
          world.sayings.back()->finish();
          (void)co_await world.ask("GET", events(turns.back()), {}, cookie);
        }
        EXPECT_EQ((co_await world.ask("GET", events(turns[0]), {}, cookie)).status, 404) << "the oldest made room";
        EXPECT_EQ((co_await world.ask("GET", events(turns[2]), {}, cookie)).status, 200);
        for (int i = 0; i < 2; ++i) (void)co_await world.turn(cookie, co_await world.conversation(cookie));
        const std::string full = co_await world.conversation(cookie);
        EXPECT_EQ(
            (co_await world.ask("POST", "/api/conversations/" + full + "/turns", R"({"content":"x"})", cookie)).status,
            429)
            << "running ones are not forgotten";
      },
      quickly([](Portal::Settings& s) { s.turns.turns_max = 2; }));
  in_world(
      [](World& world) -> Task<void> {
        const std::string cookie = co_await world.signed_in("odense", "Bo");
        const std::string turn = co_await world.turn(cookie, co_await world.conversation(cookie));
        Peer viewer = co_await world.open(events(turn), cookie);  // before it ends: then it is forgotten at once
        world.sayings[0]->finish();
        EXPECT_EQ(text_at(end_of(co_await viewer.all()), "state"), "done");
        EXPECT_EQ((co_await world.ask("GET", events(turn), {}, cookie)).status, 404);
      },
      quickly([](Portal::Settings& s) { s.turns.ended_turn_kept = 0ms; }));
}

TEST_F(Turns, AnAnswerThatTheStoreRefusesIsToldAndKeptWhenItTakesItAgain) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string turn = co_await world.turn(cookie, of);
    Peer viewer = co_await world.open(events(turn), cookie);
    world.sayings[0]->say("late");
    EXPECT_TRUE(co_await viewer.hears("late"));
    store::FullLine full(*world.thread);
    world.sayings[0]->finish();
    EXPECT_EQ(text_at(end_of(co_await viewer.all()), "state"), "done") << "the store is full, and nobody waits for it";
    full.let_go();
    Answer next;
    for (int i = 0; i < 1000 && next.status != 202; ++i)
      next = co_await world.ask("POST", "/api/conversations/" + of + "/turns", R"({"content":"x"})", cookie);
    EXPECT_EQ(next.status, 202) << next.body;
    const Answer read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "late");
    EXPECT_EQ(text_at(read.body, "messages.1.state"), "done");
  });
}

TEST_F(Turns, OnePersonHasABoundedNumberUnderWayAndNobodyElseWaitsForThem) {
  in_world(
      [](World& world) -> Task<void> {
        const std::string ida = co_await world.signed_in("aarhus", "Ida"),
                          ole = co_await world.signed_in("aarhus", "Ole");
        const std::string one = co_await world.turn(ida, co_await world.conversation(ida));
        (void)co_await world.turn(ida, co_await world.conversation(ida));
        const std::string of = co_await world.conversation(ida), path = "/api/conversations/" + of + "/turns";
        const Answer full = co_await world.ask("POST", path, R"({"content":"x"})", ida);
        EXPECT_EQ(full.status, 429);
        EXPECT_TRUE(text_at(full.body, "error.message").contains("You have 2 answers under way"));
        EXPECT_TRUE(text_at(full.body, "error.message_da").contains("Du har 2 svar i gang"));
        const std::string loose = R"({"model":"m","messages":[{"role":"user","content":"x"}]})";
        EXPECT_EQ((co_await world.ask("POST", "/api/turns", loose, ida)).status, 429);
        (void)co_await world.turn(ole, co_await world.conversation(ole));
        world.sayings[0]->finish();
        (void)co_await world.ask("GET", events(one), {}, ida);
        (void)co_await world.turn(ida, of);
      },
      quickly([](Portal::Settings& s) { s.turns.places.of_person_max = 2; }));
}

TEST_F(Turns, TheQuestionsOfAllThatRunHaveABound) {
  in_world(
      [](World& world) -> Task<void> {
        const std::string ida = co_await world.signed_in("aarhus", "Ida"),
                          ole = co_await world.signed_in("aarhus", "Ole");
        const std::string loose =
            fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"{}"}}]}})", std::string(600, 'x'));
        EXPECT_EQ((co_await world.ask("POST", "/api/turns", loose, ida)).status, 202);
        const Answer full = co_await world.ask("POST", "/api/turns", loose, ole);
        EXPECT_EQ(full.status, 429);
        EXPECT_TRUE(text_at(full.body, "error.message_da").contains("for mange svar i gang"));
        co_await net::turns_until(world.loop, [&] { return !world.sayings.empty(); });
        world.sayings[0]->finish();
        Answer next;
        for (int i = 0; i < 1000 && next.status != 202; ++i)
          next = co_await world.ask("POST", "/api/turns", loose, ole);
        EXPECT_EQ(next.status, 202) << next.body;
      },
      quickly([](Portal::Settings& s) { s.turns.places.bytes_max = 1000; }));
}

TEST_F(Turns, WhoeverIsDisabledIsWrittenAndSentNoMore) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string user = co_await world.user_of(cookie);
    const std::string turn = co_await world.turn(cookie, of);
    Peer viewer = co_await world.open(events(turn), cookie);
    world.sayings[0]->say("before");
    EXPECT_TRUE(co_await viewer.hears("before"));
    EXPECT_EQ((co_await world.ask_owner("PATCH", "/api/users/" + user, R"({"disabled":true})")).status, 200);
    co_await net::turns_until(world.loop, [&] { return world.sayings[0]->hung_up; });
    EXPECT_NE(text_at(end_of(co_await viewer.all()), "state"), "done");
  });
}

// As another server on the same database does it: nothing passes through this one's API.
TEST_F(Turns, WhoeverIsDisabledElsewhereIsWrittenNoMoreEither) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida"), of = co_await world.conversation(cookie);
    const std::string user = co_await world.user_of(cookie);
    (void)co_await world.turn(cookie, of);
    world.directory->update_user(user, {.disabled = true}, world.clock.wall(), [](const auto&) {});
    co_await net::turns_until(world.loop, [&] { return world.sayings[0]->hung_up; });
  });
}

TEST_F(Turns, AServerThatEndsKeepsWhatWasWritten) {
  std::string of, cookie;
  in_world(
      [&](World& world) -> Task<void> {
        cookie = co_await world.signed_in("aarhus", "Ida");
        of = co_await world.conversation(cookie);
        const std::string turn = co_await world.turn(cookie, of);
        Peer viewer = co_await world.open(events(turn), cookie);
        world.sayings[0]->say("kept");
        EXPECT_TRUE(co_await viewer.hears("kept"));
      },
      quickly([](Portal::Settings& s) { s.turns.checkpoint_every = 1s; }));
  in_world([&](World& world) -> Task<void> {
    const Answer read = co_await world.ask("GET", "/api/conversations/" + of, {}, cookie);
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "kept") << read.body;
    EXPECT_EQ(text_at(read.body, "messages.1.state"), "failed");
    EXPECT_EQ(text_at(read.body, "messages.1.error.message"), "The server stopped while this was being written.");
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/usage?rows=true")).body, "rows.0.outcome"), "cancelled");
  });
}

TEST_F(Turns, ARestartKeepsWhatWasWrittenAndCallsItFailed) {
  std::string of, cookie;
  store::TestFolder left;
  in_world([&](World& world) -> Task<void> {
    cookie = co_await world.signed_in("aarhus", "Ida");
    of = co_await world.conversation(cookie);
    (void)co_await world.turn(cookie, of);
    world.sayings[0]->say("kept");
    // As after kill -9: the store has a checkpoint of the running answer, and that is all.
    const auto checkpoint = [&]() -> bool {
      const auto found = world.thread->wait_for([&](store::Store& s) -> Expected<std::string> {
        auto rows = s.users();
        if (!rows) return std::unexpected(rows.error());
        auto conversation = world.conversations->get(s, rows->front().id, of);
        if (!conversation) return std::unexpected(conversation.error());
        auto messages = world.conversations->messages(s, *conversation);
        if (!messages) return std::unexpected(messages.error());
        return messages->back().content;
      });
      return found && *found == "kept";
    };
    co_await net::turns_until(world.loop, checkpoint);
    for (const char* name : {"faelled.db", "faelled.db-wal", "faelled.db-shm", "master.key", "journal"})
      std::filesystem::copy(folder_ / name, left / name, std::filesystem::copy_options::recursive);
  });
  World world(left.path());
  world.run([](World& w, std::string user, std::string conversation) -> Task<void> {
    const Answer read = co_await w.ask("GET", "/api/conversations/" + conversation, {}, user);
    EXPECT_EQ(text_at(read.body, "messages.1.content"), "kept") << read.body;
    EXPECT_EQ(text_at(read.body, "messages.1.state"), "failed");
    EXPECT_EQ(text_at(read.body, "messages.1.error.message_da"), "Serveren stoppede.");
    (void)co_await w.turn(user, conversation);
  }(world, cookie, of));
}

// All of a conversation is read for each further question: without a bound one person could take everybody's memory.
TEST_F(Turns, AConversationIsFullAtSomePoint) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string of = co_await world.conversation(cookie), user = co_await world.user_of(cookie);
    store::Message message;
    message.id = "msg_large";
    message.content = std::string(limits::conversation_bytes_max, 'x');
    world.keep(user, of, message);
    const Answer full = co_await world.ask("POST", fmt::format("/api/conversations/{}/turns", of),
                                           R"({"content":"Hej?","after":""})", cookie);
    EXPECT_EQ(full.status, 400) << full.body;
    EXPECT_EQ(text_at(full.body, "error.code"), "context_length_exceeded");
  });
}

}  // namespace
}  // namespace faelled::portal
