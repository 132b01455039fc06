#include "openai/responses/translate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "openai/request.hpp"

namespace faelled::openai::responses {
namespace {

using testing::HasSubstr;
using testing::Not;

std::expected<Asked, ApiError> asked(const std::string& body) {
  json::Document document;
  return translate(body, document);
}
std::string chat_body(const std::string& members) {
  const auto translated = asked(R"({"model":"m",)" + members + "}");
  return translated ? translated->chat_body : "refused: " + translated.error().message;
}
// The messages alone.
std::string messages(const std::string& members) {
  const std::string body = chat_body(members), front = R"({"model":"m","messages":)";
  if (!body.starts_with(front)) return body;
  return body.substr(front.size(), body.size() - front.size() - 1);
}
std::string fault(const std::string& members) {
  const auto translated = asked(R"({"model":"m",)" + members + "}");
  if (translated) return "accepted";
  EXPECT_EQ(translated.error().status(), 400);
  return std::string(row_of(translated.error().cause).code) + " " + translated.error().param;
}

TEST(ResponsesTranslation, MakesMessagesOfTheConversation) {
  const struct {
    const char* in;
    const char* out;
  } table[] = {
      {R"("input":"Hej \u00e6")", R"([{"role":"user","content":"Hej \u00e6"}])"},
      {R"("input":"Hej","instructions":"Kort.")",
       R"([{"role":"system","content":"Kort."},{"role":"user","content":"Hej"}])"},
      {R"("input":[{"role":"user","content":"Hej"},{"type":"message","role":"developer","content":"x"}])",
       R"([{"role":"user","content":"Hej"},{"role":"developer","content":"x"}])"},
      {R"("input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]}])",
       R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])"},
      {R"("input":[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":)"
       R"([{"type":"output_text","text":"a","annotations":[]}]},{"type":"reasoning","id":"rs_1","summary":[]}])",
       R"([{"role":"assistant","content":"a"}])"},
      {R"("input":[{"role":"assistant","content":[{"type":"refusal","refusal":"nej"}]}])",
       R"([{"role":"assistant","content":"nej"}])"},
      // What the assistant said and the calls behind it are one message.
      {R"("input":[{"role":"user","content":"u"},{"role":"assistant","content":"ser efter"},)"
       R"({"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\":1}"},)"
       R"({"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},)"
       R"({"type":"function_call_output","call_id":"c1","output":"42"},)"
       R"({"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"43"}]}])",
       R"([{"role":"user","content":"u"},{"role":"assistant","content":"ser efter","tool_calls":[)"
       R"({"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},)"
       R"({"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},)"
       R"({"role":"tool","tool_call_id":"c1","content":"42"},{"role":"tool","tool_call_id":"c2","content":"43"}])"},
      {R"("input":[{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}])",
       R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":)"
       R"({"name":"f","arguments":"{}"}}]}])"},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(messages(in), out) << in;
}

TEST(ResponsesTranslation, GivesFieldsTheNamesThatChatHasForThem) {
  const std::string front = R"({"model":"m","messages":[{"role":"user","content":"u"}])";
  const struct {
    const char* in;
    const char* out;
  } table[] = {
      {R"("max_output_tokens":7,"temperature":0.50,"top_p":1)",
       R"("max_completion_tokens":7,"temperature":0.50,"top_p":1)"},
      {R"("stream":true)", R"("stream":true,"stream_options":{"include_usage":true})"},
      {R"("top_k":4,"seed":1,"stop":"x","logit_bias":{"7":1})",
       R"("top_k":4,"seed":1,"stop":"x","logit_bias":{"7":1})"},
      {R"("tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true}],)"
       R"("tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false)",
       R"("parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f","description":"d",)"
       R"("parameters":{"type":"object"},"strict":true}}],"tool_choice":{"type":"function","function":{"name":"f"}})"},
      {R"("text":{"format":{"type":"json_object"},"verbosity":"low"})", R"("response_format":{"type":"json_object"})"},
      {R"("text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}})",
       R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}})"},
      {R"("text":{"format":{"type":"text"}},"tool_choice":"auto","store":true,"metadata":{"a":"b"},"include":)"
       R"(["reasoning.encrypted_content"],"truncation":"disabled","background":false,"previous_response_id":null)",
       ""},
  };
  for (const auto& [in, out] : table) {
    EXPECT_EQ(chat_body(std::string(R"("input":"u",)") + in), front + (*out ? "," : "") + out + "}") << in;
  }
}

TEST(ResponsesTranslation, SaysInPlainWordsThatNothingIsStored) {
  for (const char* field : {R"("previous_response_id":"resp_1")", R"("conversation":"conv_1")",
                            R"("conversation":{"id":"conv_1"})", R"("background":true)"}) {
    const auto translated = asked(std::string(R"({"model":"m","input":"u",)") + field + "}");
    ASSERT_FALSE(translated) << field;
    EXPECT_EQ(translated.error().cause, Cause::unsupported_parameter) << field;
    EXPECT_THAT(translated.error().message, HasSubstr("not stored"));
  }
  EXPECT_EQ(fault(R"("input":[{"type":"item_reference","id":"msg_1"}])"), "unsupported_value input[0].type");
}

