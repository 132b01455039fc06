#include "openai/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::openai {
namespace {

using testing::HasSubstr;
using testing::Not;

std::expected<Request, ApiError> parse(Endpoint endpoint, std::string body) {
  json::Document document;
  return Request::parse(endpoint, std::move(body), document);
}

// A chat request with `more` members behind model and messages.
std::expected<Request, ApiError> chat(const std::string& more) {
  return parse(Endpoint::chat, R"({"model":"m","messages":[{"role":"user","content":"Hej"}])" + more + "}");
}
std::expected<Request, ApiError> chat_with(const std::string& messages) {
  return parse(Endpoint::chat, R"({"model":"m","messages":)" + messages + "}");
}
std::expected<Request, ApiError> completion(const std::string& more) {
  return parse(Endpoint::completions, R"({"model":"m","prompt":"Hej")" + more + "}");
}

std::string upstream(const std::expected<Request, ApiError>& request, Upstream settings = {.model = "up"}) {
  if (!request) return "refused: " + request.error().message;
  std::string out;
  request->append_upstream_body(out, settings);
  return out + "}";
}

std::string fault(const std::expected<Request, ApiError>& request) {
  if (request) return "accepted";
  const char* code = row_of(request.error().cause).code;
  EXPECT_EQ(request.error().status(), 400);
  EXPECT_THAT(request.error().message, Not(HasSubstr("Hej"))) << "messages hold no content";
  return std::string(code) + " " + request.error().param;
}

TEST(Request, passes_allowed_fields_as_they_came) {
  const auto request = chat(
      R"(, "temperature": 0.70, "top_p":1, "logit_bias": {"50256": -100}, "max_completion_tokens":7 , "stream":true)");
  EXPECT_EQ(upstream(request),
            R"({"model":"up","messages":[{"role":"user","content":"Hej"}],"temperature":0.70,"top_p":1,)"
            R"("logit_bias":{"50256": -100},"max_tokens":7,"stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_TRUE(request->stream);
  EXPECT_FALSE(request->include_usage);
  EXPECT_EQ(request->output_tokens_max, 7u);
  EXPECT_EQ(request->model, "m");
}

TEST(Request, never_lets_a_client_steer_the_engine) {
  for (const char* name : {"priority", "cache_salt", "id_slot", "lora", "kv_transfer_params", "chat_template",
                           "chat_template_kwargs", "grammar", "json_schema", "cache_prompt", "slot_id", "n_predict",
                           "unheard_of", "__proto__", "", "cache\\u005fprompt", "id_slot\\u0000"}) {
    const auto request = chat(std::string(R"(,")") + name + R"(":{"a":[1]})");
    EXPECT_EQ(upstream(request), R"({"model":"up","messages":[{"role":"user","content":"Hej"}]})") << name;
    EXPECT_EQ(request->fields_ignored, 1u);
  }
}

TEST(Request, ignores_harmless_fields) {
  const auto request = chat(
      R"(,"store":true,"metadata":{"a":"b"},"user":"x","service_tier":"auto","prediction":{},"safety_identifier":"y",)"
      R"("prompt_cache_key":"k","parallel_tool_calls":true,"reasoning_effort":"low","verbosity":"low")");
  EXPECT_EQ(upstream(request), R"({"model":"up","messages":[{"role":"user","content":"Hej"}]})");
}

TEST(Request, reads_an_escaped_name_as_the_name_it_is) {
  EXPECT_EQ(upstream(chat(R"(,"\u0074emperature":1)")),
            R"({"model":"up","messages":[{"role":"user","content":"Hej"}],"temperature":1})");
}

TEST(Request, null_is_not_given) {
  const auto request = chat(R"(,"temperature":null,"stop":null,"stream":null,"n":null,"seed":null,"tools":null,)"
                            R"("max_tokens":null,"stream_options":null,"response_format":null,"logit_bias":null)");
  EXPECT_EQ(upstream(request), R"({"model":"up","messages":[{"role":"user","content":"Hej"}]})");
}

TEST(Request, refuses_what_would_change_the_answer) {
  const char* asked[][2] = {{"tools", R"([{"type":"function"}])"},
                            {"tool_choice", R"("auto")"},
                            {"response_format", R"({"type":"json_object"})"},
                            {"logprobs", "true"},
                            {"top_logprobs", "3"},
                            {"functions", "[{}]"},
                            {"function_call", R"("auto")"},
                            {"audio", R"({"voice":"x"})"},
                            {"modalities", R"(["text","audio"])"},
                            {"web_search_options", "{}"},
                            {"service_tier", R"("flex")"}};
  for (const auto& [name, value] : asked) {
    EXPECT_EQ(fault(chat(std::string(",\"") + name + "\":" + value)), std::string("unsupported_parameter ") + name);
  }
  EXPECT_EQ(fault(chat(R"(,"n":2)")), "unsupported_value n");
  EXPECT_EQ(fault(completion(R"(,"echo":true)")), "unsupported_parameter echo");
  EXPECT_EQ(fault(completion(R"(,"best_of":2)")), "unsupported_parameter best_of");
  EXPECT_EQ(fault(completion(R"(,"suffix":"x")")), "unsupported_parameter suffix");
  EXPECT_EQ(fault(completion(R"(,"logprobs":0)")), "unsupported_parameter logprobs");
}

TEST(Request, accepts_refused_fields_that_ask_for_nothing) {
  EXPECT_EQ(fault(chat(R"(,"tools":[],"tool_choice":"none","response_format":{"type":"text"},"logprobs":false,)"
                       R"("top_logprobs":0,"functions":[],"function_call":"none","modalities":["text"],"n":1)")),
            "accepted");
  EXPECT_EQ(fault(completion(R"(,"echo":false,"best_of":1,"suffix":"","logprobs":null)")), "accepted");
}

TEST(Request, checks_types_and_ranges_and_names_the_field) {
  const char* wrong[][2] = {{"temperature", "2.1"},
                            {"temperature", "\"1\""},
                            {"temperature", "-0.1"},
                            {"top_p", "1.01"},
                            {"min_p", "-1"},
                            {"top_k", "1.5"},
                            {"top_k", "-2"},
                            {"presence_penalty", "2.5"},
                            {"frequency_penalty", "[]"},
                            {"max_tokens", "0"},
                            {"max_tokens", "1.5"},
                            {"max_completion_tokens", "1048577"},
                            {"seed", "1.5"},
                            {"seed", "\"x\""},
                            {"stop", "\"\""},
                            {"stop", "[\"a\",\"\"]"},
                            {"stop", "[\"a\",\"b\",\"c\",\"d\",\"e\"]"},
                            {"stop", "7"},
                            {"stream", "1"},
                            {"n", "0"},
                            {"n", "true"},
                            {"logit_bias", "[]"},
                            {"logit_bias", R"({"x":1})"},
                            {"logit_bias", R"({"1":101})"},
                            {"logit_bias", R"({"":1})"}};
  for (const auto& [name, value] : wrong) {
    EXPECT_EQ(fault(chat(std::string(",\"") + name + "\":" + value)), std::string("invalid_value ") + name) << value;
  }
  EXPECT_EQ(fault(chat(R"(,"stream_options":{"include_usage":true})")), "invalid_value stream_options");
  EXPECT_EQ(fault(chat(R"(,"stream":true,"stream_options":[])")), "invalid_value stream_options");
  EXPECT_EQ(fault(chat(R"(,"stream_options":{"include_usage":1},"stream":true)")),
            "invalid_value stream_options.include_usage");
  EXPECT_EQ(fault(chat(R"(,"max_tokens":1,"max_completion_tokens":1)")), "invalid_value max_tokens");
}

TEST(Request, needs_a_model_and_something_to_do) {
  EXPECT_EQ(fault(parse(Endpoint::chat, R"({"messages":[{"role":"user","content":"Hej"}]})")),
            "missing_required_parameter model");
  EXPECT_EQ(fault(parse(Endpoint::chat, R"({"model":"","messages":[{"role":"user","content":"Hej"}]})")),
            "missing_required_parameter model");
  EXPECT_EQ(fault(parse(Endpoint::chat, R"({"model":7})")), "invalid_value model");
  EXPECT_EQ(fault(parse(Endpoint::chat, R"({"model":"m","messages":null})")), "missing_required_parameter messages");
  EXPECT_EQ(fault(parse(Endpoint::completions, R"({"model":"m"})")), "missing_required_parameter prompt");
  EXPECT_EQ(fault(parse(Endpoint::embeddings, R"({"model":"m"})")), "missing_required_parameter input");
  EXPECT_EQ(fault(parse(Endpoint::chat, "[]")), "invalid_value body");
  EXPECT_EQ(fault(parse(Endpoint::chat, "")), "invalid_json body");
}

TEST(Request, refuses_duplicate_names_at_the_top_and_below) {
  EXPECT_EQ(fault(chat(R"(,"model":"other")")), "invalid_json model");
  EXPECT_EQ(fault(chat(R"(,"mode\u006c":"other")")), "invalid_json model");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":"a","c\u006fntent":"b"}])")), "invalid_json content");
}

