// /v1/responses and /v1/messages keep what a chat keeps: one ending, closed before seen, no false end.
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

class Protocols : public GatewayTest {
 protected:
  struct Protocol {
    std::string name;
    std::string path, body;  // the body without its end
    std::string end;         // what only a whole answer has
    std::string alive;       // the sign of life
    std::string error;       // what only a broken one has
  };
  static std::vector<Protocol> both() {
    return {
        {"responses", "/v1/responses", std::string(R"({"model":"m","input":")") + canary + "\"", "response.completed",
         "event: response.in_progress", "event: response.failed"},
        {"messages", "/v1/messages",
         std::string(R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":")") + canary + "\"}]",
         "message_stop", "event: ping", "event: error"},
    };
  }
  Task<Peer> ask_for(const Protocol& protocol, bool stream, const std::string& more = {}) {
    return ask(post(protocol.path, protocol.body + (stream ? R"(,"stream":true)" : "") + more + "}"));
  }
  void each(const std::function<Task<void>(const Protocol&)>& body) {
    start();
    for (const Protocol& protocol : both()) {
      SCOPED_TRACE(protocol.name);
      net::run(loop_, body(protocol));
    }
  }
  // The row that came last; `count` of them are there.
  Task<ledger::UsageRow> row(std::size_t count) {
    co_await net::turns_until(loop_, [&] { return rows().size() >= count; });
    EXPECT_EQ(rows().size(), count);
    co_return rows().back();
  }
  std::size_t asked_ = 0;
};

TEST_F(Protocols, TheEndIsSeenOnlyOnceTheRecordIsClosed) {
  mesh_.places = 1;
  each([&](const Protocol& protocol) -> Task<void> {
    const std::size_t before = rows().size();
    auto peer = co_await ask_for(protocol, true);
    auto engine = co_await engine_->request();
    EXPECT_TRUE(engine.got.contains(R"("messages":[{"role":"user","content":")"));
    EXPECT_TRUE(engine.got.contains(R"("stream_options":{"include_usage":true})"));
    co_await engine.say(stream_head() + role() + word("hej"));
    EXPECT_TRUE(co_await peer.hears("hej"));
    co_await engine.say(word(" du") + last() + usage());
    EXPECT_TRUE(co_await peer.hears(" du"));
    EXPECT_EQ(rows().size(), before);
    // Not even the end of the text: only what comes with the end of the answer tells that it is whole.
    EXPECT_FALSE(peer.got.contains("output_text.done") || peer.got.contains("content_block_stop"));
    co_await engine.say(done());
    EXPECT_TRUE(co_await peer.hears(protocol.end));
    EXPECT_EQ(rows().size(), before + 1);
    EXPECT_FALSE(peer.got.contains("[DONE]"));
    EXPECT_FALSE(peer.got.contains("upstream-name"));
    const auto closed = rows().back();
    EXPECT_EQ(closed.outcome, ledger::Outcome::done);
    EXPECT_EQ(closed.input_tokens, 11U);
    EXPECT_EQ(closed.output_tokens, 2U);
    EXPECT_EQ(closed.request_id, header(peer.got, "x-request-id"));
    // The ids of the answer lead to its row.
    EXPECT_TRUE(peer.got.contains(closed.request_id.substr(4)));
    client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
  });
}

TEST_F(Protocols, AWholeAnswerIsOneObject) {
  mesh_.places = 1;
  each([&](const Protocol& protocol) -> Task<void> {
    auto peer = co_await ask_for(protocol, false);
    auto engine = co_await engine_->request();
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("\"hej\""));
    EXPECT_TRUE(peer.got.contains(R"("input_tokens":11)"));
    EXPECT_EQ(header(peer.got, "Content-Type"), "application/json");
    EXPECT_EQ(header(peer.got, "request-id").empty(), protocol.name == "responses");
    EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::done);
    client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
  });
}

TEST_F(Protocols, AnEngineThatBreaksOffIsToldAsAnErrorAndNeverAsAnEnd) {
  mesh_.places = 1;
  each([&](const Protocol& protocol) -> Task<void> {
    auto peer = co_await ask_for(protocol, true);
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej"));
    EXPECT_TRUE(co_await peer.hears("hej"));
    engine.hang_up();
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.contains(protocol.error));
    EXPECT_FALSE(peer.got.contains(protocol.end));
    EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::failed);
  });
}

TEST_F(Protocols, WhoWaitsSeesSignsOfLifeAndARefusalAfterThemIsAnEvent) {
  context_->settings.keep_alive_every = 5ms;
  context_->settings.wait_max = 60ms;
  each([&](const Protocol& protocol) -> Task<void> {
    auto peer = co_await ask_for(protocol, true);
    EXPECT_TRUE(co_await peer.hears(protocol.alive));
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.contains(protocol.error));
    EXPECT_TRUE(peer.got.contains(protocol.name == "responses" ? "rate_limit_exceeded" : "rate_limit_error"));
    EXPECT_FALSE(peer.got.contains(protocol.end));
    EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::refused);
  });
}

