#include "openai/anthropic/translate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "openai/anthropic/error.hpp"
#include "openai/anthropic/models.hpp"
#include "openai/request.hpp"

namespace faelled::openai::anthropic {
namespace {

using testing::HasSubstr;

std::expected<Asked, ApiError> asked(const std::string& body) {
  json::Document document;
  return translate(body, document);
}
std::string chat_body(const std::string& members) {
  const auto translated = asked(R"({"model":"m","max_tokens":9,)" + members + "}");
  return translated ? translated->chat_body : "refused: " + translated.error().message;
}
std::string messages(const std::string& members) {
  const std::string body = chat_body(members), front = R"({"model":"m","max_tokens":9,"messages":)";
  if (!body.starts_with(front)) return body;
  return body.substr(front.size(), body.size() - front.size() - 1);
}
std::string fault(const std::string& members) {
  const auto translated = asked(R"({"model":"m","max_tokens":9,)" + members + "}");
  if (translated) return "accepted";
  EXPECT_EQ(translated.error().status(), 400);
  return std::string(row_of(translated.error().cause).code) + " " + translated.error().param;
}

TEST(AnthropicTranslation, MakesMessagesOfBlocks) {
  const struct {
    const char* in;
    const char* out;
  } table[] = {
      {R"("messages":[{"role":"user","content":"Hej"}])", R"([{"role":"user","content":"Hej"}])"},
      {R"("system":"Kort.","messages":[{"role":"user","content":[{"type":"text","text":"Hej"}]}])",
       R"([{"role":"system","content":"Kort."},{"role":"user","content":"Hej"}])"},
      {R"("system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b"}],)"
       R"("messages":[{"role":"user","content":"u"}])",
       R"([{"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},)"
       R"({"role":"user","content":"u"}])"},
      {R"("messages":[{"role":"user","content":"u"},{"role":"assistant","content":[)"
       R"({"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"ser"},)"
       R"({"type":"tool_use","id":"t1","name":"f","input":{"a":"\"1\""}},)"
       R"({"type":"tool_use","id":"t2","name":"g","input":{}}]},{"role":"user","content":[)"
       R"({"type":"tool_result","tool_use_id":"t1","content":"42"},)"
       R"({"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"43"}],"is_error":true},)"
       R"({"type":"text","text":"og?"}]}])",
       R"([{"role":"user","content":"u"},{"role":"assistant","content":"ser","tool_calls":[)"
       R"({"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":\"\\\"1\\\"\"}"}},)"
       R"({"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]},)"
       R"({"role":"tool","tool_call_id":"t1","content":"42"},{"role":"tool","tool_call_id":"t2","content":"43"},)"
       R"({"role":"user","content":"og?"}])"},
      {R"("messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"}]}])",
       R"([{"role":"tool","tool_call_id":"t1","content":""}])"},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(messages(in), out) << in;
}

TEST(AnthropicTranslation, GivesFieldsTheNamesThatChatHasForThem) {
  const std::string front = R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"}])";
  const struct {
    const char* in;
    const char* out;
  } table[] = {
      {R"("temperature":1,"top_p":0.5,"top_k":40)", R"("temperature":1,"top_p":0.5,"top_k":40)"},
      {R"("seed":1,"logit_bias":{"7":1})", R"("seed":1,"logit_bias":{"7":1})"},
      {R"("stop_sequences":["a","b"])", R"("stop":["a","b"])"},
      {R"("stream":true)", R"("stream":true,"stream_options":{"include_usage":true})"},
      {R"("tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"cache_control":{}}],)"
       R"("tool_choice":{"type":"any","disable_parallel_tool_use":true})",
       R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],)"
       R"("tool_choice":"required","parallel_tool_calls":false)"},
      {R"("tools":[{"type":"custom","name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"f"})",
       R"("tools":[{"type":"function","function":{"name":"f","parameters":{}}}],)"
       R"("tool_choice":{"type":"function","function":{"name":"f"}})"},
      {R"("output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}})",
       R"("response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}})"},
      {R"("metadata":{"user_id":"x"},"service_tier":"auto","thinking":{"type":"enabled","budget_tokens":1024},)"
       R"("tool_choice":{"type":"auto"},"stop_sequences":[])",
       ""},
  };
  for (const auto& [in, out] : table) {
    EXPECT_EQ(chat_body(std::string(R"("messages":[{"role":"user","content":"u"}],)") + in),
              front + (*out ? "," : "") + out + "}")
        << in;
  }
}

