#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "openai/sse_parser.hpp"
#include "openai/stream_rewriter.hpp"

namespace faelled::openai {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Verdict = StreamRewriter::Verdict;

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(FAELLED_SOURCE_DIR) + "/src/openai/testdata/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Events as "name|data", or the error's message as the last one.
std::vector<std::string> events_of(std::string_view stream, SeededRandom* splits = nullptr) {
  SseParser parser;
  std::vector<std::string> out;
  while (!stream.empty()) {
    const std::size_t bytes = splits ? 1 + splits->below(7) : stream.size();
    parser.push(stream.substr(0, bytes));
    stream.remove_prefix(std::min(bytes, stream.size()));
    while (true) {
      const auto event = parser.next();
      if (!event) {
        out.push_back(event.error().message);
        return out;
      }
      if (!*event) break;
      out.push_back(std::string((*event)->name) + "|" + std::string((*event)->data));
    }
  }
  return out;
}

TEST(SseParser, reads_events) {
  EXPECT_THAT(events_of("data: a\n\ndata:b\n\n"), ElementsAre("|a", "|b"));
  EXPECT_THAT(events_of("event: x\ndata: a\n\ndata: b\n\n"), ElementsAre("x|a", "|b"));
  EXPECT_THAT(events_of("data: a\ndata:\ndata:  c\n\n"), ElementsAre("|a\n\n c"));
  EXPECT_THAT(events_of("\xEF\xBB\xBF"
                        "data: a\n\n"),
              ElementsAre("|a"));
}

TEST(SseParser, skips_comments_ids_and_events_without_data) {
  EXPECT_THAT(events_of(": hi\n\n:\n\nid: 7\nretry: 5\nevent: ping\n\ndata\n\ndata: a\nid\nunknown: x\n\n"),
              ElementsAre("|a"));
}

TEST(SseParser, gives_no_event_that_has_not_ended) {
  EXPECT_THAT(events_of("data: a\n\ndata: b\n"), ElementsAre("|a"));
}

TEST(SseParser, reads_the_error_line_of_old_llama_servers) {
  EXPECT_THAT(events_of("error: {\"code\":500}\n\n"), ElementsAre("error|{\"code\":500}"));
}

TEST(SseParser, takes_every_line_end_split_anywhere) {
  const std::string lf = ": c\ndata: a\n\n\nevent: e\ndata: b\ndata: c\n\n: k\n\ndata: d\n\n";
  const auto expected = events_of(lf);
  ASSERT_THAT(expected, ElementsAre("|a", "e|b\nc", "|d"));
  SeededRandom random(3);
  for (const std::string& end : {"\n", "\r", "\r\n"}) {
    std::string stream;
    for (const char c : lf) stream += c == '\n' ? end : std::string(1, c);
    EXPECT_EQ(events_of(stream), expected);
    for (int round = 0; round < 200; ++round) EXPECT_EQ(events_of(stream, &random), expected);
  }
}

TEST(SseParser, is_bounded) {
  const std::string chunk(64 * 1024, 'x');
  SseParser parser;
  parser.push("data: ");
  std::size_t pushed = 0;
  while (pushed < 4 * limits::sse_event_bytes_max) {
    parser.push(chunk);
    pushed += chunk.size();
    if (!parser.next()) break;
  }
  EXPECT_LE(pushed, limits::sse_event_bytes_max + chunk.size());
  EXPECT_THAT(events_of("data: " + std::string(limits::sse_event_bytes_max + 1, 'x') + "\n\n"),
              ElementsAre(HasSubstr("over 1048576 bytes")));
  EXPECT_EQ(events_of("data: " + std::string(limits::sse_event_bytes_max - 100, 'x') + "\n\n").size(), 1u);
}

TEST(SseParser, is_quick_with_a_megabyte_of_carriage_returns) {
  std::string stream;
  for (int i = 0; i < 300'000; ++i) stream += "a\r";
  stream += "\rdata: x\r\r";
  EXPECT_THAT(events_of(stream), ElementsAre("|x"));
}

// A rewriter fed with whole payloads; remembers what it forwarded.
struct Relay {
  StreamRewriter rewriter;
  json::Document document;
  std::vector<std::string> sent;
  std::vector<bool> first;
  Verdict last = Verdict::withhold;
  const char* last_data = nullptr;

  explicit Relay(AnswerForm form, Endpoint endpoint = Endpoint::chat) : rewriter(endpoint, "m", form) {}
  explicit Relay(bool include_usage, Endpoint endpoint = Endpoint::chat)
      : Relay(AnswerForm{.include_usage = include_usage}, endpoint) {}
  void feed(std::string_view data, std::string_view name = {}) {
    const auto step = rewriter.step({.name = name, .data = data}, document);
    last = step.verdict;
    last_data = step.data.data();
    if (!step.data.empty()) sent.emplace_back(step.data);
    first.push_back(step.first_token);
  }
  void feed_stream(const std::string& stream) {
    SseParser parser;
    parser.push(stream);
    while (auto event = *parser.next()) feed(event->data, event->name);
  }
};

std::string delta(const std::string& inside, const std::string& more = {}) {
  return R"({"id":"i","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":)" +
         inside + R"(,"finish_reason":null}])" + more + "}";
}

TEST(StreamRewriter, forwards_an_ordinary_chunk_as_it_came) {
  Relay relay(false);
  const std::string chunk = delta(R"({"content":"Hej"})");
  relay.feed(chunk);
  EXPECT_EQ(relay.last, Verdict::forward);
  EXPECT_EQ(relay.last_data, chunk.data()) << "not even copied";
  EXPECT_EQ(relay.rewriter.deltas(), 1u);
}

TEST(StreamRewriter, counts_tokens_from_the_first_one) {
  Relay relay(false);
  for (const char* inside : {R"({"role":"assistant"})", R"({"role":"assistant","content":null})", R"({"content":""})",
                             R"({"content":"a"})", R"({"reasoning_content":"b"})", R"({})"}) {
    relay.feed(delta(inside));
  }
  EXPECT_THAT(relay.first, ElementsAre(false, false, false, true, false, false));
  EXPECT_EQ(relay.rewriter.deltas(), 2u);
  EXPECT_EQ(relay.rewriter.output_tokens(), 2u);
  EXPECT_FALSE(relay.rewriter.complete());
}

TEST(StreamRewriter, relays_llama_server_without_usage_and_timings) {
  Relay relay(false);
  relay.feed_stream(recorded("llama_chat_stream.sse"));
  EXPECT_EQ(relay.last, Verdict::done);
  ASSERT_EQ(relay.sent.size(), 8u);
  for (const std::string& chunk : relay.sent) {
    EXPECT_THAT(chunk, HasSubstr(R"("model":"m")"));
    EXPECT_THAT(chunk, Not(HasSubstr("small.gguf")));
    EXPECT_THAT(chunk, Not(HasSubstr("usage")));
    EXPECT_THAT(chunk, Not(HasSubstr("timings")));
  }
  EXPECT_EQ(relay.rewriter.usage(),
            (Usage{.prompt_tokens = 10, .cached_tokens = 0, .output_tokens = 6, .known = true}));
  EXPECT_EQ(relay.rewriter.deltas(), 6u);
  EXPECT_TRUE(relay.rewriter.complete());
}

TEST(StreamRewriter, shows_usage_to_who_asked) {
  Relay relay(true);
  relay.feed_stream(recorded("llama_chat_stream.sse"));
  ASSERT_EQ(relay.sent.size(), 9u);
  EXPECT_THAT(relay.sent.back(), HasSubstr(R"("choices":[])"));
  EXPECT_THAT(relay.sent.back(), HasSubstr(R"("completion_tokens":6)"));
  EXPECT_THAT(relay.sent.back(), Not(HasSubstr("timings")));
}

TEST(StreamRewriter, gives_completions_usage_a_chunk_of_its_own) {
  Relay relay(true, Endpoint::completions);
  relay.feed_stream(recorded("llama_completion_stream.sse"));
  ASSERT_EQ(relay.sent.size(), 6u);
  EXPECT_THAT(relay.sent[4], HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(relay.sent[4], Not(HasSubstr("usage")));
  EXPECT_THAT(relay.sent[5], HasSubstr(R"("choices":[])"));
  EXPECT_THAT(relay.sent[5], HasSubstr(R"("completion_tokens":4)"));
  json::Document document;
  for (const std::string& chunk : relay.sent) EXPECT_TRUE(document.parse(chunk)) << chunk;

  Relay unasked(false, Endpoint::completions);
  unasked.feed_stream(recorded("llama_completion_stream.sse"));
  EXPECT_EQ(unasked.sent.size(), 5u);
  EXPECT_EQ(unasked.rewriter.output_tokens(), 4u);
  EXPECT_EQ(unasked.rewriter.usage().cached_tokens, 1u);
}

TEST(StreamRewriter, hides_null_usage_from_who_did_not_ask) {
  const std::string chunk = delta(R"({"content":"a"})", R"(,"usage":null)");
  Relay relay(false), asked(true);
  relay.feed(chunk);
  asked.feed(chunk);
  EXPECT_THAT(relay.sent, ElementsAre(delta(R"({"content":"a"})")));
  EXPECT_THAT(asked.sent, ElementsAre(chunk));
}

TEST(StreamRewriter, withholds_chunks_that_say_nothing) {
  Relay relay(true);
  relay.feed(R"({"choices":[],"prompt_filter_results":[]})");
  relay.feed(R"({"object":"ping"})");
  relay.feed(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":null}}],"prompt_progress":{"total":9}})");
  EXPECT_TRUE(relay.sent.empty());
}

TEST(StreamRewriter, keeps_a_payload_of_several_lines_on_one) {
  Relay relay(false);
  relay.feed("{\"model\":\"m\",\n\"choices\":[{\"delta\":{\n\"content\":\"a\\nb\"}}]}");
  EXPECT_THAT(relay.sent, ElementsAre(R"({"model":"m","choices":[{"delta":{ "content":"a\nb"}}]})"));
}

TEST(StreamRewriter, says_tier_and_log_probabilities_in_each_chunk) {
  Relay tier(AnswerForm{.tier = ServiceTier::flex});
  tier.feed(delta(R"({"content":"a"})", R"(,"service_tier":null)"));
  EXPECT_THAT(tier.sent.back(), HasSubstr(R"("finish_reason":null}],"service_tier":"flex"})"));
  Relay offsets(AnswerForm{.logprobs = 0}, Endpoint::completions);
  const char* chunk =
      R"({"choices":[{"text":"ab","logprobs":{"content":[{"token":"ab","logprob":-1,"top_logprobs":[{}]}]}}]})";
  offsets.feed(chunk);
  offsets.feed(chunk);
  EXPECT_THAT(offsets.sent[0],
              HasSubstr(R"({"tokens":["ab"],"token_logprobs":[-1],"top_logprobs":null,"text_offset":[0]})"));
  EXPECT_THAT(offsets.sent[1], HasSubstr(R"("text_offset":[2])"));
}

TEST(StreamRewriter, numbers_one_choice_among_several) {
  AnswerForm form;
  form.index = 3;
  form.id = "chatcmpl-x";
  Relay relay(form);
  relay.feed(delta(R"({"content":"a"})"));
  EXPECT_THAT(relay.sent.back(), HasSubstr(R"({"id":"chatcmpl-x",)"));
  EXPECT_THAT(relay.sent.back(), HasSubstr(R"("choices":[{"index":3,)"));
}

// Invariant: no false [DONE]
TEST(StreamRewriter, an_error_ends_the_stream_and_done_does_not_mend_it) {
  for (const char* data : {R"({"error":{"message":"secret path","code":500}})", "not json", "[]", R"({"choices":7})",
                           R"({"choices":[],"choices":[]})"}) {
    Relay relay(false);
    relay.feed(delta(R"({"content":"a"})"));
    relay.feed(data);
    EXPECT_EQ(relay.last, Verdict::failed) << data;
    relay.feed("[DONE]");
    EXPECT_EQ(relay.last, Verdict::withhold);
    EXPECT_FALSE(relay.rewriter.complete());
    EXPECT_EQ(relay.rewriter.error().cause, Cause::engine_failed);
    EXPECT_THAT(relay.rewriter.error().message, Not(HasSubstr("secret")));
    EXPECT_EQ(relay.rewriter.output_tokens(), 1u);
  }
  Relay named(false);
  named.feed("{\"code\":500}", "error");
  EXPECT_EQ(named.last, Verdict::failed);
}

TEST(StreamRewriter, a_context_that_ran_full_is_named) {
  Relay relay(false);
  relay.feed(R"({"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}})");
  EXPECT_EQ(relay.rewriter.error().cause, Cause::context_length_exceeded);
}

TEST(StreamRewriter, whole_is_what_finished_or_was_done) {
  Relay finished(false), done(false), broken(false);
  finished.feed(R"({"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
  done.feed("[DONE]");
  broken.feed(delta(R"({"content":"a"})"));
  EXPECT_TRUE(finished.rewriter.complete());
  EXPECT_TRUE(done.rewriter.complete());
  EXPECT_FALSE(broken.rewriter.complete());
}

}  // namespace
}  // namespace faelled::openai
