// Gather: a llama-server stream put back together as the one body that a client who did not ask for a stream expects.
//
// Why every answer is streamed on our side: llama-server looks for a hung-up client only when no result of ANY request
// has come for a second (server_response::recv_with_timeout, 0.5.0). Beside a busy place that never happens, and an
// answer nobody waits for runs to its end. A stream notices at its next write, and with "return_progress" there is one
// after each batch of the prompt. Pure; one per answer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "json/document.hpp"
#include "openai/fields.hpp"

namespace faelled::engines {

class Gather {
 public:
  explicit Gather(openai::Endpoint endpoint) : endpoint_(endpoint) {}

  // The payload of one event, in their order. False: [DONE]. Errors: not a chunk, an error event (its text is in
  // `error_event()`), or more than limits::upstream_body_bytes_max.
  Expected<bool> add(std::string_view data, json::Document& document);
  const std::string& error_event() const { return error_event_; }
  // As StreamRewriter counts them: the output tokens to book where the engine broke off before it said usage.
  std::uint32_t deltas() const { return deltas_; }

  // Whether every choice has said why it ended.
  bool complete() const;
  // Valid JSON of the endpoint's form.
  std::string body() const;

 private:
  struct ToolCall {
    std::string id, name, arguments;
  };
  struct Choice {
    std::string text;  // content, or a completion's text
    bool has_text = false;
    std::string reasoning;
    std::map<std::int64_t, ToolCall> tool_calls;
    std::string logprobs;  // the items of logprobs.content, with commas
    std::string finish_reason;
  };
  void add_choice(json::Value choice);
  static bool has_token(json::Value choice);
  void add_delta(Choice& choice, json::Value delta);

  openai::Endpoint endpoint_;
  std::size_t bytes_ = 0;
  std::uint32_t deltas_ = 0;
  std::map<std::int64_t, Choice> choices_;
  std::string id_, model_, fingerprint_, usage_, error_event_;
  std::int64_t created_ = 0;
};

}  // namespace faelled::engines
