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
  EXPECT_FALSE(request->form.include_usage);
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
  const auto request = chat(R"(,"store":true,"metadata":{"a":"b"},"user":"x","prediction":{},"safety_identifier":"y",)"
                            R"("prompt_cache_key":"k","verbosity":"low")");
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
  const char* asked[][2] = {{"audio", R"({"voice":"x"})"},
                            {"modalities", R"(["text","audio"])"},
                            {"moderation", "{}"},
                            {"web_search_options", "{}"}};
  for (const auto& [name, value] : asked) {
    EXPECT_EQ(fault(chat(std::string(",\"") + name + "\":" + value)), std::string("unsupported_parameter ") + name);
  }
  EXPECT_EQ(fault(chat(R"(,"service_tier":"priority")")), "unsupported_value service_tier");
  EXPECT_EQ(fault(completion(R"(,"echo":true)")), "unsupported_parameter echo");
  EXPECT_EQ(fault(completion(R"(,"best_of":2)")), "unsupported_value best_of");
  EXPECT_EQ(fault(completion(R"(,"suffix":"x")")), "unsupported_parameter suffix");
  EXPECT_EQ(fault(completion(R"(,"response_format":{"type":"json_object"})")), "unsupported_parameter response_format");
}

TEST(Request, accepts_fields_that_ask_for_nothing) {
  EXPECT_EQ(upstream(chat(R"(,"tools":[],"tool_choice":"none","response_format":{"type":"text"},"logprobs":false,)"
                          R"("top_logprobs":0,"functions":[],"function_call":"none","modalities":["text"],"n":1)")),
            upstream(chat("")));
  EXPECT_EQ(upstream(completion(
                R"(,"echo":false,"best_of":1,"suffix":"","logprobs":null,"response_format":{"type":"text"})")),
            upstream(completion("")));
}

TEST(Request, asks_for_log_probabilities_as_each_endpoint_does) {
  EXPECT_THAT(upstream(chat(R"(,"logprobs":true)")), HasSubstr(R"("logprobs":true,"top_logprobs":0)"));
  EXPECT_THAT(upstream(chat(R"(,"top_logprobs":3,"logprobs":true)")), HasSubstr(R"("logprobs":true,"top_logprobs":3)"));
  EXPECT_THAT(upstream(completion(R"(,"logprobs":2)")), HasSubstr(R"("logprobs":2)"));
  const Upstream one{
      .model = "up", .stop = {}, .output_tokens_max = 0, .takes_tool_by_name = true, .top_logprobs_min = 1};
  EXPECT_THAT(upstream(chat(R"(,"logprobs":true)"), one), HasSubstr(R"("top_logprobs":1)"));
  EXPECT_THAT(upstream(completion(R"(,"logprobs":0)"), one), HasSubstr(R"("logprobs":1)"));
  EXPECT_EQ(chat(R"(,"logprobs":true,"top_logprobs":3)")->form.logprobs, 3u);
  EXPECT_EQ(chat(R"(,"logprobs":false)")->form.logprobs, std::nullopt);
  EXPECT_EQ(fault(chat(R"(,"top_logprobs":3)")), "invalid_value top_logprobs");
  EXPECT_EQ(fault(chat(R"(,"logprobs":true,"top_logprobs":21)")), "invalid_value top_logprobs");
  EXPECT_EQ(fault(chat(R"(,"logprobs":3)")), "invalid_value logprobs");
  EXPECT_EQ(fault(completion(R"(,"logprobs":true)")), "invalid_value logprobs");
}