TEST(ResponsesTranslation, RefusesWhatWouldChangeTheAnswersMeaning) {
  const struct {
    const char* in;
    const char* fault;
  } table[] = {
      {R"("input":"u","tools":[{"type":"web_search"}])", "unsupported_value tools[0].type"},
      {R"("input":"u","tool_choice":{"type":"file_search"})", "unsupported_value tool_choice.type"},
      {R"("input":"u","truncation":"auto")", "unsupported_value truncation"},
      {R"("input":"u","top_logprobs":3)", "unsupported_parameter top_logprobs"},
      {R"("input":"u","include":["message.output_text.logprobs"])", "unsupported_parameter include"},
      {R"("input":"u","prompt":{"id":"p"})", "unsupported_parameter prompt"},
      {R"("input":"u","moderation":{"model":"x"})", "unsupported_parameter moderation"},
      {R"("input":"u","context_management":[{"type":"compaction"}])", "unsupported_parameter context_management"},
      {R"("input":[{"role":"user","content":[{"type":"input_image","image_url":"data:"}]}])",
       "unsupported_value input[0].content[0].type"},
      {R"("input":[{"type":"computer_call"}])", "unsupported_value input[0].type"},
  };
  for (const auto& [in, wanted] : table) EXPECT_EQ(fault(in), wanted) << in;
}

TEST(ResponsesTranslation, NamesTheFieldThatIsWrong) {
  const struct {
    const char* in;
    const char* fault;
  } table[] = {
      {R"("store":false)", "missing_required_parameter input"},
      {R"("input":[])", "invalid_value input"},
      {R"("input":7)", "invalid_value input"},
      {R"("input":[7])", "invalid_value input[0]"},
      {R"("input":[{"content":"x"}])", "missing_required_parameter input[0].role"},
      {R"("input":[{"role":"tool","content":"x"}])", "invalid_value input[0].role"},
      {R"("input":[{"role":"user"}])", "missing_required_parameter input[0].content"},
      {R"("input":[{"role":"user","content":[]}])", "invalid_value input[0].content"},
      {R"("input":[{"role":"user","content":[{"type":"input_text"}]}])",
       "missing_required_parameter input[0].content[0].text"},
      {R"("input":[{"type":"function_call","name":"f","arguments":"{}"}])",
       "missing_required_parameter input[0].call_id"},
      {R"("input":[{"type":"function_call","call_id":"c","name":"f","arguments":{}}])",
       "invalid_value input[0].arguments"},
      {R"("input":[{"type":"function_call_output","call_id":"c"}])", "missing_required_parameter input[0].output"},
      {R"("input":[{"type":"reasoning","summary":[]}])", "invalid_value input"},
      {R"("input":"u","instructions":["x"])", "invalid_value instructions"},
      {R"("input":"u","stream":"yes")", "invalid_value stream"},
      {R"("input":"u","metadata":{"a":1})", "invalid_value metadata"},
      {R"("input":"u","text":"x")", "invalid_value text"},
      {R"("input":"u","text":{"format":{}})", "missing_required_parameter text.format.type"},
      {R"("input":"u","tools":{})", "invalid_value tools"},
      {R"("input":"u","tools":[{"type":"function"}])", "missing_required_parameter tools[0].name"},
      {R"("input":"u","truncation":7)", "invalid_value truncation"},
  };
  for (const auto& [in, wanted] : table) EXPECT_EQ(fault(in), wanted) << in;
  EXPECT_EQ(asked("{").error().cause, Cause::invalid_json);
  EXPECT_EQ(asked("[]").error().param, "body");
  EXPECT_EQ(asked(R"({"input":"u"})").error().param, "model");
}

// The chat body is checked once more; what is found there is told in the client's words.
TEST(ResponsesTranslation, TellsFaultsOfTheChatBodyInItsOwnNames) {
  auto translated = asked(R"({"model":"m","input":"u","max_output_tokens":0})");
  ASSERT_TRUE(translated);
  json::Document document;
  const auto request = Request::parse(Endpoint::chat, std::move(translated->chat_body), document);
  ASSERT_FALSE(request);
  const ApiError error = in_own_names(request.error());
  EXPECT_EQ(error.param, "max_output_tokens");
  EXPECT_THAT(error.message, HasSubstr("'max_output_tokens' must be"));
  EXPECT_THAT(error.message, Not(HasSubstr("max_completion_tokens")));
}

TEST(ResponsesTranslation, SaysTheRequestAgainOnOneLineAndLeavesBigFieldsOut) {
  const auto small = asked("{\"model\":\"m\",\"input\":\"u\",\"metadata\":{\n\"a\":\"b\"},\"store\":true,\"user\":7}");
  ASSERT_TRUE(small);
  EXPECT_THAT(small->echo, HasSubstr(R"("metadata":{ "a":"b"})"));
  EXPECT_THAT(small->echo, HasSubstr(R"("store":false)"));
  EXPECT_THAT(small->echo, HasSubstr(R"("user":null)"));
  EXPECT_THAT(small->echo, Not(HasSubstr("\n")));
  EXPECT_THAT(small->echo, HasSubstr(R"("service_tier":"default")"));
  EXPECT_THAT(asked(R"({"model":"m","input":"u","service_tier":"flex"})")->echo, HasSubstr(R"("service_tier":"flex")"));
  const auto big =
      asked(R"({"model":"m","input":"u","instructions":")" + std::string(limits::echoed_field_bytes_max, 'x') + "\"}");
  ASSERT_TRUE(big);
  EXPECT_THAT(big->echo, HasSubstr(R"("instructions":null)"));
  EXPECT_THAT(big->chat_body, HasSubstr("xxxx"));
}

}  // namespace
}  // namespace faelled::openai::responses
