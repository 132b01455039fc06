// Tools in requests, and what comes back of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "openai/answer.hpp"
#include "openai/stream_rewriter.hpp"

namespace faelled::openai {
namespace {

using testing::HasSubstr;
using testing::Not;

std::expected<Request, ApiError> parse(const std::string& messages, const std::string& more) {
  json::Document document;
  return Request::parse(Endpoint::chat, R"({"model":"m","messages":)" + messages + more + "}", document);
}
std::expected<Request, ApiError> chat(const std::string& more) {
  return parse(R"([{"role":"user","content":"Hej"}])", more);
}
std::string upstream(const std::expected<Request, ApiError>& request, bool by_name = true) {
  if (!request) return "refused: " + request.error().message;
  std::string out;
  request->append_upstream_body(out, {.model = "up", .takes_tool_by_name = by_name});
  return out + "}";
}
std::string fault(const std::expected<Request, ApiError>& request) {
  if (request) return "accepted";
  EXPECT_EQ(request.error().status(), 400);
  return std::string(row_of(request.error().cause).code) + " " + request.error().param;
}
std::string tool(const std::string& name, const std::string& more = {}) {
  return R"({"type":"function","function":{"name":")" + name + "\"" + more + "}}";
}
std::string tools(const std::string& list, const std::string& more = {}) { return R"(,"tools":[)" + list + "]" + more; }

constexpr const char* hej = R"({"model":"up","messages":[{"role":"user","content":"Hej"}])";

TEST(Tools, pass_with_what_was_looked_at_and_no_more) {
  const auto request = chat(tools(
      R"({"type":"function","cache_control":{},"function":{"x":1,"parameters":{"type": "object"},"name":"a","description":"d","strict":true}})",
      R"(,"tool_choice":"auto","parallel_tool_calls":true)"));
  EXPECT_EQ(upstream(request),
            hej + std::string(R"(,"tools":[{"type":"function","function":{"name":"a","description":"d",)"
                              R"("parameters":{"type": "object"},"strict":true}}],"tool_choice":"auto",)"
                              R"("parallel_tool_calls":true})"));
  EXPECT_TRUE(request->uses_tools);
  EXPECT_FALSE(request->form.must_call_a_tool);
}

TEST(Tools, that_are_none_leave_no_trace) {
  for (const char* more : {R"(,"tools":[])", R"(,"tools":null,"tool_choice":"auto")", R"(,"tool_choice":"none")",
                           R"(,"parallel_tool_calls":true)", R"(,"functions":[],"function_call":"none")"}) {
    const auto request = chat(more);
    EXPECT_EQ(upstream(request), hej + std::string("}")) << more;
    EXPECT_FALSE(request->uses_tools);
  }
}

TEST(Tools, that_are_named_go_alone_where_an_engine_reads_no_names) {
  const std::string two = tool("a") + "," + tool("b");
  const auto request = chat(R"(,"tool_choice":{"type":"function","function":{"name":"b"}})" + tools(two));
  EXPECT_EQ(upstream(request, false), hej + std::string(R"(,"tools":[{"type":"function","function":{"name":"b"}}],)"
                                                        R"("tool_choice":"required","parallel_tool_calls":false})"));
  EXPECT_THAT(upstream(request, true), HasSubstr(R"("tool_choice":{"type":"function","function":{"name":"b"}})"));
  EXPECT_THAT(upstream(request, true), HasSubstr(R"("name":"a")"));
  EXPECT_TRUE(request->form.must_call_a_tool);
}

TEST(Tools, that_are_allowed_go_alone) {
  const auto request = chat(tools(
      tool("a") + "," + tool("b"),
      R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"a"}}]}})"));
  EXPECT_THAT(upstream(request),
              HasSubstr(R"("tools":[{"type":"function","function":{"name":"a"}}],"tool_choice":"required")"));
}

