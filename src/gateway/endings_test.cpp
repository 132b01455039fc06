// Invariant: one ending
// Every way a request can end: one row, one ending on the wire, the place and the engine free.
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

using Endings = GatewayTest;

TEST_F(Endings, AnEngineThatBreaksOffIsToldAsAnErrorAndNeverAsAnEnd) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej"));
    EXPECT_TRUE(co_await peer.hears("hej"));
    engine.hang_up();
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.contains(R"("code":"engine_failed")"));
    EXPECT_FALSE(peer.got.contains("[DONE]"));
    const auto row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::failed);
    EXPECT_EQ(row.output_tokens, 1U);
    EXPECT_TRUE(mesh_.ends.back().engine_fault);
  });
}

TEST_F(Endings, AnErrorOfTheEnginesFollowedByDoneIsAnError) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej") +
                        event(R"({"error":{"message":"EngineCore died","type":"InternalServerError","code":500}})") +
                        done());
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.contains(R"("error":{)"));
    EXPECT_FALSE(peer.got.contains("EngineCore"));
    EXPECT_FALSE(peer.got.contains("[DONE]"));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::failed);
  });
}

TEST_F(Endings, AStreamThatStopsWithoutAReasonIsBroken) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej") + "0\r\n\r\n");
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.contains("engine_failed"));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::failed);
  });
}

TEST_F(Endings, AnAnswerIsWholeWhenOnlyTheFarewellIsMissing) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej") + last());
    engine.hang_up();
    EXPECT_TRUE(co_await peer.hears("[DONE]"));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::done);
  });
}

TEST_F(Endings, AnEngineThatDiesBeforeItsFirstWordIsTriedAgainOnceItIsBack) {
  mesh_.places = 1;
  for (const bool stream : {true, false}) {
    if (stream) start();
    const auto body = [&]() -> Task<void> {
      auto peer = co_await ask(chat(stream));
      // It dies, and the mesh has no ready engine until the node says so again.
      mesh_.on_fault = [&] { mesh_.places = 0; };
      auto engine = co_await engine_->request();
      engine_->stop();
      if (stream) co_await engine.say(stream_head());
      engine.hang_up();
      co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
      engine_->start();
      mesh_.open(1);
      auto again = co_await engine_->request();
      co_await again.say(stream ? stream_head() + role() + word("hej") + last() + done() : whole_answer());
      EXPECT_TRUE(co_await peer.hears(stream ? "[DONE]" : "\"hej\""));
      EXPECT_EQ(rows().size(), stream ? 1U : 2U);
      EXPECT_EQ(rows().back().outcome, ledger::Outcome::done);
      EXPECT_FALSE(peer.got.contains("error"));
    };
    net::run(loop_, body());
  }
}

TEST_F(Endings, TheSecondAttemptMayWaitHoweverLongTheFirstHadRun) {
  mesh_.places = 1;
  context_->settings.wait_max = 1s;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false));
    mesh_.on_fault = [&] { mesh_.places = 0; };
    auto engine = co_await engine_->request();
    co_await loop_.sleep(1010ms);  // longer than it might have waited
    engine.hang_up();
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    co_await loop_.sleep(20ms);
    mesh_.open(1);
    auto again = co_await engine_->request();
    co_await again.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::done);
  });
}

// vLLM's first byte of an answer that is not streamed comes when the answer is whole.
TEST_F(Endings, AnEngineThatDoesNotStreamMayBeSilentAsLongAsAnAnswerMayTake) {
  mesh_.places = 1;
  context_->settings.silence_max = 20ms;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false));
    auto engine = co_await engine_->request();
    co_await loop_.sleep(40ms);
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::done);
  });
}