TEST(Request, checks_the_format_of_answers) {
  const auto format = [](const std::string& value) { return chat(R"(,"response_format":)" + value); };
  EXPECT_THAT(upstream(format(R"({"type":"json_object","schema":{}})")),
              HasSubstr(R"("response_format":{"type":"json_object"}})"));
  EXPECT_THAT(
      upstream(format(
          R"({"type":"json_schema","json_schema":{"x":1,"name":"n","strict":true,"description":"d","schema":{"type":"object"}}})")),
      HasSubstr(
          R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}}})"));
  EXPECT_TRUE(format(R"({"type":"json_object"})")->formatted);
  EXPECT_FALSE(format(R"({"type":"text"})")->formatted);
  EXPECT_EQ(fault(format("7")), "invalid_value response_format");
  EXPECT_EQ(fault(format("{}")), "missing_required_parameter response_format.type");
  EXPECT_EQ(fault(format(R"({"type":"grammar"})")), "unsupported_value response_format.type");
  EXPECT_EQ(fault(format(R"({"type":"json_schema"})")), "missing_required_parameter response_format.json_schema");
  EXPECT_EQ(fault(format(R"({"type":"json_schema","json_schema":{"schema":{}}})")),
            "missing_required_parameter response_format.json_schema.name");
  EXPECT_EQ(fault(format(R"({"type":"json_schema","json_schema":{"name":"n"}})")),
            "missing_required_parameter response_format.json_schema.schema");
  EXPECT_EQ(fault(format(R"({"type":"json_schema","json_schema":{"name":"n","schema":{"$ref":"http://x"}}})")),
            "invalid_value response_format.json_schema.schema.$ref");
  const auto loose = format(R"({"type":"json_schema","json_schema":{"name":"n","schema":{"not":{}}}})");
  EXPECT_FALSE(loose->unenforced);
  const auto strict = format(R"({"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"not":{}}}})");
  EXPECT_EQ(strict->unenforced->param, "response_format.json_schema.schema.not");
}

TEST(Request, reads_tier_and_effort) {
  EXPECT_EQ(chat("")->form.tier, ServiceTier::unsaid);
  EXPECT_EQ(chat(R"(,"service_tier":"auto")")->form.tier, ServiceTier::standard);
  EXPECT_EQ(chat(R"(,"service_tier":"flex")")->form.tier, ServiceTier::flex);
  EXPECT_EQ(upstream(chat(R"(,"service_tier":"flex")")), upstream(chat("")));
  EXPECT_THAT(upstream(chat(R"(,"reasoning_effort":"low")")), HasSubstr(R"("reasoning_effort":"low")"));
  EXPECT_EQ(fault(chat(R"(,"reasoning_effort":"a lot")")), "invalid_value reasoning_effort");
  EXPECT_EQ(fault(chat(R"(,"reasoning_effort":7)")), "invalid_value reasoning_effort");
}

