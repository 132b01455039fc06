// What a vLLM of ours is told about who asks.
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

class ToVllm : public GatewayTest {
 protected:
  void SetUp() override {
    mesh_.places = 1;
    mesh_.engine_kind = "vllm";
  }
  Task<std::string> sent(std::string request) {
    auto peer = co_await ask(std::move(request));
    auto engine = co_await engine_->request();
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("hej"));
    client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
    co_return engine.got;
  }
};

TEST_F(ToVllm, EachMemberHasACacheOfItsOwn) {
  run([&]() -> Task<void> {
    const auto got = co_await sent(chat(false));
    EXPECT_TRUE(got.contains(R"("cache_salt":")" + context_->salts.of("demo") + R"(","priority":0})")) << got;
  });
}

TEST_F(ToVllm, BatchComesAfterInteractive) {
  run([&]() -> Task<void> {
    EXPECT_TRUE((co_await sent(chat(false, R"(,"service_tier":"flex")"))).contains(R"("priority":10})"));
  });
}

TEST_F(ToVllm, NoMemberChoosesItsSaltOrItsPriority) {
  run([&]() -> Task<void> {
    const auto got = co_await sent(chat(false, R"(,"cache_salt":"mine","priority":-100)"));
    EXPECT_FALSE(got.contains("mine"));
    EXPECT_FALSE(got.contains("-100"));
  });
}

TEST_F(ToVllm, AStreamIsAskedForItsUsage) {
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    EXPECT_TRUE(engine.got.contains(R"("include_usage":true)"));
    co_await engine.say(stream_head() + role() + word("hej") + last() + usage() + done());
    EXPECT_TRUE(co_await peer.hears("[DONE]"));
    EXPECT_EQ((co_await one_row()).input_tokens, 11U);
  });
}

}  // namespace
}  // namespace faelled::gateway