TEST_F(Protocols, AClientThatHangsUpFreesTheEngineAndLeavesOneRow) {
  each([&](const Protocol& protocol) -> Task<void> {
    // In line.
    auto waiting = co_await ask_for(protocol, true);
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    waiting.hang_up();
    EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::cancelled);
    EXPECT_EQ(mesh_.waiting(), 0U);
    mesh_.open(1);
    for (const bool stream : {true, false}) {
      // Before the first word.
      auto early = co_await ask_for(protocol, stream);
      auto engine = co_await engine_->request();
      early.hang_up();
      EXPECT_FALSE(co_await engine.more());
      EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::cancelled);
      EXPECT_EQ(mesh_.running(), 0U);
    }
    // In mid-stream.
    auto late = co_await ask_for(protocol, true);
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej"));
    EXPECT_TRUE(co_await late.hears("hej"));
    late.hang_up();
    EXPECT_FALSE(co_await engine.more());
    EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::cancelled);
    EXPECT_EQ(mesh_.running(), 0U);
    mesh_.places = 0;
  });
}

TEST_F(Protocols, AnEngineIsSentAllowedFieldsOnly) {
  mesh_.places = 1;
  each([&](const Protocol& protocol) -> Task<void> {
    auto peer = co_await ask_for(
        protocol, false,
        R"(,"id_slot":3,"cache_prompt":true,"lora":[1],"priority":-1,"chat_template":"x","metadata":{})");
    auto engine = co_await engine_->request();
    const std::string body = engine.got.substr(engine.got.find("\r\n\r\n"));
    for (const char* word : {"id_slot", "cache_prompt", "lora", "priority", "chat_template", "metadata"})
      EXPECT_FALSE(body.contains(word)) << word;
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("hej"));
    client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
  });
}

TEST_F(Protocols, ErrorsAreInTheFormOfTheProtocol) {
  run([&]() -> Task<void> {
    const struct {
      std::string request;
      const char* status;
      const char* holds;
    } table[] = {
        {post("/v1/responses", R"({"model":"m"})"), "400", R"("param":"input")"},
        {post("/v1/responses", R"({"model":"m","input":"u","max_output_tokens":0})"), "400",
         R"("param":"max_output_tokens")"},
        {post("/v1/responses", R"({"model":"none","input":"u"})"), "404", R"("code":"model_not_found")"},
        {post("/v1/responses/resp_1/cancel", ""), "404", "not stored"},
        {"GET /v1/responses/resp_1 HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " + std::string(secret) + "\r\n\r\n",
         "404", "not stored"},
        {"DELETE /v1/responses/resp_1 HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " + std::string(secret) +
             "\r\n\r\n",
         "404", "not stored"},
        {post("/v1/messages", R"({"model":"m"})"), "400", R"({"type":"error","error":{"type":"invalid_request_error")"},
        {post("/v1/messages", R"({"model":"none","max_tokens":1,"messages":[{"role":"user","content":"u"}]})"), "404",
         R"("type":"not_found_error")"},
        {post("/v1/messages/count_tokens", "{}"), "400", "'model' is missing."},
        {post("/v1/responses/input_tokens", R"({"model":"none","input":"u"})"), "404", R"("code":"model_not_found")"},
        {post("/v1/messages/batches", "{}"), "404", R"("type":"not_found_error")"},
        {"POST /v1/messages HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n", "401",
         R"("type":"authentication_error")"},
        {"POST /v1/messages HTTP/1.1\r\nHost: test\r\nx-api-key: sk-wrong\r\nContent-Length: 0\r\n\r\n", "401",
         R"("type":"authentication_error")"},
        {"GET /v1/messages HTTP/1.1\r\nHost: test\r\nx-api-key: " + std::string(secret) + "\r\n\r\n", "405",
         R"("type":"invalid_request_error")"},
        {"GET /v1/models/none HTTP/1.1\r\nHost: test\r\nanthropic-version: 2023-06-01\r\nx-api-key: " +
             std::string(secret) + "\r\n\r\n",
         "404", R"("type":"not_found_error")"},
        {"GET /v1/models?limit=0 HTTP/1.1\r\nHost: test\r\nanthropic-version: 2023-06-01\r\nx-api-key: " +
             std::string(secret) + "\r\n\r\n",
         "400", "'limit' must be"},
    };
    for (const auto& [request, status, holds] : table) {
      auto peer = co_await ask(request);
      EXPECT_TRUE(co_await peer.hears("HTTP/1.1 " + std::string(status))) << request << peer.got;
      EXPECT_TRUE(co_await peer.hears(holds)) << request << peer.got;
    }
    EXPECT_TRUE(rows().empty());
  });
}