TEST(Tools, are_checked) {
  EXPECT_EQ(fault(chat(R"(,"tools":{})")), "invalid_value tools");
  EXPECT_EQ(fault(chat(tools("7"))), "invalid_value tools[0]");
  EXPECT_EQ(fault(chat(tools("{}"))), "missing_required_parameter tools[0].type");
  EXPECT_EQ(fault(chat(tools(R"({"type":"custom"})"))), "unsupported_value tools[0].type");
  EXPECT_EQ(fault(chat(tools(R"({"type":"function"})"))), "missing_required_parameter tools[0].function");
  EXPECT_EQ(fault(chat(tools(R"({"type":"function","function":{}})"))),
            "missing_required_parameter tools[0].function.name");
  for (const char* name : {"", "a b", "æ", "a.b", "\\u0061"})
    EXPECT_EQ(fault(chat(tools(tool(name)))), "invalid_value tools[0].function.name") << name;
  EXPECT_EQ(fault(chat(tools(tool(std::string(129, 'a'))))), "invalid_value tools[0].function.name");
  EXPECT_EQ(fault(chat(tools(tool("a") + "," + tool("a")))), "invalid_value tools[1].function.name");
  EXPECT_EQ(fault(chat(tools(tool("a", R"(,"description":7)")))), "invalid_value tools[0].function.description");
  EXPECT_EQ(fault(chat(tools(tool("a", R"(,"strict":"yes")")))), "invalid_value tools[0].function.strict");
  EXPECT_EQ(fault(chat(tools(tool("a", R"(,"parameters":[])")))), "invalid_value tools[0].function.parameters");
  EXPECT_EQ(fault(chat(tools(tool("a", R"(,"parameters":{"properties":{"x":{"$ref":"http://x/y"}}})")))),
            "invalid_value tools[0].function.parameters.properties[0].$ref");
  EXPECT_EQ(fault(chat(R"(,"parallel_tool_calls":1)")), "invalid_value parallel_tool_calls");
}

TEST(Tools, are_bounded_in_number_and_bytes) {
  std::string many = tool("t0");
  for (std::size_t i = 1; i <= limits::tools_max; ++i) many += "," + tool("t" + std::to_string(i));
  EXPECT_EQ(fault(chat(tools(many))), "invalid_value tools");
  EXPECT_EQ(fault(chat(tools(tool("a", R"(,"description":")" + std::string(limits::tools_bytes_max, 'x') + "\"")))),
            "invalid_value tools");
}

TEST(Tools, must_be_there_to_be_chosen) {
  for (const char* choice : {R"("required")", R"({"type":"function","function":{"name":"a"}})"})
    EXPECT_EQ(fault(chat(R"(,"tool_choice":)" + std::string(choice))), "invalid_value tool_choice");
  for (const char* choice :
       {R"("always")", "7", R"({"type":"function"})", R"({"type":"function","function":{"name":"b"}})",
        R"({"type":"allowed_tools"})", R"({"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}})"})
    EXPECT_EQ(fault(chat(tools(tool("a"), R"(,"tool_choice":)" + std::string(choice)))), "invalid_value tool_choice");
  const std::string one = R"({"type":"function","function":{"name":"a"}})";
  std::string all = one;
  for (std::size_t i = 0; i < limits::tools_max; ++i) all += "," + one;
  EXPECT_EQ(
      fault(chat(tools(tool("a"), R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[)" +
                                      all + "]}}"))),
      "invalid_value tool_choice");
}

TEST(Tools, calls_and_answers_pass_in_messages) {
  const auto request = parse(
      R"([{"role":"user","content":"Hej"},{"role":"assistant","content":null,"reasoning_content":"r","refusal":null,"tool_calls":[)"
      R"({"id":"c1","x":1,"type":"function","function":{"name":"a","arguments":"{}","y":2}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"12"}]}])",
      "");
  EXPECT_EQ(upstream(request),
            R"({"model":"up","messages":[{"role":"user","content":"Hej"},{"role":"assistant","reasoning_content":"r",)"
            R"("tool_calls":[{"id":"c1","type":"function","function":{"name":"a","arguments":"{}"}}]},)"
            R"({"role":"tool","content":[{"type":"text","text":"12"}],"tool_call_id":"c1"}]})");
  EXPECT_TRUE(request->uses_tools);
}

TEST(Tools, calls_and_answers_are_checked) {
  const auto one = [](const std::string& message) { return fault(parse("[" + message + "]", "")); };
  EXPECT_EQ(one(R"({"role":"tool","content":"a"})"), "missing_required_parameter messages[0].tool_call_id");
  EXPECT_EQ(one(R"({"role":"tool","tool_call_id":"c"})"), "missing_required_parameter messages[0].content");
  EXPECT_EQ(one(R"({"role":"function","content":"a"})"), "missing_required_parameter messages[0].name");
  EXPECT_EQ(one(R"({"role":"user","content":"a","tool_calls":[{}]})"), "invalid_value messages[0].tool_calls");
  EXPECT_EQ(one(R"({"role":"assistant","tool_calls":[{}]})"),
            "missing_required_parameter messages[0].tool_calls[0].id");
  EXPECT_EQ(one(R"({"role":"assistant","tool_calls":[{"id":"c","type":"custom"}]})"),
            "unsupported_value messages[0].tool_calls[0].type");
  EXPECT_EQ(one(R"({"role":"assistant","tool_calls":[{"id":"c","type":"function"}]})"),
            "missing_required_parameter messages[0].tool_calls[0].function");
  EXPECT_EQ(one(R"({"role":"assistant","tool_calls":[{"id":"c","function":{"name":"a","arguments":{}}}]})"),
            "missing_required_parameter messages[0].tool_calls[0].function.arguments");
  EXPECT_EQ(one(R"({"role":"assistant","tool_calls":[]})"), "missing_required_parameter messages[0].content");
  EXPECT_EQ(one(R"({"role":"assistant","content":"a","reasoning_content":7})"),
            "invalid_value messages[0].reasoning_content");
}

TEST(Tools, of_the_old_form_become_tools) {
  const auto request = parse(R"([{"role":"assistant","content":null,"function_call":{"name":"a","arguments":"{}"}},)"
                             R"({"role":"function","name":"a","content":null}])",
                             R"(,"function_call":{"name":"a"},"functions":[{"name":"a","parameters":{}}])");
  EXPECT_EQ(
      upstream(request, false),
      R"({"model":"up","messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function",)"
      R"("function":{"name":"a","arguments":"{}"}}]},{"role":"tool","content":"","name":"a","tool_call_id":"call_1"}],)"
      R"("tools":[{"type":"function","function":{"name":"a","parameters":{}}}],"tool_choice":"required",)"
      R"("parallel_tool_calls":false})");
  EXPECT_TRUE(request->form.old_functions);
  EXPECT_EQ(fault(chat(R"(,"functions":[{"name":"a"}])" + tools(tool("b")))), "invalid_value functions");
  EXPECT_EQ(fault(chat(R"(,"function_call":{"name":"a"})")), "invalid_value function_call");
  EXPECT_EQ(fault(chat(R"(,"functions":[{"name":"a"}],"function_call":{"name":"b"})")), "invalid_value function_call");
}

std::expected<Answer, ApiError> answer(const std::string& message, const std::string& reason, AnswerForm form) {
  json::Document document;
  Request request;
  request.form = form;
  return rewrite_answer(R"({"choices":[{"index":0,"finish_reason":")" + reason + R"(","message":)" + message + "}]}",
                        request, "m", document);
}
constexpr const char* call =
    R"({"role":"assistant","content":null,"reasoning_content":"r","function_call":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"a","arguments":"{}"}}]})";

TEST(Tools, calls_come_back_in_the_form_that_was_asked_for) {
  EXPECT_THAT(answer(call, "tool_calls", {})->body, HasSubstr(call));
  EXPECT_EQ(answer(call, "tool_calls", {.old_functions = true})->body,
            R"({"choices":[{"index":0,"finish_reason":"function_call","message":{"role":"assistant","content":null,)"
            R"("reasoning_content":"r","function_call":{"name":"a","arguments":"{}"}}}]})");
}

TEST(Tools, an_answer_that_forgot_the_call_it_had_to_make_is_the_engines_fault) {
  const AnswerForm form{.must_call_a_tool = true};
  EXPECT_EQ(answer(R"({"content":"no"})", "stop", form).error().cause, Cause::engine_failed);
  EXPECT_TRUE(answer(R"({"content":"cut sho"})", "length", form));
  EXPECT_TRUE(answer(call, "stop", form));
}

// What a stream of these choices comes out as, one line each; an error ends it.
std::string relay(std::initializer_list<const char*> choices, AnswerForm form) {
  json::Document document;
  StreamRewriter rewriter(Endpoint::chat, "m", form);
  std::string out;
  for (const char* choice : choices) {
    const std::string data = std::string(R"({"model":"m","choices":[)") + choice + "]}";
    const auto step = rewriter.step({.name = {}, .data = data}, document);
    if (step.verdict == StreamRewriter::Verdict::failed) return out + rewriter.error().message;
    out += std::string(step.data) + (step.data.data() == data.data() ? " as it came\n" : "\n");
  }
  return out;
}
constexpr const char* first =
    R"({"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"a","arguments":""}}]},"finish_reason":null})";
