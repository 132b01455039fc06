#include "openai/anthropic/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "openai/sse_parser.hpp"

namespace faelled::openai::anthropic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ChatPiece read(const std::string& json) {
  json::Document document;
  return read_chat_piece(json, document);
}
ChatPiece delta(const std::string& members, const std::string& finish = "null") {
  return read(R"({"choices":[{"index":0,"delta":{)" + members + R"(},"finish_reason":)" + finish + "}]}");
}
ChatPiece word(const std::string& text) { return delta(R"("content":")" + text + "\""); }
ChatPiece call(int index, const std::string& members) {
  return delta(R"("tool_calls":[{"index":)" + std::to_string(index) + "," + members + "}]");
}
ChatPiece usage() {
  return read(R"({"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16,)"
              R"("prompt_tokens_details":{"cached_tokens":3}}})");
}

// "type body" of each event, without the type in the body.
std::vector<std::string> told(const std::string& frames) {
  std::vector<std::string> out;
  SseParser parser;
  parser.push(frames);
  while (true) {
    const auto event = parser.next();
    if (!event || !*event) return out;
    const std::string name((*event)->name), front = R"({"type":")" + name + "\"", data((*event)->data);
    EXPECT_TRUE(data.starts_with(front)) << data;
    out.push_back(name + " " + data.substr(front.size()));
  }
}

struct Answer {
  Message message;
  std::string frames;
  explicit Answer(bool thinking = false) : message("01ABC", "m", 7, thinking) {}
  Answer& add(const ChatPiece& more) {
    message.add(more, frames);
    return *this;
  }
  std::vector<std::string> done() {
    message.done(frames);
    return told(frames);
  }
};

TEST(Message, TellsATextInTheOrderOfTheProtocol) {
  Answer answer;
  answer.add(delta(R"("role":"assistant","content":"")")).add(word("Hej")).add(word(" du")).add(delta("", R"("stop")"));
  // The end is not to be seen before done(): the record may not be closed yet.
  EXPECT_THAT(answer.frames, Not(HasSubstr("content_block_stop")));
  EXPECT_THAT(
      answer.add(usage()).done(),
      ElementsAre(
          R"(message_start ,"message":{"id":"msg_01ABC","type":"message","role":"assistant","model":"m","content":[],)"
          R"("stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":0}}})",
          R"(content_block_start ,"index":0,"content_block":{"type":"text","text":""}})",
          R"(content_block_delta ,"index":0,"delta":{"type":"text_delta","text":"Hej"}})",
          R"(content_block_delta ,"index":0,"delta":{"type":"text_delta","text":" du"}})",
          R"(content_block_stop ,"index":0})",
          R"(message_delta ,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":8,)"
          R"("cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":5}})",
          "message_stop }"));
}

// Blocks follow each other; an engine may go on with any call until the end.
TEST(Message, TellsCallsOneAfterTheOtherHoweverTheyCome) {
  Answer answer;
  answer.add(word("Ser."))
      .add(call(0, R"("id":"c0","function":{"name":"f","arguments":""})"))
      .add(call(0, R"("function":{"arguments":"{\"a\""})"))
      .add(call(1, R"("id":"c1","function":{"name":"g","arguments":"{}"})"))
      .add(word("\\n"))
      .add(call(0, R"("function":{"arguments":":1}"})"))
      .add(delta("", R"("tool_calls")"));
  auto all = answer.done();
  all.erase(all.begin());
  all.pop_back();
  EXPECT_THAT(all.back(), HasSubstr(R"("stop_reason":"tool_use")"));
  all.pop_back();
  EXPECT_THAT(all, ElementsAre(R"(content_block_start ,"index":0,"content_block":{"type":"text","text":""}})",
                               R"(content_block_delta ,"index":0,"delta":{"type":"text_delta","text":"Ser."}})",
                               R"(content_block_stop ,"index":0})",
                               R"(content_block_start ,"index":1,"content_block":{"type":"tool_use","id":"c0",)"
                               R"("name":"f","input":{}}})",
                               R"(content_block_delta ,"index":1,"delta":{"type":"input_json_delta",)"
                               R"("partial_json":"{\"a\""}})",
                               R"(content_block_delta ,"index":1,"delta":{"type":"input_json_delta",)"
                               R"("partial_json":":1}"}})",
                               R"(content_block_stop ,"index":1})",
                               R"(content_block_start ,"index":2,"content_block":{"type":"tool_use","id":"c1",)"
                               R"("name":"g","input":{}}})",
                               R"(content_block_delta ,"index":2,"delta":{"type":"input_json_delta",)"
                               R"("partial_json":"{}"}})",
                               R"(content_block_stop ,"index":2})"));
}