TEST(Request, takes_a_query_and_documents) {
  const auto rank = [](const std::string& members) {
    return parse(Endpoint::rerank, R"({"model":"m")" + members + "}");
  };
  const auto request = rank(
      R"(,"query":"q","documents":["a",{"text":"b","x":1}],"top_n":1,"return_documents":true,"cache_salt":"s","stream":true)");
  EXPECT_EQ(upstream(request), R"({"model":"up","query":"q","documents":["a","b"]})");
  EXPECT_EQ(request->inputs, 2u);
  EXPECT_EQ(request->form.top_n, 1u);
  EXPECT_TRUE(request->form.return_documents);
  EXPECT_FALSE(request->stream);
  EXPECT_EQ(request->document(1), "\"b\"");
  EXPECT_EQ(fault(rank(R"(,"documents":["a"])")), "missing_required_parameter query");
  EXPECT_EQ(fault(rank(R"(,"query":"q")")), "missing_required_parameter documents");
  EXPECT_EQ(fault(rank(R"(,"query":"","documents":["a"])")), "invalid_value query");
  EXPECT_EQ(fault(rank(R"(,"query":7,"documents":["a"])")), "invalid_value query");
  for (const char* documents : {"[]", "7", "\"a\""})
    EXPECT_EQ(fault(rank(R"(,"query":"q","documents":)" + std::string(documents))), "invalid_value documents");
  for (const char* documents : {R"(["a",""])", R"(["a",7])", R"(["a",{"image":"x"}])"})
    EXPECT_EQ(fault(rank(R"(,"query":"q","documents":)" + std::string(documents))), "invalid_value documents[1]");
  for (const char* top_n : {"0", "1001", "1.5", "\"1\""})
    EXPECT_EQ(fault(rank(R"(,"query":"q","documents":["a"],"top_n":)" + std::string(top_n))), "invalid_value top_n");
  std::string many = R"(,"query":"q","documents":["a")";
  for (std::size_t i = 0; i < limits::rerank_documents_max; ++i) many += ",\"a\"";
  EXPECT_EQ(fault(rank(many + "]")), "invalid_value documents");
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
                            {"n", "9"},
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
  EXPECT_EQ(fault(chat_with(R"([{"role":"user"}])")), "missing_required_parameter messages[0].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":"a"},{"role":"user","content":null}])")),
            "missing_required_parameter messages[1].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":5}])")), "invalid_value messages[0].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":[]}])")), "invalid_value messages[0].content");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":[{"type":"text"}]}])")),
            "missing_required_parameter messages[0].content[0].text");
  EXPECT_EQ(fault(chat_with(R"([{"role":"user","content":"a","name":5}])")), "invalid_value messages[0].name");
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
  EXPECT_EQ(fault(prompt(R"(["a",[1]])")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt(R"(["a","a","a","a","a","a","a","a","a"])")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt(R"([1,"b"])")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt("[-1]")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt("[[]]")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt("[]")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt(R"({"prompt_string":"a","multimodal_data":["b"]})")), "invalid_value prompt");
  EXPECT_EQ(fault(prompt(R"([{"prompt_string":"a"}])")), "invalid_value prompt");
}

TEST(Request, is_taken_apart_into_its_choices) {
  const auto two = chat(R"(,"n":2,"seed":5,"stream":true,"stream_options":{"include_usage":true})");
  EXPECT_EQ(two->choices(), 2u);
  const auto body = [](const Request& request) {
    std::string out;
    request.append_upstream_body(out, {.model = "up"});
    return out + "}";
  };
  EXPECT_EQ(body(two->choice(0)),
            R"({"model":"up","messages":[{"role":"user","content":"Hej"}],"seed":5,"stream":true,)"
            R"("stream_options":{"include_usage":true}})");
  EXPECT_THAT(body(two->choice(1)), HasSubstr(R"("seed":6)"));
  EXPECT_EQ(two->choice(1).form.index, 1u);
  EXPECT_EQ(two->choice(1).choices(), 1u);
  EXPECT_FALSE(two->choice(1).form.include_usage);
  const auto four = parse(Endpoint::completions, R"({"model":"m","prompt":["a","b"],"n":2,"best_of":2})");
  EXPECT_EQ(four->choices(), 4u);
  EXPECT_EQ(body(four->choice(1)), R"({"model":"up","prompt":"a"})");
  EXPECT_EQ(body(four->choice(2)), R"({"model":"up","prompt":"b"})");
  EXPECT_EQ(body(parse(Endpoint::completions, R"({"model":"m","prompt":[[1,2],[3]]})")->choice(1)),
            R"({"model":"up","prompt":[3]})");
  EXPECT_EQ(fault(parse(Endpoint::completions, R"({"model":"m","prompt":["a","b","c"],"n":3})")),
            "invalid_value prompt");
  EXPECT_EQ(fault(chat(R"(,"n":8,"user":")" + std::string(2'000'000, 'x') + "\"")), "invalid_value n");
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
  EXPECT_EQ(upstream(input(R"("a")", R"(,"dimensions":8,"encoding_format":"base64")")),
            R"({"model":"up","input":"a","encoding_format":"float"})");
  for (const char* dimensions : {"0", "65537", "1.5", "\"8\""})
    EXPECT_EQ(fault(input(R"("a")", R"(,"dimensions":)" + std::string(dimensions))), "invalid_value dimensions");
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
