// Request: one checked body of /v1/chat/completions, /v1/completions, /v1/embeddings or /v1/rerank. Owns its body, so
// it can wait in line, move and be sent twice; slices are offsets, not pointers. Pure: parse() is the only way in, and
// what append_upstream_body() writes holds validated bytes and allowed fields only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/document.hpp"
#include "json/writer.hpp"
#include "openai/answer_form.hpp"
#include "openai/api_error.hpp"
#include "openai/fields.hpp"
#include "openai/slice.hpp"
#include "openai/tool.hpp"

namespace faelled::openai {

struct PassedField {
  const Field* field = nullptr;
  Slice value;
};

// What the engine's side adds to a request.
struct Upstream {
  std::string_view model;               // what the engine calls it
  std::span<const std::string> stop;    // the model's own stop strings, appended to the client's
  std::uint32_t output_tokens_max = 0;  // used where the client named none; 0: leave it to the engine
  bool takes_tool_by_name = true;       // tool_choice may name a tool; else that tool alone is sent, and is required
  std::uint32_t top_logprobs_min = 0;   // asked for at least so many, or the engine gives no log probabilities at all
};

class Request {
 public:
  static std::expected<Request, ApiError> parse(Endpoint endpoint, std::string body, json::Document& document);

  Endpoint endpoint = Endpoint::chat;
  std::string model;  // as the client wrote it; alias not resolved
  bool stream = false;
  AnswerForm form;
  bool uses_tools = false;                   // offers tools, or has messages of them: the model must know what they are
  bool base64 = false;                       // embeddings: the client wants base64
  std::uint32_t output_tokens_max = 0;       // 0: the client named none
  std::uint32_t prompt_tokens_estimate = 0;  // bytes of text / 4; token arrays exactly
  std::uint32_t fields_ignored = 0;          // fields dropped, harmless ones and steering ones
  std::uint32_t inputs = 1;                  // embeddings, rerank: how many vectors or scores the answer must have
  bool may_call_tools = false;               // offers tools and does not say "none"
  bool formatted = false;                    // response_format is more than text
  std::optional<ApiError> unenforced;        // what llama-server's grammar would leave out of a schema that is strict
  bool count_only = false;                   // chat: nobody asks for an answer, only how many tokens the prompt has

  // Appends an OPEN JSON object, "{…" without the closing brace and never empty: the caller adds the engine's own
  // members
  // (",\"name\":value") and then "}". Streams always ask the engine for usage.
  void append_upstream_body(std::string& out, const Upstream& upstream) const;

  // How often it is to be answered: n times each prompt. Where that is more than one, each choice is asked for apart.
  std::uint32_t choices() const { return n_ * static_cast<std::uint32_t>(std::max<std::size_t>(1, prompts_.size())); }
  // Choice `number` alone, as a request; with a seed, each has its own. Says no usage.
  Request choice(std::uint32_t number) const;

  std::string_view body() const { return body_; }
  // rerank: what was sent as document `number`, a JSON string.
  std::string_view document(std::size_t number) const { return slice(documents_[number]); }

 private:
  friend class RequestParser;
  std::string_view slice(Slice s) const { return std::string_view(body_).substr(s.begin, s.bytes); }
  void append_tools(json::Writer& writer, const Upstream& upstream) const;
  void append_logprobs(json::Writer& writer, const Upstream& upstream) const;

  std::string body_;
  std::vector<PassedField> passed_;
  std::string messages_;     // rebuilt where the client's own array may not pass as it is; empty: spliced
  std::vector<Slice> stop_;  // raw strings
  std::vector<Slice> documents_;
  std::vector<Slice> prompts_;  // where there are several
  std::uint32_t n_ = 1;
  std::string response_format_;  // rebuilt; empty: text
  std::vector<Tool> tools_;
  ToolChoice tool_choice_ = ToolChoice::unsaid;
  bool chosen_tools_alone_ = false;  // of the tools only those that are `chosen` may be called
  std::optional<bool> parallel_tool_calls_;
  std::optional<std::uint32_t> seed_;
};

}  // namespace faelled::openai