TEST_F(Endings, AnErrorInTheMiddleMeansTheSameToThoseWhoDidNotAskForAStream) {
  mesh_.places = 1;
  mesh_.engine_kind = "llama";
  run([&]() -> Task<void> {
    std::size_t asked = 0;
    for (const bool stream : {true, false}) {
      auto peer = co_await ask(chat(stream));
      auto engine = co_await engine_->request();
      co_await engine.say(
          stream_head() + role() +
          event(R"({"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}})"));
      EXPECT_TRUE(co_await peer.hears("context_length_exceeded")) << peer.got;
      if (!stream) EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 400")) << peer.got;
      co_await net::turns_until(loop_, [&] { return rows().size() == asked + 1; });
      EXPECT_EQ(rows().size(), ++asked);
      EXPECT_EQ(mesh_.tickets.size(), asked) << "once";
      EXPECT_EQ(rows().back().outcome, ledger::Outcome::refused);
      EXPECT_FALSE(mesh_.ends.back().engine_fault);
    }
  });
}

TEST_F(Endings, BatchWhosePlaceIsNeededStopsAtTheEngineAndBeginsAgain) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"service_tier":"flex")"));
    auto engine = co_await engine_->request();
    EXPECT_TRUE(mesh_.tickets.at(0).revocable);
    mesh_.take_back();
    EXPECT_FALSE(co_await engine.more()) << "the engine is hung up on";
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    EXPECT_TRUE(mesh_.ends.at(0).returned);
    EXPECT_EQ(mesh_.ends.at(0).prompt_tokens, 0U) << "the place may still hold the words of whoever had it before";
    mesh_.open(1);
    auto again = co_await engine_->request();
    co_await again.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
    EXPECT_EQ(mesh_.tickets.size(), 1U) << "the same ticket, with its place in line";
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::done);
  });
}

TEST_F(Endings, BatchWhoseNewPlaceIsAskedBackAtOnceWaitsAgain) {
  mesh_.places = 1;
  bool once = true;
  mesh_.on_returned = [&] {
    if (!std::exchange(once, false)) return;
    mesh_.open(1);
    mesh_.take_back();
  };
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"service_tier":"flex")"));
    auto engine = co_await engine_->request();
    mesh_.take_back();
    co_await net::turns_until(loop_, [&] { return mesh_.ends.size() == 2; });
    EXPECT_EQ(mesh_.waiting(), 1U) << "in line, and not forgotten";
    for (int turn = 0; turn < 20; ++turn) co_await loop_.sleep(0ms);
    EXPECT_TRUE(engine_->quiet()) << "a place that was taken back is not worked in";
    mesh_.open(1);
    auto again = co_await engine_->request();
    co_await again.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::done);
  });
}

TEST_F(Endings, BatchThatIsTakenBackAsTheServerEndsIsRefusedAndLeavesTheLine) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"service_tier":"flex")"));
    auto engine = co_await engine_->request();
    context_->shutting_down = true;
    mesh_.take_back();
    EXPECT_TRUE(co_await peer.hears("shutting_down"));
    EXPECT_EQ(mesh_.waiting(), 0U);
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::refused);
  });
}

TEST_F(Endings, BatchWhoseClientHangsUpAsItIsTakenBackIsCancelled) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"service_tier":"flex")"));
    auto engine = co_await engine_->request();
    peer.hang_up();
    mesh_.take_back();
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::cancelled);
    EXPECT_EQ(mesh_.waiting(), 0U);
    mesh_.places = 1;
  });
}

TEST_F(Endings, BatchWhoseClientHangsUpWhileItWaitsAgainOwesNothing) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"service_tier":"flex")"));
    auto engine = co_await engine_->request();
    mesh_.take_back();
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    peer.hang_up();
    const ledger::UsageRow row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::cancelled);
    EXPECT_EQ(row.input_tokens, 0U);
    EXPECT_EQ(mesh_.ends.back().prompt_tokens, 0U);
    EXPECT_FALSE(mesh_.ends.back().prompt_assumed);
    mesh_.places = 1;
  });
}

