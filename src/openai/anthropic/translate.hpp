// A body of Anthropic's /v1/messages as a chat body. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "json/document.hpp"
#include "openai/api_error.hpp"

namespace faelled::openai::anthropic {

struct Asked {
  std::string chat_body;
  std::string model;  // as the client wrote it
  std::uint32_t prompt_tokens_estimate = 0;
  bool stream = false;
  bool thinking = false;  // the client wants to see what a model thinks before it answers
};

// ApiError with status 400 where the body is wrong or asks for what is not done here. `document` is scratch.
// `counting`: only the tokens are to be counted; the chat body then asks for no stream,
// and `max_tokens` may be missing.
std::expected<Asked, ApiError> translate(std::string_view body, json::Document& document, bool counting = false);

// A fault that was found in `chat_body`, in the names that this endpoint has for the fields.
ApiError in_own_names(ApiError error);

}  // namespace faelled::openai::anthropic
