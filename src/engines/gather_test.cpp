#include "engines/gather.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json/value.hpp"

namespace faelled::engines {
namespace {

using openai::Endpoint;
using testing::HasSubstr;

class GatherTest : public testing::Test {
 protected:
  static std::string chunk(const std::string& choice, const std::string& more = {}) {
    return R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"small","choices":[)" + choice +
           "]" + more + "}";
  }
  // What a reader of the gathered body finds at a path of names.
  std::string read(const std::string& body, std::initializer_list<std::string_view> path) {
    auto root = document.parse(body);
    EXPECT_TRUE(root) << body;
    json::Value at = *root;
    for (auto name : path) {
      auto next = name == "0" ? (*at.items().begin()) : at.find(name).value_or(json::Value());
      at = next;
    }
    return at.text().value_or(std::string(at.raw()));
  }
  json::Document document;
};

TEST_F(GatherTest, PutsAChatTogether) {
  Gather gather(Endpoint::chat);
  for (const auto& data : {
           chunk(R"({"index":0,"finish_reason":null,"delta":{"role":"assistant","content":null}})",
                 R"(,"prompt_progress":{"total":9,"cache":0,"processed":4,"time_ms":1})"),
           chunk(R"({"index":0,"finish_reason":null,"delta":{"content":"Rød \"grød\""}})"),
           chunk(R"({"index":0,"finish_reason":null,"delta":{"content":" med\nfløde"}})"),
           chunk(R"({"index":0,"finish_reason":"stop","delta":{}})"),
           chunk("", R"(,"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11})"),
       }) {
    auto more = gather.add(data, document);
    ASSERT_TRUE(more) << more.error().message;
    EXPECT_TRUE(*more);
  }
  EXPECT_FALSE(*gather.add("[DONE]", document));
  EXPECT_TRUE(gather.complete());
  EXPECT_EQ(gather.deltas(), 2U);
  auto body = gather.body();
  EXPECT_EQ(read(body, {"object"}), "chat.completion");
  EXPECT_EQ(read(body, {"id"}), "chatcmpl-1");
  EXPECT_EQ(read(body, {"choices", "0", "message", "content"}), "Rød \"grød\" med\nfløde");
  EXPECT_EQ(read(body, {"choices", "0", "message", "role"}), "assistant");
  EXPECT_EQ(read(body, {"choices", "0", "finish_reason"}), "stop");
  EXPECT_EQ(read(body, {"usage", "completion_tokens"}), "2");
  EXPECT_EQ(read(body, {"created"}), "7");
}

TEST_F(GatherTest, PutsACompletionTogether) {
  Gather gather(Endpoint::completions);
  ASSERT_TRUE(gather.add(chunk(R"({"index":0,"text":"a","logprobs":null,"finish_reason":null})"), document));
  ASSERT_TRUE(gather.add(chunk(R"({"index":1,"text":"x","logprobs":null,"finish_reason":"length"})"), document));
  EXPECT_FALSE(gather.complete());
  ASSERT_TRUE(gather.add(chunk(R"({"index":0,"text":"b","logprobs":null,"finish_reason":"stop"})"), document));
  EXPECT_TRUE(gather.complete());
  EXPECT_EQ(read(gather.body(), {"object"}), "text_completion");
  EXPECT_EQ(read(gather.body(), {"choices", "0", "text"}), "ab");
}

TEST_F(GatherTest, PutsToolCallsAndLogprobsTogether) {
  Gather gather(Endpoint::chat);
  ASSERT_TRUE(gather.add(chunk(R"({"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",)"
                               R"("function":{"name":"weather","arguments":""}}]},"finish_reason":null})"),
                         document));
  ASSERT_TRUE(
      gather.add(chunk(R"({"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]},)"
                       R"("logprobs":{"content":[{"token":"a"},{"token":"b"}]},"finish_reason":"tool_calls"})"),
                 document));
  auto body = gather.body();
  EXPECT_EQ(read(body, {"choices", "0", "message", "content"}), "null");
  EXPECT_EQ(read(body, {"choices", "0", "message", "refusal"}), "null");
  EXPECT_EQ(read(body, {"choices", "0", "message", "tool_calls", "0", "function", "arguments"}), R"({"a":1})");
  EXPECT_EQ(read(body, {"choices", "0", "logprobs", "content"}), R"([{"token":"a"},{"token":"b"}])");
}

TEST_F(GatherTest, AnErrorEventIsNoAnswer) {
  Gather gather(Endpoint::chat);
  EXPECT_FALSE(gather.add(R"({"error":{"code":500,"message":"Compute error."}})", document));
  EXPECT_THAT(gather.error_event(), HasSubstr("Compute error"));
  EXPECT_FALSE(gather.complete());
  EXPECT_FALSE(Gather(Endpoint::chat).add("<html>", document));
}

}  // namespace
}  // namespace faelled::engines
