// StreamRewriter: looks at each payload of an engine's stream and says what the client gets. Sans-IO, one per stream;
// the json::Document is borrowed per call, so one serves all streams of a loop. An ordinary content chunk passes as it
// came; bytes are copied only where something has to go: another model name, usage nobody asked for, members that are
// not OpenAI's (timings, prompt_progress, …: they tell what an engine has cached).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/document.hpp"
#include "openai/answer_form.hpp"
#include "openai/api_error.hpp"
#include "openai/fields.hpp"
#include "openai/sse_parser.hpp"
#include "openai/usage.hpp"

namespace faelled::openai {

class StreamRewriter {
 public:
  enum class Verdict : std::uint8_t {
    forward,   // send `data` as one event
    withhold,  // nothing to send
    done,      // the engine's [DONE]: the gateway sends `data`, if any, and its own [DONE] once the journal is closed
    failed,    // the engine said so, or sent what is not JSON: `error` is the last event; [DONE] never follows
  };
  struct Step {
    Verdict verdict = Verdict::withhold;
    std::string_view data;     // valid until the next step and as long as the event's bytes
    bool first_token = false;  // this payload holds the first token of the answer
    bool token = false;        // this payload holds a token
  };

  StreamRewriter(Endpoint endpoint, std::string_view public_model, const AnswerForm& form);

  Step step(const SseEvent& event, json::Document& document);

  const Usage& usage() const { return usage_; }
  // Content deltas seen: the output tokens to book where the engine died before saying usage.
  std::uint32_t deltas() const { return deltas_; }
  // The engine's own count if it gave one, else the deltas.
  std::uint32_t output_tokens() const { return usage_.known ? usage_.output_tokens : deltas_; }
  // Whether the answer is whole: finish_reason or [DONE] seen and no error. A stream that ends otherwise is broken.
  bool complete() const { return (finished_ || done_) && !failed_; }
  bool failed() const { return failed_; }
  const ApiError& error() const { return error_; }  // meaningful after Verdict::failed

 private:
  struct Chunk;
  Step fail(ApiError error);
  Step finish();
  bool read(json::Value root, Chunk& chunk);
  void read_choice(json::Value choice, Chunk& chunk);
  void rewrite(json::Value root, const Chunk& chunk);

  Endpoint endpoint_;
  std::string public_model_;
  std::string model_json_;  // public_model_ as JSON
  AnswerForm form_;
  Usage usage_;
  std::uint32_t deltas_ = 0;
  bool called_a_tool_ = false;
  std::size_t text_offset_ = 0;
  bool finished_ = false, done_ = false, failed_ = false;
  ApiError error_;
  std::string held_usage_;  // llama-server says usage of completions in the last chunk; OpenAI in one of its own
  std::string scratch_;
};

}  // namespace faelled::openai
