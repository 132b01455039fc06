#include "openai/responses/response.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "openai/sse_parser.hpp"

namespace faelled::openai::responses {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ChatPiece piece(const std::string& choice_members, const std::string& more = {}) {
  json::Document document;
  return read_chat_piece(R"({"choices":[{"index":0,)" + choice_members + "}]" + more + "}", document);
}
ChatPiece delta(const std::string& members, const std::string& finish = "null") {
  return piece(R"("delta":{)" + members + R"(},"finish_reason":)" + finish);
}
ChatPiece word(const std::string& text) { return delta(R"("content":")" + text + "\""); }
ChatPiece usage() {
  json::Document document;
  return read_chat_piece(R"({"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16,)"
                         R"("prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":)"
                         R"({"reasoning_tokens":2}}})",
                         document);
}

struct Told {
  std::vector<std::string> names;
  std::vector<std::string> bodies;
  const std::string& last() const { return bodies.back(); }
};
// Every event has its type in both places and the next sequence number.
Told told(const std::string& frames) {
  Told out;
  SseParser parser;
  json::Document document;
  parser.push(frames);
  while (true) {
    const auto event = parser.next();
    if (!event || !*event) return out;
    const auto root = document.parse((*event)->data);
    EXPECT_TRUE(root) << (*event)->data;
    if (!root) return out;
    EXPECT_TRUE(root->find("type")->text_is((*event)->name));
    EXPECT_EQ(root->find("sequence_number")->integer(), static_cast<std::int64_t>(out.names.size()));
    out.names.emplace_back((*event)->name);
    out.bodies.emplace_back((*event)->data);
  }
}

struct Answer {
  Response response{"01ABC", "m", R"(,"metadata":{})", 1000};
  std::string frames;
  Answer() { response.begin(frames); }
  Answer& add(const ChatPiece& more) {
    response.add(more, frames);
    return *this;
  }
  Told done() {
    response.done(1002, frames);
    return told(frames);
  }
};

TEST(Response, TellsATextInTheOrderOfTheProtocol) {
  Answer answer;
  answer.add(delta(R"("role":"assistant","content":"")")).add(word("Hej")).add(word(" du")).add(delta("", R"("stop")"));
  // The end is not to be seen before done(): the record may not be closed yet.
  EXPECT_THAT(answer.frames, Not(HasSubstr("output_text.done")));
  const Told all = answer.add(usage()).done();
  EXPECT_THAT(all.names, ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                                     "response.content_part.added", "response.output_text.delta",
                                     "response.output_text.delta", "response.output_text.done",
                                     "response.content_part.done", "response.output_item.done", "response.completed"));
  EXPECT_EQ(all.bodies[4], R"({"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_01ABC_0",)"
                           R"("output_index":0,"content_index":0,"delta":"Hej","logprobs":[]})");
  EXPECT_THAT(all.bodies[6], HasSubstr(R"("text":"Hej du")"));
  EXPECT_THAT(all.last(), HasSubstr(R"("response":{"id":"resp_01ABC","object":"response","created_at":1000,)"
                                    R"("status":"completed","completed_at":1002,"model":"m","error":null)"));
  EXPECT_THAT(all.last(), HasSubstr(R"("usage":{"input_tokens":11,"input_tokens_details":{"cached_tokens":3,)"
                                    R"("cache_write_tokens":0},"output_tokens":5,"output_tokens_details":)"
                                    R"({"reasoning_tokens":2},"total_tokens":16},"metadata":{}})"));
}

