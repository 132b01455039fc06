// A place in line, told as words of the answer's reasoning.
#include "gateway/testing.hpp"
#include "gateway/waiting_words.hpp"

namespace faelled::gateway {
namespace {

using store::ShowWaiting;

TEST(WaitingWords, AreDanishOrEnglish) {
  EXPECT_EQ(waiting_words(ShowWaiting::da, {1, 3, true, {}}), "Venter i kø: nummer 3.\n");
  EXPECT_EQ(waiting_words(ShowWaiting::en, {1, 3, true, {}}), "Waiting in line: number 3.\n");
  EXPECT_EQ(waiting_words(ShowWaiting::da, {1, 1, false, 41s}),
            "Venter i kø: nummer 1. Modellen gøres klar (ca. 50 s).\n");
  EXPECT_EQ(waiting_words(ShowWaiting::en, {1, 1, false, {}}),
            "Waiting in line: number 1. The model is being made ready.\n");
  EXPECT_EQ(waiting_words(ShowWaiting::da, {1, 1, false, 41s, 2min}),
            "Venter i kø: nummer 1. Modellen gøres klar (ca. 50 s, højst 120 s).\n");
  EXPECT_EQ(waiting_words(ShowWaiting::en, {1, 1, false, {}, 61s}),
            "Waiting in line: number 1. The model is being made ready (at most 120 s).\n");
}

TEST(WaitingWords, ChangeSeldomWhileTimeGoesBy) {
  EXPECT_EQ(waiting_words(ShowWaiting::en, {1, 1, false, 119s}), waiting_words(ShowWaiting::en, {1, 1, false, 62s}));
  EXPECT_NE(waiting_words(ShowWaiting::en, {1, 1, false, 9s}), waiting_words(ShowWaiting::en, {1, 1, false, 8s}));
}

TEST(WaitingWords, AreAChunkWithoutAnswer) {
  const std::string chunk = waiting_chunk("Venter \"her\".\n", "req_1", "m", 7);
  EXPECT_EQ(chunk,
            R"({"id":"chatcmpl-req_1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,)"
            R"("delta":{"reasoning_content":"Venter \"her\".\n"},"finish_reason":null}]})");
}

class ShownWaiting : public GatewayTest {
 protected:
  static constexpr const char* showing_secret = "sk-test0000000000000000000000000009";
  ShownWaiting() {
    const std::vector<members::ConfiguredKey> keys{{"demo", "test", secret},
                                                   {"demo", "shows", showing_secret, "", ShowWaiting::en}};
    EXPECT_TRUE(directory_.load(keys, clock_.wall()));
    context_->settings.waiting_note_after = 1ms;
  }
  static std::string showing(std::string request) {
    return request.replace(request.find(secret), std::string_view(secret).size(), showing_secret);
  }
  Task<void> answer(Peer& peer) {
    Peer engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej") + last() + usage() + done());
    EXPECT_TRUE(co_await peer.hears("[DONE]"));
  }
  static std::size_t times(const std::string& text, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  }
};

TEST_F(ShownWaiting, IsSeenBeforeTheAnswerAndCountedNowhere) {
  run([&]() -> Task<void> {
    Peer peer = co_await ask(showing(chat(true, R"(,"stream_options":{"include_usage":true})")));
    EXPECT_TRUE(co_await peer.hears(R"({"reasoning_content":"Waiting in line: number 1.\n"})"));
    EXPECT_EQ(header(peer.got, "Content-Type"), "text/event-stream; charset=utf-8");
    mesh_.open(1);
    co_await answer(peer);
    EXPECT_EQ(times(peer.got, "reasoning_content"), 1U) << "the same place is told once";
    EXPECT_LT(peer.got.find("reasoning_content"), peer.got.find("hej"));
    EXPECT_TRUE(peer.got.contains(R"("completion_tokens":2)"));
    EXPECT_EQ((co_await one_row()).output_tokens, 2U);
  });
}

TEST_F(ShownWaiting, IsToldAgainWhenItHasChanged) {
  run([&]() -> Task<void> {
    Peer before = co_await ask(chat(true));
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    Peer peer = co_await ask(showing(chat(true)));
    EXPECT_TRUE(co_await peer.hears("number 2."));
    EXPECT_FALSE(before.got.contains("reasoning_content"));
    mesh_.tell_all();
    EXPECT_TRUE(co_await peer.hears("number 2."));
    before.hang_up();
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    mesh_.tell_all();
    EXPECT_TRUE(co_await peer.hears("number 1."));
    mesh_.open(1);
    co_await answer(peer);
    EXPECT_EQ(times(peer.got, "reasoning_content"), 2U);
  });
}

TEST_F(ShownWaiting, IsNeverPartOfAWholeAnswerNorOfAnotherKeys) {
  run([&]() -> Task<void> {
    Peer whole = co_await ask(showing(chat(false)));
    Peer other = co_await ask(chat(true));
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 2; });
    co_await loop_.sleep(5ms);
    mesh_.open(2);
    Peer first = co_await engine_->request();
    co_await first.say(whole_answer());
    EXPECT_TRUE(co_await whole.hears("\"hej\""));
    co_await answer(other);
    EXPECT_FALSE(whole.got.contains("Waiting"));
    EXPECT_FALSE(other.got.contains("reasoning_content"));
  });
}

TEST_F(ShownWaiting, IsOverWithTheWaitThatWasRefused) {
  context_->settings.wait_max = 30ms;
  run([&]() -> Task<void> {
    Peer peer = co_await ask(showing(chat(true)));
    EXPECT_TRUE(co_await peer.hears("number 1."));
    EXPECT_TRUE(co_await peer.hears("rate_limit_exceeded"));
    EXPECT_FALSE(peer.got.contains("[DONE]"));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::refused);
  });
}

}  // namespace
}  // namespace faelled::gateway