TEST_F(Endings, WhatAnEngineSaidBeforeItDiedIsBookedOnceThoughNoOtherWasFound) {
  mesh_.places = 1;
  mesh_.engine_kind = "llama";
  mesh_.on_fault = [&] { mesh_.places = 0; };
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej") + word("igen"));
    engine.hang_up();
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    peer.hang_up();
    EXPECT_EQ((co_await one_row()).output_tokens, 2U);
    EXPECT_EQ(mesh_.ends.size(), 2U);
    EXPECT_EQ(mesh_.ends.front().output_tokens, 2U);
    EXPECT_EQ(mesh_.ends.back().output_tokens, 0U);
  });
}

// Whose client hangs up when it is told to.
class Listener final : public AnswerSink {
 public:
  void hang_up() {
    gone_ = true;
    if (told_) told_();
  }
  void whole(std::string_view, const AnswerTimes&) override {}
  void fail(const openai::ApiError&) override {}
  void open(const AnswerTimes&) override {}
  void event(std::string_view) override {}
  void keep_alive(const rpc::Waiting*) override {}
  void waiting(const rpc::Waiting&) override {}
  void done() override {}
  void broken(const openai::ApiError&) override {}
  void flush() override {}
  bool opened() const override { return false; }
  bool gone() const override { return gone_; }
  void on_gone(std::function<void()> callback) override { told_ = std::move(callback); }
  bool congested() const override { return false; }

 private:
  bool gone_ = false;
  std::function<void()> told_;
};

TEST_F(Endings, BatchWhoseClientHangsUpInTheMomentThatItIsBackInLineLeavesTheLine) {
  mesh_.places = 1;
  Listener client;
  mesh_.on_returned = [&] { client.hang_up(); };
  run([&]() -> Task<void> {
    loop_.spawn(gateway_->chat({"demo", "test", {}, {}},
                               R"({"model":"m","messages":[{"role":"user","content":"hej"}],"service_tier":"flex"})",
                               "req_1", client));
    auto engine = co_await engine_->request();
    mesh_.take_back();
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::cancelled);
    EXPECT_EQ(mesh_.waiting(), 0U);
    EXPECT_EQ(mesh_.ends.size(), 2U);
  });
}

TEST_F(Endings, NothingIsTriedAgainOnceAWordOfTheEnginesWasRelayed) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role());
    EXPECT_TRUE(co_await peer.hears("assistant"));
    engine.hang_up();
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.contains("engine_failed"));
    EXPECT_EQ(mesh_.tickets.size(), 1U);
  });
}

TEST_F(Endings, AnEngineThatStaysAwayIsNotTriedForever) {
  mesh_.places = 1;
  engine_->stop();
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false));
    EXPECT_TRUE(co_await peer.hears("HTTP/1.1 502"));
    EXPECT_EQ(mesh_.tickets.size(), limits::engine_attempts_max);
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::failed);
  });
}