constexpr const char* second =
    R"({"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":null})";
constexpr const char* last = R"({"index":0,"delta":{},"finish_reason":"tool_calls"})";

TEST(Tools, stream_as_they_came) {
  const std::string seen = relay({first, second, last}, {.must_call_a_tool = true});
  EXPECT_THAT(seen, HasSubstr(std::string(first) + "]} as it came\n"));
  EXPECT_THAT(seen, HasSubstr(std::string(last) + "]} as it came\n"));
}

TEST(Tools, stream_in_the_old_form_too) {
  EXPECT_EQ(
      relay({first, second, last}, {.old_functions = true}),
      R"({"model":"m","choices":[{"index":0,"delta":{"function_call":{"name":"a","arguments":""}},"finish_reason":null}]})"
      "\n"
      R"({"model":"m","choices":[{"index":0,"delta":{"function_call":{"arguments":"{}"}},"finish_reason":null}]})"
      "\n"
      R"({"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"function_call"}]})"
      "\n");
}

TEST(Tools, a_stream_that_forgot_its_call_ends_in_an_error) {
  const char* said = R"({"index":0,"delta":{"content":"no"},"finish_reason":null})";
  const char* stopped = R"({"index":0,"finish_reason":"stop","delta":{}})";
  EXPECT_THAT(relay({said, stopped}, {.must_call_a_tool = true}), HasSubstr("did not call"));
  EXPECT_THAT(relay({said, stopped}, {}), Not(HasSubstr("did not call")));
  EXPECT_THAT(relay({first, stopped}, {.must_call_a_tool = true}), Not(HasSubstr("did not call")));
}

}  // namespace
}  // namespace faelled::openai
