// One request, several choices: each an exchange of its own, one answer, one ending.
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

using ManyChoices = GatewayTest;

// As whole_answer(), but each says its own word and tokens.
std::string saying(const std::string& word, int tokens) {
  return R"({"id":"c","object":"chat.completion","created":1,"model":"upstream-name","choices":[{"index":0,"message":)"
         R"({"role":"assistant","content":")" +
         word + R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":)" +
         std::to_string(tokens) + R"(,"total_tokens":13}})";
}

TEST_F(ManyChoices, ComeBackAsOneAnswerInTheirOrderWithUsageSummed) {
  mesh_.places = 2;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"n":2,"seed":5)"));
    auto first = co_await engine_->request();
    auto second = co_await engine_->request();
    EXPECT_TRUE(first.got.contains("\"seed\":5"));
    EXPECT_TRUE(second.got.contains("\"seed\":6"));
    EXPECT_FALSE(first.got.contains("\"n\":"));
    co_await second.say(json_answer(200, saying("two", 3)));
    co_await net::turns_until(loop_, [&] { return rows().size() == 1; });
    EXPECT_EQ(peer.got, "");
    co_await first.say(json_answer(200, saying("one", 2)));
    EXPECT_TRUE(co_await peer.hears("\"prompt_tokens\":22,\"completion_tokens\":5,\"total_tokens\":27"));
    const auto one = peer.got.find("\"one\""), two = peer.got.find("\"two\"");
    EXPECT_TRUE(one != peer.got.npos && two != peer.got.npos && one < two);
    EXPECT_TRUE(peer.got.contains("\"index\":1"));
    // The ledger has what engines counted, each under its own name.
    const auto all = rows();
    EXPECT_EQ(all.size(), 2U);
    const std::string id = header(peer.got, "x-request-id");
    std::map<std::string, std::uint64_t> tokens;
    for (const auto& row : all) tokens[row.request_id] = row.output_tokens;
    EXPECT_EQ(tokens, (std::map<std::string, std::uint64_t>{{id, 2}, {id + "-1", 3}}));
  });
}

TEST_F(ManyChoices, AreStreamedAsTheyComeWithOneEnd) {
  mesh_.places = 2;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true, R"(,"n":2,"stream_options":{"include_usage":true})"));
    auto first = co_await engine_->request();
    auto second = co_await engine_->request();
    co_await second.say(stream_head() + word("two"));
    EXPECT_TRUE(co_await peer.hears("\"two\""));
    EXPECT_TRUE(peer.got.contains("\"index\":1"));
    co_await first.say(stream_head() + word("one") + last() + usage() + done());
    EXPECT_TRUE(co_await peer.hears("\"stop\""));
    co_await net::turns_until(loop_, [&] { return rows().size() == 1; });
    EXPECT_FALSE(peer.got.contains("[DONE]"));
    EXPECT_FALSE(peer.got.contains("\"usage\""));
    co_await second.say(last() + usage() + done());
    EXPECT_TRUE(co_await peer.hears("[DONE]"));
    EXPECT_TRUE(peer.got.contains("\"prompt_tokens\":22,\"completion_tokens\":4"));
    EXPECT_EQ(peer.got.find("[DONE]"), peer.got.rfind("[DONE]"));
    EXPECT_EQ(rows().size(), 2U);
  });
}

// Invariant: one ending
TEST_F(ManyChoices, OneThatFailsTakesTheOthersWithIt) {
  mesh_.places = 2;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true, R"(,"n":3)"));
    auto first = co_await engine_->request();
    auto second = co_await engine_->request();
    co_await first.say(stream_head() + word("one"));
    EXPECT_TRUE(co_await peer.hears("\"one\""));
    co_await second.say(stream_head() + word("two") + event(R"({"error":{"message":"x","code":500}})"));
    EXPECT_TRUE(co_await peer.hears("engine_failed"));
    co_await net::turns_until(loop_, [&] { return rows().size() == 3; });
    EXPECT_FALSE(peer.got.contains("[DONE]"));
    int cancelled = 0, failed = 0;
    for (const auto& row : rows()) {
      cancelled += row.outcome == ledger::Outcome::cancelled ? 1 : 0;
      failed += row.outcome == ledger::Outcome::failed ? 1 : 0;
    }
    EXPECT_EQ(cancelled, 2);
    EXPECT_EQ(failed, 1);
  });
}

// Its place is asked back on the stack on which the other one fails.
TEST_F(ManyChoices, OneWhoseOtherFailsAsItsPlaceIsTakenBackDoesNotBeginAgain) {
  mesh_.places = 2;
  bool once = true;
  mesh_.on_end = [&] {
    if (std::exchange(once, false)) mesh_.take_back(mesh_.tickets.at(1).number);
  };
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"n":2,"service_tier":"flex")"));
    auto first = co_await engine_->request();
    auto second = co_await engine_->request();
    co_await first.say(json_answer(200, "{}"));
    EXPECT_TRUE(co_await peer.hears("engine_failed"));
    EXPECT_FALSE(co_await second.more()) << "the engine is hung up on";
    co_await net::turns_until(loop_, [&] { return rows().size() == 2; });
    EXPECT_EQ(mesh_.waiting(), 0U);
    EXPECT_EQ(mesh_.tickets.size(), 2U);
    EXPECT_TRUE(engine_->quiet());
  });
}

TEST_F(ManyChoices, AClientThatLeavesEndsThemAll) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    {
      auto peer = co_await ask(chat(false, R"(,"n":4)"));
      auto engine = co_await engine_->request();
      peer.hang_up();
      EXPECT_FALSE(co_await engine.more());
    }
    co_await net::turns_until(loop_, [&] { return rows().size() == 4; });
    for (const auto& row : rows()) EXPECT_EQ(row.outcome, ledger::Outcome::cancelled);
  });
}

// Invariant: one ending
TEST_F(ManyChoices, AReaderThatIsTooSlowForOneHasNoEndOfAny) {
  mesh_.places = 2;
  bounds_.unsent_bytes_max = 64 * 1024;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true, R"(,"n":2)"));
    auto first = co_await engine_->request();
    auto second = co_await engine_->request();
    co_await second.say(stream_head() + word("two"));
    EXPECT_TRUE(co_await peer.hears("\"two\""));
    co_await first.say(stream_head() + role());
    const std::string much = word(std::string(8000, 'x'));
    bool more = true;
    for (int i = 0; i < 2000 && more && rows().empty(); ++i) {
      more = (co_await first.stream().write_all(much)).ok();
      co_await loop_.sleep(0ms);
    }
    co_await net::turns_until(loop_, [&] { return rows().size() == 2; });
    for (const auto& row : rows()) EXPECT_EQ(row.outcome, ledger::Outcome::cancelled);
    const std::string heard = co_await peer.all();
    EXPECT_FALSE(heard.contains("[DONE]"));
    EXPECT_FALSE(heard.ends_with("\r\n0\r\n\r\n"));
  });
}

TEST_F(ManyChoices, ARefusalIsSaidOnce) {
  mesh_.refusal = rpc::RefusalCause::queue_full;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false, R"(,"n":3)"));
    EXPECT_TRUE(co_await peer.hears("HTTP/1.1 429"));
    co_await net::turns_until(loop_, [&] { return rows().size() == 3; });
    EXPECT_EQ(peer.got.find("HTTP/1.1"), peer.got.rfind("HTTP/1.1"));
  });
}

}  // namespace
}  // namespace faelled::gateway