TEST(Request, checks_messages) {
  EXPECT_EQ(fault(chat_with("[]")), "invalid_value messages");
  EXPECT_EQ(fault(chat_with("{}")), "invalid_value messages");
  EXPECT_EQ(fault(chat_with("[7]")), "invalid_value messages[0]");
  EXPECT_EQ(fault(chat_with(R"([{"content":"a"}])")), "missing_required_parameter messages[0].role");
  EXPECT_EQ(fault(chat_with(R"([{"role":"king","content":"a"}])")), "invalid_value messages[0].role");
  EXPECT_EQ(fault(chat_with(R"([{"role":"tool","content":"a"}])")), "unsupported_value messages[0].role");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user"}])")), "missing_required_parameter messages[0].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":"a"},{"role":"user","content":null}])")),
            "missing_required_parameter messages[1].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":5}])")), "invalid_value messages[0].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":[]}])")), "invalid_value messages[0].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":[{"type":"text"}]}])")),
            "missing_required_parameter messages[0].content[0].text");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":"a","name":5}])")), "invalid_value messages[0].name");
  EXPECT_EQ(fault(chat_with(R"([{"role":"assistant","content":"a","tool_calls":[{}]}])")),
            "unsupported_parameter messages[0].tool_calls");
}

TEST(Request, never_fetches_images) {
  const auto remote =
      chat_with(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}])");
  EXPECT_EQ(fault(remote), "unsupported_value messages[0].content[0].image_url");
  EXPECT_THAT(remote.error().message, HasSubstr("never fetched"));
  EXPECT_EQ(fault(chat_with(
                R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio","input_audio":{}}]}])")),
            "unsupported_value messages[0].content[1].type");
}

