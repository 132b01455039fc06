// What a client gets, and what the ledger says about it.
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

using Answers = GatewayTest;

// Invariant: closed before seen
TEST_F(Answers, AStreamReachesTheClientAndItsRowIsClosedBeforeItsEndIsSeen) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true, R"(,"stream_options":{"include_usage":true})"));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej"));
    EXPECT_TRUE(co_await peer.hears("hej"));
    EXPECT_TRUE(rows().empty());
    co_await engine.say(word(" du") + last() + usage() + done());
    bool row_before_end = false;
    while (!peer.got.contains("[DONE]")) {
      if (!co_await peer.more()) break;
      row_before_end = rows().size() == 1;
    }
    EXPECT_TRUE(row_before_end);
    EXPECT_TRUE(peer.got.contains(R"("model":"m")"));
    EXPECT_FALSE(peer.got.contains("upstream-name"));
    EXPECT_TRUE(peer.got.contains(R"("prompt_tokens":11)"));
    EXPECT_TRUE(peer.got.contains("data: [DONE]\n\n"));
    EXPECT_EQ(header(peer.got, "Content-Type"), "text/event-stream; charset=utf-8");
    const auto row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::done);
    EXPECT_EQ(row.input_tokens, 11U);
    EXPECT_EQ(row.output_tokens, 2U);
    EXPECT_EQ(row.member, "demo");
    EXPECT_EQ(row.request_id, header(peer.got, "x-request-id"));
    EXPECT_TRUE(engine.got.contains("x-request-id: " + row.request_id));
    EXPECT_TRUE(engine.got.contains(R"("include_usage":true)"));
    EXPECT_TRUE(engine.got.contains(R"("model":"upstream-name")"));
    // Kept alive on both sides.
    co_await peer.say(chat(false));
    engine.got.clear();
    co_await TestEngine::whole(engine);
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
  });
}

// Else an upstream that counts nothing would be free of charge for who asks for no stream.
TEST_F(Answers, WithoutUsageIsChargedAsEstimated) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false));
    auto engine = co_await engine_->request();
    std::string answer = whole_answer();
    answer = json_answer(
        200, answer.substr(answer.find("\r\n\r\n") + 4, answer.find(",\"usage\"") - answer.find("\r\n\r\n") - 4) + "}");
    co_await engine.say(answer);
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
    const auto row = co_await one_row();
    EXPECT_GT(row.input_tokens, 0U);
    EXPECT_EQ(mesh_.ends.back().prompt_tokens, row.input_tokens);
  });
}

TEST_F(Answers, UsageIsHiddenFromWhoeverDidNotAskForIt) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej") + last() + usage() + done());
    EXPECT_TRUE(co_await peer.hears("[DONE]"));
    EXPECT_FALSE(peer.got.contains("usage"));
    EXPECT_TRUE(engine.got.contains("include_usage"));
    EXPECT_EQ((co_await one_row()).input_tokens, 11U);
  });
}

TEST_F(Answers, AWholeAnswerComesWithItsHeaders) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false));
    auto engine = co_await engine_->request();
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
    EXPECT_FALSE(header(peer.got, "openai-processing-ms").empty());
    EXPECT_FALSE(header(peer.got, "x-faelled-queue-ms").empty());
    const auto row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::done);
    EXPECT_EQ(row.request_id, header(peer.got, "x-request-id"));
  });
}

TEST_F(Answers, KeepAliveIsACommentOfOneLine) {
  context_->settings.keep_alive_every = 5ms;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    EXPECT_TRUE(co_await peer.hears(": waiting position=1 model_ready=true ready_in_s=7 at_most_s=120\n"));
    mesh_.open(1);
    auto engine = co_await engine_->request();
    EXPECT_TRUE(co_await peer.hears(": keep-alive\n"));
    co_await engine.say(stream_head() + role() + word("hej") + last() + done());
    EXPECT_TRUE(co_await peer.hears("[DONE]"));
    // Chunked framing aside, a comment never ends in an empty line: that would be an event without data.
    EXPECT_FALSE(peer.got.contains("keep-alive\n\n"));
    EXPECT_FALSE(peer.got.contains("ready_in_s=7\n\n"));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::done);
  });
}

TEST_F(Answers, TraceparentIsPassedOnAsAChildSpan) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    auto peer = co_await ask(chat(false, "", "traceparent: " + parent + "\r\n"));
    auto engine = co_await engine_->request();
    const std::string child = header(engine.got, "traceparent");
    EXPECT_EQ(child.size(), 55U);
    EXPECT_EQ(child.substr(0, 36), parent.substr(0, 36));
    EXPECT_NE(child.substr(36, 16), parent.substr(36, 16));
    EXPECT_EQ(child.substr(52), "-01");
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("hej"));
    peer.got.clear();
    co_await peer.say(chat(false, "", "traceparent: 00-not a trace\r\n"));
    engine.got.clear();
    co_await TestEngine::whole(engine);
    EXPECT_FALSE(engine.got.contains("traceparent"));
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("hej"));
  });
}

TEST_F(Answers, NoWordOfAPromptIsLoggedOrJournalled) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    {
      auto peer = co_await ask(chat(false));
      auto engine = co_await engine_->request();
      EXPECT_TRUE(engine.got.contains(canary));
      co_await engine.say(
          json_answer(400, std::string(R"({"error":{"message":"bad prompt )") + canary + R"(","type":"x"}})"));
      EXPECT_TRUE(co_await peer.hears("HTTP/1.1 400"));
    }
    {
      auto peer = co_await ask(chat(true));
      auto engine = co_await engine_->request();
      co_await engine.say(stream_head() + word(canary));
      EXPECT_TRUE(co_await peer.hears(canary));
      engine.hang_up();
      EXPECT_TRUE(co_await peer.hears("engine_failed"));
    }
    auto broken = co_await ask(post("/v1/chat/completions", std::string("{\"") + canary));
    EXPECT_TRUE(co_await broken.hears("HTTP/1.1 400"));
    auto unknown = co_await ask(post(std::string("/v1/") + canary, "{}"));
    EXPECT_TRUE(co_await unknown.hears("HTTP/1.1 404"));
    EXPECT_TRUE(file(folder_ / "log").contains("request_id"));
    EXPECT_FALSE(file(folder_ / "log").contains(canary));
    std::size_t journalled = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "journal")) {
      const std::string bytes = file(entry.path());
      journalled += bytes.contains("demo") ? 1 : 0;
      EXPECT_FALSE(bytes.contains(canary));
    }
    EXPECT_GT(journalled, 0U);
  });
}

}  // namespace
}  // namespace faelled::gateway
