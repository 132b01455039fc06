// A body of /v1/responses as a chat body. Stored responses are not offered: nothing is kept, so what refers to an
// earlier response is refused in plain words. Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "json/document.hpp"
#include "openai/api_error.hpp"

namespace faelled::openai::responses {

struct Asked {
  std::string chat_body;
  std::string model;  // as the client wrote it
  std::string echo;   // members of a response object that say the request again: ,"name":value… on one line
  bool stream = false;
};

// ApiError with status 400 where the body is wrong or asks for what is not done here. `document` is scratch.
// `counting`: only the tokens are to be counted; the chat body then asks for no stream.
std::expected<Asked, ApiError> translate(std::string_view body, json::Document& document, bool counting = false);

// A fault that was found in `chat_body`, in the names that this endpoint has for the fields.
ApiError in_own_names(ApiError error);

}  // namespace faelled::openai::responses
