#include "openai/answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace faelled::openai {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(FAELLED_SOURCE_DIR) + "/src/openai/testdata/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::expected<Answer, ApiError> rewrite(std::string_view body, Endpoint endpoint, std::uint32_t inputs = 1,
                                        bool base64 = false) {
  json::Document document;
  Request request;
  request.endpoint = endpoint;
  request.inputs = inputs;
  request.base64 = base64;
  return rewrite_answer(body, request, "public", document);
}

TEST(Answer, carries_our_name_and_openais_members_only) {
  const auto answer = rewrite(recorded("llama_chat.json"), Endpoint::chat);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->body, HasSubstr(R"("model":"public")"));
  EXPECT_THAT(answer->body, HasSubstr(R"("message":{"role":"assistant")"));
  EXPECT_THAT(answer->body, Not(HasSubstr("timings")));
  EXPECT_THAT(answer->body, Not(HasSubstr("small.gguf")));
  EXPECT_EQ(answer->usage, (Usage{.prompt_tokens = 10, .cached_tokens = 5, .output_tokens = 6, .known = true}));
  json::Document document;
  EXPECT_TRUE(document.parse(answer->body));
  EXPECT_EQ(rewrite(recorded("llama_completion.json"), Endpoint::completions)->usage.output_tokens, 4u);
}

TEST(Answer, that_is_none_is_the_engines_fault) {
  for (const char* body : {"", "[]", "{}", "{\"choices\":[]}", R"({"choices":[{"text":"a"}]})", "{\"choices\":[{},{}]}",
                           R"({"choices":{"message":{}}})", R"({"error":{"message":"x"}})"}) {
    const auto answer = rewrite(body, Endpoint::chat);
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().cause, Cause::engine_failed);
  }
}

TEST(Answer, gives_vectors_as_they_were_asked_for) {
  const char* floats = R"({"model":"x","object":"list","usage":{"prompt_tokens":2,"total_tokens":2},)"
                       R"("data":[{"embedding":[1.0,-2],"index":0,"object":"embedding","encoding_format":"f"}]})";
  EXPECT_EQ(rewrite(floats, Endpoint::embeddings)->body,
            R"({"model":"public","object":"list","usage":{"prompt_tokens":2,"total_tokens":2},)"
            R"("data":[{"object":"embedding","embedding":[1.0,-2],"index":0}]})");
  EXPECT_THAT(rewrite(floats, Endpoint::embeddings, 1, true)->body, HasSubstr(R"("embedding":"AACAPwAAAMA=")"));
  const char* base64 = R"({"data":[{"embedding":"AACAPw==","index":0}]})";
  EXPECT_THAT(rewrite(base64, Endpoint::embeddings, 1, true)->body, HasSubstr(R"("embedding":"AACAPw==")"));
  EXPECT_FALSE(rewrite(base64, Endpoint::embeddings, 1, false));
  EXPECT_FALSE(rewrite(floats, Endpoint::embeddings, 2));
  EXPECT_FALSE(rewrite(R"({"data":[{"embedding":[]}]})", Endpoint::embeddings));
  EXPECT_FALSE(rewrite(R"({"data":[{"embedding":["a"]}]})", Endpoint::embeddings));
  EXPECT_FALSE(rewrite(R"({"data":[{}]})", Endpoint::embeddings));
}

TEST(Models, are_listed) {
  const ModelEntry models[] = {{.id = "a", .created_s = 5}, {.id = "b\"", .created_s = 6, .owned_by = "x"}};
  std::string out;
  append_model_list(out, models);
  EXPECT_EQ(out, R"({"object":"list","data":[{"id":"a","object":"model","created":5,"owned_by":"faelled"},)"
                 R"({"id":"b\"","object":"model","created":6,"owned_by":"x"}]})");
}

TEST(Models, near_names_are_offered) {
  const std::vector<std::string> names = {"gemma-3-270m", "gemma-3-1b", "qwen3-8b", "nomic-embed"};
  EXPECT_THAT(nearest_names("gemma-3-270", names), ElementsAre("gemma-3-270m", "gemma-3-1b"));
  EXPECT_THAT(nearest_names("Qwen3-8B", names), ElementsAre("qwen3-8b"));
  EXPECT_THAT(nearest_names("embed", names), ElementsAre("nomic-embed"));
  EXPECT_THAT(nearest_names("gpt-4o-mini-2024-07-18", names), IsEmpty());
  EXPECT_THAT(nearest_names("", names), IsEmpty());
  EXPECT_EQ(model_not_found("qwen3-8", names).message, "There is no model 'qwen3-8' here. Did you mean 'qwen3-8b'?");
  EXPECT_THAT(model_not_found("zzzzzzzzzzzzzz", names).message, HasSubstr("/v1/models"));
}

}  // namespace
}  // namespace faelled::openai
