// Translator: what the translations of other protocols into a chat body share: they stop at the first fault and keep it
// in the client's own field names, and some fields are alike in all of them. What they write is checked once more by
// Request::parse, the only way to an engine. Lives for one body. Internal to src/openai.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "json/document.hpp"
#include "json/writer.hpp"
#include "openai/api_error.hpp"
#include "openai/chat_messages.hpp"

namespace faelled::openai {

inline bool given(const std::optional<json::Value>& value) { return value && !value->is_null(); }

class Translator {
 public:
  virtual ~Translator() = default;
  ApiError& error() { return error_; }

 protected:
  // `counting`: the chat body asks for no stream.
  Translator(std::string& chat_body, bool counting) : counting_(counting), out_(chat_body) {}

  // All of these return false with the error set.
  bool refuse(Cause cause, std::string param, std::string message);
  bool wrong_kind(std::string param, const char* wanted, json::Value got);
  bool missing(std::string param);
  // "'param' is not supported here: why."
  bool unsupported(std::string param, std::string_view why);

  // A member that must be a string; its raw bytes go to `raw`.
  bool read_text(json::Value object, std::string_view name, const std::string& path, std::string_view& raw);

  // Opens the chat body with the model's name.
  bool read_model(json::Value root, std::string& model);
  bool read_stream(json::Value root, bool& stream);
  bool read_tools(json::Value tools);

  const bool counting_;
  json::Writer out_;  // the chat body
  ChatMessages messages_;

 private:
  // Writes a chat's tool.
  virtual bool read_tool(const std::string& path, json::Value tool) = 0;

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

// A body as `Translation` reads it.
template <class Translation, class Asked>
std::expected<Asked, ApiError> translated(std::string_view body, json::Document& document, bool counting) {
  constexpr std::size_t more = 256;  // than its own text a chat body seldom has
  const auto root = document.parse(body);
  if (!root) return std::unexpected(not_json(root.error(), document.name_that_stands_twice()));
  Asked asked;
  asked.chat_body.reserve(body.size() + more);
  Translation translation(asked, counting);
  if (!translation.run(*root)) return std::unexpected(std::move(translation.error()));
  return asked;
}

}  // namespace faelled::openai