// Each row of the table that an engine or the mesh can cause, on the wire.
TEST_F(Endings, EachCauseReachesTheWireWithItsStatusAndHeaders) {
  struct Row {
    int engine_status;
    const char* body;
    int status;
    const char* code;
    const char* should_retry;
    const char* retry_after;
  };
  const Row table[] = {
      {400, R"({"error":{"message":"no"}})", 400, "invalid_value", "false", ""},
      {400, R"({"error":{"message":"This model's maximum context length is 10 tokens"}})", 400,
       "context_length_exceeded", "false", ""},
      {422, "{}", 400, "invalid_value", "false", ""},
      {413, "", 413, "request_too_large", "false", ""},
      {401, "{}", 502, "engine_failed", "true", "1"},
      {404, "{}", 502, "engine_failed", "true", "1"},
      {408, "{}", 504, "engine_timeout", "false", ""},
      {429, "{}", 503, "model_unavailable", "true", "30"},
      {500, "not JSON", 502, "engine_failed", "true", "1"},
      {504, "{}", 504, "engine_timeout", "false", ""},
      {200, "not JSON", 502, "engine_failed", "true", "1"},
      {200, R"({"error":{"message":"no"}})", 502, "engine_failed", "true", "1"},
      {200, "{}", 502, "engine_failed", "true", "1"},
  };
  mesh_.places = 1;
  run([&]() -> Task<void> {
    std::size_t asked = 0;
    for (const Row& row : table) {
      client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
      auto peer = co_await ask(chat(false));
      auto engine = co_await engine_->request();
      co_await engine.say(json_answer(row.engine_status, row.body));
      EXPECT_TRUE(co_await peer.hears("message_da"));
      const std::string at = std::to_string(row.engine_status) + " " + row.body + "\n" + peer.got;
      EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 " + std::to_string(row.status) + " ")) << at;
      EXPECT_TRUE(peer.got.contains(std::string(R"("code":")") + row.code + '"')) << at;
      EXPECT_EQ(header(peer.got, "x-should-retry"), row.should_retry) << at;
      EXPECT_EQ(header(peer.got, "Retry-After"), row.retry_after) << at;
      EXPECT_EQ(rows().size(), ++asked);
      EXPECT_EQ(rows().back().request_id, header(peer.got, "x-request-id"));
      EXPECT_EQ(rows().back().outcome, row.status < 500 ? ledger::Outcome::refused : ledger::Outcome::failed) << at;
    }
  });
}

TEST_F(Endings, RefusalsOfTheMeshReachTheWire) {
  using rpc::RefusalCause;
  mesh_.retry_after = 1000s;
  run([&]() -> Task<void> {
    const std::pair<RefusalCause, const char*> table[] = {{RefusalCause::queue_full, "429"},
                                                          {RefusalCause::waited_too_long, "429"},
                                                          {RefusalCause::model_failed, "503"},
                                                          {RefusalCause::shutting_down, "503"}};
    for (const auto& [cause, status] : table) {
      mesh_.refusal = cause;
      for (const bool stream : {false, true}) {
        auto peer = co_await ask(chat(stream));
        EXPECT_TRUE(co_await peer.hears("message_da"));
        EXPECT_TRUE(peer.got.starts_with(std::string("HTTP/1.1 ") + status)) << peer.got;
        EXPECT_EQ(header(peer.got, "Retry-After"), "120");
        EXPECT_EQ(header(peer.got, "x-should-retry"), "true");
        EXPECT_EQ(rows().back().outcome, ledger::Outcome::refused);
      }
    }
    mesh_.refusal.reset();
    context_->shutting_down = true;
    auto late = co_await ask(chat(false));
    EXPECT_TRUE(co_await late.hears("message_da"));
    EXPECT_TRUE(late.got.starts_with("HTTP/1.1 503"));
    EXPECT_EQ(rows().size(), 9U);
  });
}

TEST_F(Endings, WhatNeverBecomesATicketHasNoRow) {
  run([&]() -> Task<void> {
    const auto status_of = [&](std::string request) -> Task<std::string> {
      auto peer = co_await ask(std::move(request));
      EXPECT_TRUE(co_await peer.hears("message_da"));
      EXPECT_FALSE(header(peer.got, "x-request-id").empty());
      co_return peer.got.substr(9, 3);
    };
    EXPECT_EQ(co_await status_of("GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"), "401");
    EXPECT_EQ(co_await status_of("GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-wrong\r\n\r\n"),
              "401");
    EXPECT_EQ(co_await status_of(post("/v1/nothing", "{}")), "404");
    EXPECT_EQ(co_await status_of(post("/v1/models", "{}")), "405");
    auto wrong = co_await ask("DELETE /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                              std::string(secret) + "\r\n\r\n");
    EXPECT_TRUE(co_await wrong.hears("message_da"));
    EXPECT_EQ(header(wrong.got, "Allow"), "POST");
    EXPECT_EQ(co_await status_of(post("/v1/chat/completions", "{")), "400");
    EXPECT_EQ(co_await status_of(
                  post("/v1/chat/completions", R"({"model":"mm","messages":[{"role":"user","content":"x"}]})")),
              "404");
    EXPECT_TRUE(rows().empty());
    EXPECT_TRUE(mesh_.tickets.empty());
  });
}

}  // namespace
}  // namespace faelled::gateway
