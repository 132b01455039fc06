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

TEST(Answer, shortens_vectors_to_length_1) {
  json::Document document;
  Request request;
  request.endpoint = Endpoint::embeddings;
  request.form.dimensions = 2;
  const char* engine = R"({"data":[{"embedding":[3,4,12],"index":0}]})";
  EXPECT_THAT(rewrite_answer(engine, request, "m", document)->body, HasSubstr(R"("embedding":[0.6)"));
  request.base64 = true;
  EXPECT_THAT(rewrite_answer(engine, request, "m", document)->body, HasSubstr(R"("embedding":"mpkZP83MTD8=")"));
  request.form.dimensions = 4;
  const auto refused = rewrite_answer(engine, request, "m", document);
  EXPECT_EQ(refused.error().param, "dimensions");
  EXPECT_EQ(refused.error().status(), 400);
}

TEST(Answer, ranks_documents_best_first) {
  json::Document document;
  const auto request = Request::parse(
      Endpoint::rerank, R"({"model":"m","query":"q","documents":["a","b","c"],"top_n":2,"return_documents":true})",
      document);
  json::Document other;
  const auto said = [&](const std::string& results) {
    return rewrite_answer(
        R"({"model":"x","results":[)" + results + R"(],"usage":{"prompt_tokens":7,"total_tokens":7}})", *request, "m",
        other);
  };
  EXPECT_EQ(
      said(R"({"index":0,"relevance_score":-1.5},{"index":2,"relevance_score":2,"document":{"text":"?"}},)"
           R"({"index":1,"relevance_score":0.5})")
          ->body,
      R"({"object":"list","model":"m","results":[{"index":2,"relevance_score":2,"document":{"text":"c"}},)"
      R"({"index":1,"relevance_score":0.5,"document":{"text":"b"}}],"usage":{"prompt_tokens":7,"total_tokens":7}})");
  for (const char* wrong :
       {"", R"({"index":0,"relevance_score":1})",
        R"({"index":0,"relevance_score":1},{"index":0,"relevance_score":1},{"index":1,"relevance_score":1})",
        R"({"index":0,"relevance_score":1},{"index":1,"relevance_score":1},{"index":3,"relevance_score":1})",
        R"({"index":0,"relevance_score":1},{"index":1,"relevance_score":1},{"index":2,"score":1})"})
    EXPECT_EQ(said(wrong).error().cause, Cause::engine_failed) << wrong;
  EXPECT_EQ(rewrite_answer(R"({"results":[{"index":0,"relevance_score":1},{"index":1,"relevance_score":1},)"
                           R"({"index":2,"relevance_score":1}],"usage":{"total_tokens":9}})",
                           *request, "m", other)
                ->usage.prompt_tokens,
            9u);
}

TEST(Answer, of_several_choices_is_one) {
  json::Document document;
  const std::string bodies[] = {R"({"id":"i","choices":[{"index":0}],"usage":{"prompt_tokens":1},"model":"m"})",
                                R"({"id":"i","choices":[{"index":1}],"model":"m"})"};
  Usage sum{.prompt_tokens = 4, .cached_tokens = 1, .output_tokens = 3, .known = true};
  sum += {.prompt_tokens = 4, .cached_tokens = 0, .output_tokens = 2, .known = true};
  EXPECT_EQ(
      merge_answers(bodies, sum, document),
      R"({"id":"i","choices":[{"index":0},{"index":1}],"model":"m","usage":{"prompt_tokens":8,"completion_tokens":5,)"
      R"("total_tokens":13,"prompt_tokens_details":{"cached_tokens":1}}})");
  EXPECT_THAT(usage_chunk({}, "i", "m", 7, sum), HasSubstr(R"("created":7,"model":"m","choices":[],"usage":{)"));
}

TEST(Answer, says_the_tier_that_it_had) {
  json::Document document;
  Request request;
  request.form.tier = ServiceTier::flex;
  const char* engine = R"({"service_tier":"default","choices":[{"index":0,"message":{"content":"a"}}]})";
  EXPECT_EQ(rewrite_answer(engine, request, "m", document)->body,
            R"({"choices":[{"index":0,"message":{"content":"a"}}],"service_tier":"flex"})");
}

// As llama-server says them: token numbers, one alternative at least, completions like chats.
constexpr const char* said =
    R"({"content":[{"id":5,"token":"å","bytes":[195,165],"logprob":-0.5,"top_logprobs":[{"id":5,"token":"å","bytes":[195,165],"logprob":-0.5},{"id":6,"token":"å","bytes":null,"logprob":-2},{"id":7,"token":"b","bytes":[98],"logprob":-3}]},{"id":8,"token":"c","bytes":[99],"logprob":-1,"top_logprobs":[]}]})";

TEST(Answer, says_log_probabilities_in_openais_form) {
  json::Document document;
  Request request;
  request.form.logprobs = 1;
  EXPECT_EQ(
      rewrite_answer(R"({"choices":[{"message":{},"logprobs":)" + std::string(said) + "}]}", request, "m", document)
          ->body,
      R"({"choices":[{"message":{},"logprobs":{"content":[{"token":"å","logprob":-0.5,"bytes":[195,165],)"
      R"("top_logprobs":[{"token":"å","logprob":-0.5,"bytes":[195,165]}]},{"token":"c","logprob":-1,"bytes":[99],)"
      R"("top_logprobs":[]}],"refusal":null}}]})");
  request.endpoint = Endpoint::completions;
  request.form.logprobs = 2;
  EXPECT_EQ(
      rewrite_answer(R"({"choices":[{"text":"åc","logprobs":)" + std::string(said) + "}]}", request, "m", document)
          ->body,
      R"({"choices":[{"text":"åc","logprobs":{"tokens":["å","c"],"token_logprobs":[-0.5,-1],)"
      R"("top_logprobs":[{"å":-0.5,"b":-3},{}],"text_offset":[0,1]}}]})");
  const char* own = R"({"tokens":["a"],"token_logprobs":[-1],"top_logprobs":null,"text_offset":[0]})";
  EXPECT_THAT(
      rewrite_answer(R"({"choices":[{"text":"a","logprobs":)" + std::string(own) + "}]}", request, "m", document)->body,
      HasSubstr(own));
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