TEST(Message, ShowsThoughtsToThoseWhoAskedAndSignsOfLifeToTheOthers) {
  const ChatPiece thought = delta(R"("reasoning_content":"Hm.")");
  Answer seen(true);
  EXPECT_THAT(seen.add(thought).add(word("42")).frames,
              HasSubstr(R"("delta":{"type":"thinking_delta","thinking":"Hm."})"));
  Answer unseen;
  for (int i = 0; i < 40; ++i) unseen.add(thought);
  EXPECT_THAT(unseen.frames, Not(HasSubstr("Hm.")));
  EXPECT_THAT(unseen.frames, HasSubstr("event: ping\ndata: {\"type\":\"ping\"}\n\n"));
  EXPECT_THAT(unseen.add(word("42")).frames, HasSubstr(R"("index":0,"content_block":{"type":"text")"));
}

TEST(Message, SaysWhyItEnds) {
  for (const auto& [finish, reason] : {std::pair{"length", "max_tokens"}, {"content_filter", "refusal"}}) {
    Answer answer;
    answer.add(word("Hej")).add(delta("", "\"" + std::string(finish) + "\""));
    EXPECT_THAT(answer.done().at(4), HasSubstr(R"("stop_reason":")" + std::string(reason) + "\""));
  }
}

TEST(Message, CountsWhatItSawWhereTheEngineDoesNotSay) {
  Answer answer;
  EXPECT_THAT(
      answer.add(word("a")).add(word("b")).done().at(5),
      HasSubstr(R"("input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2)"));
}

TEST(Message, IsOneObjectWhereItIsNotStreamed) {
  ChatPiece whole = read(
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":"Ser.","reasoning_content":"Hm.","tool_calls":[)"
      R"({"id":"c0","type":"function","function":{"name":"f","arguments":" {\"a\": 1} "}},)"
      R"({"id":"c1","type":"function","function":{"name":"g","arguments":"{\"a\":"}},)"
      R"({"id":"c2","type":"function","function":{"name":"h","arguments":""}}]},"finish_reason":"tool_calls"}]})");
  whole.usage = usage().usage;
  json::Document document;
  std::string out;
  Message("01ABC", "m", 7, true).append_whole(whole, document, out);
  EXPECT_EQ(out, R"({"id":"msg_01ABC","type":"message","role":"assistant","model":"m","content":[)"
                 R"({"type":"thinking","thinking":"Hm.","signature":""},{"type":"text","text":"Ser."},)"
                 R"({"type":"tool_use","id":"c0","name":"f","input":{"a": 1}},)"
                 R"({"type":"tool_use","id":"c1","name":"g","input":{"invalid_json":"{\"a\":"}},)"
                 R"({"type":"tool_use","id":"c2","name":"h","input":{}}],"stop_reason":"tool_use",)"
                 R"("stop_sequence":null,"usage":{"input_tokens":8,"cache_creation_input_tokens":0,)"
                 R"("cache_read_input_tokens":3,"output_tokens":5}})");
}

}  // namespace
}  // namespace faelled::openai::anthropic
