#include "openai/anthropic/error.hpp"

#include "json/writer.hpp"

namespace faelled::openai::anthropic {

std::string_view error_type(const ApiError& error) {
  switch (error.status()) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return error.status() < 500 ? "invalid_request_error" : "api_error";
  }
}

std::string error_body(const ApiError& error, std::string_view request_id) {
  std::string out;
  json::Writer(out)
      .object()
      .member("type", "error")
      .key("error")
      .object()
      .member("type", error_type(error))
      .member("message", error.message)
      .member("message_da", error.danish())
      .close_object()
      .member("request_id", request_id)
      .close_object();
  return out;
}

}  // namespace faelled::openai::anthropic
