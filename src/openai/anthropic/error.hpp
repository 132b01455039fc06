// Errors as Anthropic's clients read them. The status comes from the one table of causes (openai/api_error.hpp); here a
// cause only gets its name in this protocol.
#pragma once

#include <string>
#include <string_view>

#include "openai/api_error.hpp"

namespace faelled::openai::anthropic {

// "invalid_request_error", "overloaded_error", …
std::string_view error_type(const ApiError& error);

// {"type":"error","error":{"type":…,"message":…,"message_da":…},"request_id":…}
std::string error_body(const ApiError& error, std::string_view request_id);

}  // namespace faelled::openai::anthropic
