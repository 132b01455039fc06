// Request: one checked body of /v1/chat/completions, /v1/completions or /v1/embeddings. Owns its body, so it can wait
// in line, move and be sent twice; slices are offsets, not pointers. Pure: parse() is the only way in, and what
// append_upstream_body() writes holds validated bytes and allowed fields only.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/document.hpp"
#include "openai/api_error.hpp"
#include "openai/fields.hpp"

namespace faelled::openai {

struct Slice {
  std::uint32_t begin = 0;
  std::uint32_t bytes = 0;
};

struct PassedField {
  const Field* field = nullptr;
  Slice value;
};

// What the engine's side adds to a request.
struct Upstream {
  std::string_view model;               // what the engine calls it
  std::span<const std::string> stop;    // the model's own stop strings, appended to the client's
  std::uint32_t output_tokens_max = 0;  // used where the client named none; 0: leave it to the engine
};

class Request {
 public:
  static std::expected<Request, ApiError> parse(Endpoint endpoint, std::string body, json::Document& document);

  Endpoint endpoint = Endpoint::chat;
  std::string model;  // as the client wrote it; alias not resolved
  bool stream = false;
  bool include_usage = false;                // the client asked for the usage chunk
  bool base64 = false;                       // embeddings: the client wants base64
  std::uint32_t output_tokens_max = 0;       // 0: the client named none
  std::uint32_t prompt_tokens_estimate = 0;  // bytes of text / 4; token arrays exactly
  std::uint32_t fields_ignored = 0;          // fields dropped, harmless ones and steering ones
  std::uint32_t inputs = 1;                  // embeddings: how many vectors the answer must have

  // Appends an OPEN JSON object, "{…" without the closing brace and never empty: the caller adds the engine's own
  // members
  // (",\"name\":value") and then "}". Streams always ask the engine for usage.
  void append_upstream_body(std::string& out, const Upstream& upstream) const;

  std::string_view body() const { return body_; }

 private:
  friend class RequestParser;
  std::string_view slice(Slice s) const { return std::string_view(body_).substr(s.begin, s.bytes); }

  std::string body_;
  std::vector<PassedField> passed_;
  std::string messages_;     // rebuilt where the client's own array may not pass as it is; empty: spliced
  std::vector<Slice> stop_;  // raw strings
  std::optional<std::uint32_t> seed_;
};

}  // namespace faelled::openai