TEST(AnthropicTranslation, NamesWhatItCannotDoAndWhatIsWrong) {
  const std::string u = R"("messages":[{"role":"user","content":"u"}],)";
  const struct {
    std::string in;
    const char* fault;
  } table[] = {
      {R"("stream":false)", "missing_required_parameter messages"},
      {R"("messages":[])", "invalid_value messages"},
      {R"("messages":{})", "invalid_value messages"},
      {R"("messages":[{"role":"tool","content":"x"}])", "invalid_value messages[0].role"},
      {R"("messages":[{"content":"x"}])", "missing_required_parameter messages[0].role"},
      {R"("messages":[{"role":"user"}])", "missing_required_parameter messages[0].content"},
      {R"("messages":[{"role":"user","content":[]}])", "invalid_value messages[0].content"},
      {R"("messages":[{"role":"user","content":[{"type":"image","source":{}}]}])",
       "unsupported_value messages[0].content[0].type"},
      {R"("messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image"}]}]}])",
       "unsupported_value messages[0].content[0].content[0].type"},
      {R"("messages":[{"role":"user","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}])",
       "unsupported_value messages[0].content[0].type"},
      {R"("messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"{}"}]}])",
       "invalid_value messages[0].content[0].input"},
      {R"("messages":[{"role":"user","content":[{"type":"tool_result"}]}])",
       "missing_required_parameter messages[0].content[0].tool_use_id"},
      {u + R"("system":7)", "invalid_value system"},
      {u + R"("stream":1)", "invalid_value stream"},
      {u + R"("stop_sequences":"x")", "invalid_value stop_sequences"},
      {u + R"("thinking":{})", "missing_required_parameter thinking.type"},
      {u + R"("tools":[{"type":"web_search_20250305","name":"web_search"}])", "unsupported_value tools[0].type"},
      {u + R"("tools":[{"name":"f"}])", "missing_required_parameter tools[0].input_schema"},
      {u + R"("tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"x"})", "invalid_value tool_choice.type"},
      {u + R"("output_config":{"format":{"type":"grammar"}})", "unsupported_value output_config.format.type"},
      {u + R"("container":{"id":"c"})", "unsupported_parameter container"},
      {u + R"("mcp_servers":[{"url":"x"}])", "unsupported_parameter mcp_servers"},
  };
  for (const auto& [in, wanted] : table) EXPECT_EQ(fault(in), wanted) << in;
  EXPECT_EQ(asked("{").error().cause, Cause::invalid_json);
  EXPECT_EQ(asked("7").error().param, "body");
  EXPECT_EQ(asked(R"({"model":"m","messages":[{"role":"user","content":"u"}]})").error().param, "max_tokens");
  EXPECT_EQ(asked(R"({"max_tokens":1,"messages":[{"role":"user","content":"u"}]})").error().param, "model");
}

TEST(AnthropicTranslation, TellsFaultsOfTheChatBodyInItsOwnNames) {
  auto translated =
      asked(R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":"u"}],"stop_sequences":["","b"]})");
  ASSERT_TRUE(translated);
  json::Document document;
  const auto request = Request::parse(Endpoint::chat, std::move(translated->chat_body), document);
  ASSERT_FALSE(request);
  EXPECT_EQ(in_own_names(request.error()).param, "stop_sequences");
}

TEST(AnthropicErrors, AreNamedAfterTheirStatus) {
  const struct {
    Cause cause;
    const char* type;
  } table[] = {
      {Cause::invalid_value, "invalid_request_error"},
      {Cause::invalid_api_key, "authentication_error"},
      {Cause::forbidden, "permission_error"},
      {Cause::model_not_found, "not_found_error"},
      {Cause::method_not_allowed, "invalid_request_error"},
      {Cause::body_too_large, "request_too_large"},
      {Cause::queue_full, "rate_limit_error"},
      {Cause::internal, "api_error"},
      {Cause::engine_failed, "api_error"},
      {Cause::model_unavailable, "overloaded_error"},
      {Cause::engine_timeout, "timeout_error"},
  };
  for (const auto& [cause, type] : table) EXPECT_EQ(error_type({cause, "x"}), type);
  EXPECT_THAT(error_body({Cause::queue_full, "Full."}, "req_1"),
              HasSubstr(R"({"type":"error","error":{"type":"rate_limit_error","message":"Full.")"));
}

TEST(AnthropicModels, ComeInPages) {
  const std::vector<std::string> ids = {"a", "b", "c"};
  const auto list = [&](const Page& page) {
    std::string out;
    append_model_list(out, ids, WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 5) + 7h + 5s), page);
    return out;
  };
  const std::string first = list({.limit = 1});
  EXPECT_THAT(first, HasSubstr(R"({"data":[{"type":"model","id":"a","display_name":"a",)"
                               R"("created_at":"2026-11-05T07:00:05Z","lifecycle":"active"}],"has_more":true,)"
                               R"("first_id":"a","last_id":"a"})"));
  EXPECT_THAT(list({.after_id = "a"}), HasSubstr(R"("has_more":false,"first_id":"b","last_id":"c")"));
  EXPECT_THAT(list({.after_id = "a", .limit = 1}), HasSubstr(R"("has_more":true,"first_id":"b","last_id":"b")"));
  EXPECT_THAT(list({.before_id = "c", .limit = 1}), HasSubstr(R"("has_more":true,"first_id":"b","last_id":"b")"));
  EXPECT_THAT(list({.before_id = "b"}), HasSubstr(R"("has_more":false,"first_id":"a","last_id":"a")"));
  for (const Page& page : {Page{.after_id = "c"}, Page{.before_id = "a"}})
    EXPECT_EQ(list(page), R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
  EXPECT_EQ(list({.after_id = "x", .limit = 1}), first) << "whoever goes on behind a model that has gone misses none";
  EXPECT_THAT(list({.before_id = "x", .limit = 1}), HasSubstr(R"("has_more":true,"first_id":"c","last_id":"c")"));
}

}  // namespace
}  // namespace faelled::openai::anthropic