TEST(Request, rebuilds_messages_that_hold_more_than_we_looked_at) {
  EXPECT_EQ(
      upstream(
          chat_with(R"([ {"role":"developer","content":"Vær \"kort\"", "x":{"y":1}} ,)"
                    R"({"role":"assistant","content":"a","refusal":null,"tool_calls":null,"audio":null},)"
                    R"({"role":"user","name":"n","content":[{"text":"b","type":"text","image_url":"http://x"}]}])")),
      R"({"model":"up","messages":[{"role":"system","content":"Vær \"kort\""},{"role":"assistant","content":"a"},)"
      R"({"role":"user","content":[{"type":"text","text":"b"}],"name":"n"}]})");
}

TEST(Request, adds_the_models_own_stop_strings_and_answer_bound) {
  const std::vector<std::string> own = {"\nPerson:", "</s>"};
  const Upstream settings{.model = "up", .stop = own, .output_tokens_max = 100};
  EXPECT_THAT(upstream(chat(R"(,"stop":"a\"b")"), settings),
              HasSubstr(R"("stop":["a\"b","\nPerson:","</s>"],"max_tokens":100)"));
  EXPECT_THAT(upstream(chat(R"(,"max_tokens":5,"stop":["x","y"])"), settings),
              HasSubstr(R"("stop":["x","y","\nPerson:","</s>"],"max_tokens":5)"));
}

TEST(Request, folds_seeds_to_what_every_engine_takes) {
  EXPECT_THAT(upstream(chat(R"(,"seed":42)")), HasSubstr(R"("seed":42)"));
  EXPECT_THAT(upstream(chat(R"(,"seed":-1)")), HasSubstr(R"("seed":0)"));
  EXPECT_THAT(upstream(chat(R"(,"seed":9223372036854775807)")), HasSubstr(R"("seed":)"));
}

TEST(Request, takes_prompts_as_text_or_tokens) {
  const auto prompt = [](const std::string& value) {
    return parse(Endpoint::completions, R"({"model":"m","prompt":)" + value + "}");
  };
  EXPECT_EQ(upstream(prompt(R"("abc")")), R"({"model":"up","prompt":"abc"})");
  EXPECT_EQ(upstream(prompt(R"(["abc"])")), R"({"model":"up","prompt":"abc"})");
  EXPECT_EQ(upstream(prompt("[1, 2]")), R"({"model":"up","prompt":[1, 2]})");
  EXPECT_EQ(upstream(prompt("[[1,2]]")), R"({"model":"up","prompt":[1,2]})");
  EXPECT_EQ(prompt("[1,2,3]")->prompt_tokens_estimate, 3u);
  EXPECT_EQ(fault(prompt(R"(["a","b"])")), "unsupported_value prompt");
  EXPECT_EQ(fault(prompt(R"([1,"b"])")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt("[-1]")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt("[[]]")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt("[]")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt(R"({"prompt_string":"a","multimodal_data":["b"]})")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt(R"([{"prompt_string":"a"}])")), "invalid_value prompt");
}

TEST(Request, takes_embedding_inputs) {
  const auto input = [](const std::string& value, const std::string& more = {}) {
    return parse(Endpoint::embeddings, R"({"model":"m","input":)" + value + more + "}");
  };
  EXPECT_EQ(upstream(input(R"("abc")", R"(,"encoding_format":"base64","user":"x","temperature":9)")),
            R"({"model":"up","input":"abc","encoding_format":"base64"})");
  EXPECT_TRUE(input(R"("abc")", R"(,"encoding_format":"base64")")->base64);
  EXPECT_EQ(input(R"(["a","b"])")->inputs, 2u);
  EXPECT_EQ(input("[1,2,3]")->inputs, 1u);
  EXPECT_EQ(input("[[1],[2,3]]")->inputs, 2u);
  EXPECT_EQ(fault(input("\"\"")), "invalid_value input");
  EXPECT_EQ(fault(input("[]")), "invalid_value input");
  EXPECT_EQ(fault(input(R"(["a",""])")), "invalid_value input");
  EXPECT_EQ(fault(input(R"(["a",[1]])")), "invalid_value input");
  EXPECT_EQ(fault(input("7")), "invalid_value input");
  EXPECT_EQ(fault(input(R"("a")", R"(,"dimensions":8)")), "unsupported_parameter dimensions");
  EXPECT_EQ(fault(input(R"("a")", R"(,"encoding_format":"int8")")), "invalid_value encoding_format");
  std::string many = "[\"a\"";
  for (std::size_t i = 0; i < limits::embedding_inputs_max; ++i) many += ",\"a\"";
  EXPECT_EQ(fault(input(many + "]")), "invalid_value input");
}

TEST(Request, is_bounded_in_depth_messages_and_model_name) {
  EXPECT_EQ(fault(chat(",\"x\":" + std::string(200, '[') + std::string(200, ']'))), "invalid_json body");
  EXPECT_EQ(fault(parse(Endpoint::chat, "{\"model\":\"" + std::string(201, 'm') + "\"}")), "invalid_value model");
  std::string many = "[";
  for (std::size_t i = 0; i <= limits::chat_messages_max; ++i) many += R"({"role":"user","content":"a"},)";
  many.back() = ']';
  EXPECT_EQ(fault(chat_with(many)), "invalid_value messages");
}

TEST(Request, may_move_while_it_waits) {
  auto request = chat("");
  const Request moved = std::move(*request);
  std::string out;
  moved.append_upstream_body(out, {.model = "up"});
  EXPECT_EQ(out, R"({"model":"up","messages":[{"role":"user","content":"Hej"}])");
}

TEST(Request, guesses_prompt_tokens_from_bytes) {
  EXPECT_EQ(chat_with(R"([{"role":"user","content":")" + std::string(4000, 'a') + "\"}]")->prompt_tokens_estimate,
            1004u);
}

}  // namespace
}  // namespace faelled::openai