TEST(Response, TellsCallsAndKeepsThemOpenUntilTheEnd) {
  Answer answer;
  answer.add(word("Ser efter."))
      .add(delta(R"("tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":""}}])"))
      .add(delta(R"("tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}])"))
      .add(delta(R"("tool_calls":[{"index":1,"id":"c1","function":{"name":"g","arguments":"{}"}}])"))
      .add(delta(R"("tool_calls":[{"index":0,"function":{"arguments":":1}"}}])"))
      .add(delta("", R"("tool_calls")"));
  const Told all = answer.done();
  EXPECT_THAT(all.names,
              ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                          "response.content_part.added", "response.output_text.delta", "response.output_text.done",
                          "response.content_part.done", "response.output_item.done", "response.output_item.added",
                          "response.function_call_arguments.delta", "response.output_item.added",
                          "response.function_call_arguments.delta", "response.function_call_arguments.delta",
                          "response.function_call_arguments.done", "response.output_item.done",
                          "response.function_call_arguments.done", "response.output_item.done", "response.completed"));
  EXPECT_THAT(all.bodies[13], HasSubstr(R"("output_index":1,"name":"f","arguments":"{\"a\":1}")"));
  EXPECT_THAT(all.last(), HasSubstr(R"({"id":"fc_01ABC_2","type":"function_call","status":"completed","call_id":"c1",)"
                                    R"("name":"g","arguments":"{}"})"));
}

TEST(Response, TellsWhatTheModelThinksAsAnItemOfItsOwn) {
  Answer answer;
  answer.add(delta(R"("reasoning_content":"Hm.")")).add(word("42")).add(delta("", R"("stop")"));
  const Told all = answer.done();
  EXPECT_THAT(
      all.names,
      ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                  "response.content_part.added", "response.reasoning_text.delta", "response.reasoning_text.done",
                  "response.content_part.done", "response.output_item.done", "response.output_item.added",
                  "response.content_part.added", "response.output_text.delta", "response.output_text.done",
                  "response.content_part.done", "response.output_item.done", "response.completed"));
  EXPECT_THAT(all.last(), HasSubstr(R"("summary":[],"content":[{"type":"reasoning_text","text":"Hm."}])"));
}

TEST(Response, IsIncompleteWhereTheModelHadToStop) {
  Answer answer;
  answer.add(word("Hej")).add(delta("", R"("length")"));
  const Told all = answer.done();
  EXPECT_EQ(all.names.back(), "response.incomplete");
  EXPECT_THAT(all.last(), HasSubstr(R"("status":"incomplete","completed_at":null)"));
  EXPECT_THAT(all.last(), HasSubstr(R"("incomplete_details":{"reason":"max_output_tokens"})"));
}

TEST(Response, HasAMessageEvenWithoutAWord) {
  Answer answer;
  answer.add(delta("", R"("stop")"));
  EXPECT_THAT(answer.done().last(), HasSubstr(R"("content":[{"type":"output_text","text":"")"));
}

TEST(Response, ThatBreaksOffIsNeverCompleted) {
  Answer answer;
  answer.add(word("Hej"));
  answer.response.still(answer.frames);
  answer.response.failed({Cause::engine_failed, "The model broke off."}, answer.frames);
  const Told all = told(answer.frames);
  EXPECT_THAT(all.names, ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                                     "response.content_part.added", "response.output_text.delta",
                                     "response.in_progress", "error", "response.failed"));
  EXPECT_THAT(all.bodies[6], HasSubstr(R"("code":"engine_failed","message":"The model broke off.","param":null)"));
  EXPECT_THAT(all.last(), HasSubstr(R"("error":{"code":"server_error","message":"The model broke off."})"));
  EXPECT_THAT(all.last(), HasSubstr(R"("status":"incomplete")"));
}

TEST(Response, IsTheSameObjectWhereItIsNotStreamed) {
  Answer streamed;
  const std::string last = streamed.add(word("Hej")).add(delta("", R"("stop")")).add(usage()).done().last();
  Response response("01ABC", "m", R"(,"metadata":{})", 1000);
  std::string frames, whole;
  ChatPiece all = piece(R"("message":{"role":"assistant","content":"Hej"},"finish_reason":"stop")");
  all.usage = usage().usage;
  all.reasoning_tokens = 2;
  response.add(all, frames);
  response.append_whole(1002, whole);
  EXPECT_THAT(last, HasSubstr(R"("response":)" + whole));
}

}  // namespace
}  // namespace faelled::openai::responses