// By the engine's own tokenizer and template, and without reading the prompt.
TEST_F(Protocols, TokensAreCountedWhereTheEngineCountsThem) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    const struct {
      const char* path;
      const char* body;
      const char* answer;
    } table[] = {
        {"/v1/responses/input_tokens", R"({"model":"m","input":"u","stream":true})",
         R"({"object":"response.input_tokens","input_tokens":7})"},
        {"/v1/messages/count_tokens", R"({"model":"m","messages":[{"role":"user","content":"u"}]})",
         R"({"input_tokens":7})"},
    };
    for (const auto& [path, body, answer] : table) {
      mesh_.engine_kind = "llama";
      auto peer = co_await ask(post(path, body));
      auto engine = co_await engine_->request();
      EXPECT_TRUE(engine.got.starts_with("POST /v1/chat/completions/input_tokens HTTP/1.1")) << engine.got;
      co_await engine.say(json_answer(200, R"({"object":"response.input_tokens","input_tokens":7})"));
      EXPECT_TRUE(co_await peer.hears(std::string("\r\n\r\n") + answer)) << peer.got;
      const auto counted = co_await row(++asked_);
      EXPECT_EQ(counted.outcome, ledger::Outcome::done);
      EXPECT_EQ(counted.input_tokens, 0U);
      client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
      auto lied_to = co_await ask(post(path, body));
      auto liar = co_await engine_->request();
      co_await liar.say(json_answer(200, R"({"input_tokens":"many"})"));
      EXPECT_TRUE(co_await lied_to.hears("HTTP/1.1 502"));
      EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::failed);
      client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
      mesh_.engine_kind = "openai";
      auto refused = co_await ask(post(path, body));
      EXPECT_TRUE(co_await refused.hears("The engine of this model does not count tokens ahead."));
      EXPECT_EQ((co_await row(++asked_)).outcome, ledger::Outcome::refused);
    }
  });
}

TEST_F(Protocols, ModelsAreListedInTheFormOfWhoeverAsks) {
  run([&]() -> Task<void> {
    const std::string key = "x-api-key: " + std::string(secret) + "\r\n";
    auto theirs =
        co_await ask("GET /v1/models HTTP/1.1\r\nHost: test\r\nanthropic-version: 2023-06-01\r\n" + key + "\r\n");
    EXPECT_TRUE(co_await theirs.hears(R"("has_more":false,"first_id":"m","last_id":"m"})"));
    EXPECT_FALSE(header(theirs.got, "request-id").empty());
    auto one =
        co_await ask("GET /v1/models/m HTTP/1.1\r\nHost: test\r\nanthropic-version: 2023-06-01\r\n" + key + "\r\n");
    EXPECT_TRUE(co_await one.hears(R"({"type":"model","id":"m")"));
    auto ours = co_await ask("GET /v1/models HTTP/1.1\r\nHost: test\r\n" + key + "\r\n");
    EXPECT_TRUE(co_await ours.hears(R"({"object":"list","data":[)"));
    auto lost = co_await ask(
        "GET /v1/models?after_id=gone HTTP/1.1\r\nHost: test\r\nanthropic-version: 2023-06-01\r\n" + key + "\r\n");
    EXPECT_TRUE(co_await lost.hears(R"("has_more":false,"first_id":"m","last_id":"m"})"));
  });
}

TEST_F(Protocols, AMistypedNameIsNotComparedWithVeryMany) {
  run([&]() -> Task<void> {
    const auto mistyped = [&](const std::string& headers) {
      return ask("GET /v1/models/model-7 HTTP/1.1\r\nHost: test\r\nx-api-key: " + std::string(secret) + "\r\n" +
                 headers + "\r\n");
    };
    for (int i = 10; i < 1011; ++i) {
      CatalogueModel model;
      model.settings.id = "model-" + std::to_string(i);
      if (i == 20) {
        auto few = co_await mistyped("anthropic-version: 2023-06-01\r\n");
        EXPECT_TRUE(co_await few.hears("Did you mean")) << few.got;
      }
      EXPECT_TRUE(catalogue_->put(model));
    }
    for (const std::string headers : {"", "anthropic-version: 2023-06-01\r\n"}) {
      auto many = co_await mistyped(headers);
      EXPECT_TRUE(co_await many.hears("There is no model 'model-7' here.")) << many.got;
      EXPECT_FALSE(many.got.contains("Did you mean")) << many.got;
    }
  });
}

}  // namespace
}  // namespace faelled::gateway
