// Translator: what the translations of other protocols into a chat body share: they stop at the first fault and keep it
// in the client's own field names. What they write is checked once more by Request::parse, the only way to an engine.
// Lives for one body. Internal to src/openai.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "json/value.hpp"
#include "openai/api_error.hpp"

namespace faelled::openai {

class Translator {
 public:
  ApiError& error() { return error_; }

 protected:
  // All of these return false with the error set.
  bool refuse(Cause cause, std::string param, std::string message);
  bool wrong_kind(std::string param, const char* wanted, json::Value got);
  bool missing(std::string param);
  // "'param' is not supported here: why."
  bool unsupported(std::string param, std::string_view why);

  // A member that must be a string; its raw bytes go to `raw`.
  bool read_text(json::Value object, std::string_view name, const std::string& path, std::string_view& raw);

 private:
  ApiError error_;
};

// A field of the chat body, and what the client of another protocol calls it. `whole`: what stands behind the name does
// not lead to the same place there and is left out.
struct Renamed {
  std::string_view chat, own;
  bool whole = false;
};
// A fault that Request::parse found in a translated body, in the client's names.
ApiError renamed(ApiError error, std::span<const Renamed> names);

// The error of a body that is no JSON, as Request::parse tells it.
ApiError not_json(const Error& error, const std::string& name_that_stands_twice);

}  // namespace faelled::openai
