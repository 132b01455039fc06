// ApiError: how every failure reaches an SDK. One table (api_error.cpp, a test per row) says for each cause which
// status, type, code and retry headers it has; nobody else chooses a status. Values; no content of a prompt in a
// message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::openai {

enum class Cause : std::uint8_t {
  // the request
  invalid_json,
  invalid_value,
  missing_value,
  unsupported_parameter,  // would change the meaning of the answer, and we cannot do it
  unsupported_value,
  context_length_exceeded,
  body_too_large,
  method_not_allowed,
  wrong_content_type,
  request_timeout,  // the client did not finish its request in time
  // who asks
  missing_api_key,
  invalid_api_key,
  invalid_user_token,  // of a front end that speaks for many people
  forbidden,
  // what is asked for
  model_not_found,
  not_found,
  conflict,
  // us
  queue_full,         // 429
  waited_too_long,    // 429
  model_unavailable,  // 503: it failed to load, or its node is gone
  shutting_down,      // 503
  maintenance,        // 503: operators have closed for a while
  overloaded,         // 503: too many connections
  store_unavailable,  // 503
  engine_failed,      // 502 before the first byte, an error event after it
  engine_timeout,     // 504
  internal,
};
inline constexpr Cause last_cause = Cause::internal;

struct CauseRow {
  Cause cause;
  int status;
  const char* type;
  const char* code;        // nullptr: null
  bool should_retry;       // x-should-retry
  int retry_after_s;       // default retry-after; 0: no header
  const char* message_da;  // plain Danish for people; what the SDK shows is `message`
};
const CauseRow& row_of(Cause cause);

struct ApiError {
  Cause cause = Cause::internal;
  std::string message;
  std::string param;            // empty: null
  Duration retry_after{};       // zero: the row's; sent rounded up to seconds, at most retry_after_max
  std::string message_da = {};  // empty: the row's
  bool operator==(const ApiError&) const = default;

  int status() const { return row_of(cause).status; }
  std::string_view danish() const {
    return message_da.empty() ? row_of(cause).message_da : std::string_view(message_da);
  }
};

inline constexpr auto retry_after_max = std::chrono::seconds(120);  // SDKs do not retry at all beyond it

// Headers that go with the error: "true"/"false", and seconds (empty where the answer has no such header).
std::string_view should_retry_header(const ApiError& error);
std::optional<std::int64_t> retry_after_header_s(const ApiError& error);

// {"error":{"message":…,"type":…,"param":…,"code":…,"message_da":…}}
void append_error_body(std::string& out, const ApiError& error);
std::string error_body(const ApiError& error);

// For failures below the edge. `message` and `hint` come from the error, so they must be fit for clients.
Cause cause_of(Errc code);
ApiError api_error_of(const Error& error);

// What an engine said with a status other than 2xx, or in an error event (status 0), in our words and table.
// Only a 400 is the client's doing; everything else is ours or the engine's.
ApiError engine_error(int status, std::string_view body);

}  // namespace faelled::openai
