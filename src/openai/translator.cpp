#include "openai/translator.hpp"

#include "base/limits.hpp"

namespace faelled::openai {

bool Translator::refuse(Cause cause, std::string param, std::string message) {
  error_ = {.cause = cause, .message = std::move(message), .param = std::move(param), .retry_after = {}};
  return false;
}

bool Translator::wrong_kind(std::string param, const char* wanted, json::Value got) {
  std::string message = "'" + param + "' must be " + wanted + ", not " + json::kind_name(got.kind()) + ".";
  return refuse(Cause::invalid_value, std::move(param), std::move(message));
}

bool Translator::missing(std::string param) {
  std::string message = "'" + param + "' is missing.";
  return refuse(Cause::missing_value, std::move(param), std::move(message));
}

bool Translator::unsupported(std::string param, std::string_view why) {
  std::string message = "'" + param + "' is not supported here: " + std::string(why) + ".";
  return refuse(Cause::unsupported_parameter, std::move(param), std::move(message));
}

bool Translator::read_text(json::Value object, std::string_view name, const std::string& path, std::string_view& raw) {
  const auto value = object.find(name);
  const std::string param = path.empty() ? std::string(name) : path + "." + std::string(name);
  if (!given(value)) return missing(param);
  if (value->kind() != json::Kind::text) return wrong_kind(param, "a string", *value);
  raw = value->raw();
  return true;
}

bool Translator::read_model(json::Value root, std::string& model) {
  const auto value = root.find("model");
  if (!given(value)) return missing("model");
  auto name = value->text();
  if (!name) return wrong_kind("model", "a string", *value);
  model = std::move(*name);
  out_.object().member_raw("model", value->raw());
  return true;
}

bool Translator::read_stream(json::Value root, bool& stream) {
  if (const auto value = root.find("stream"); given(value)) {
    const auto wanted = value->boolean();
    if (!wanted) return wrong_kind("stream", "true or false", *value);
    stream = *wanted && !counting_;
  }
  if (stream) out_.member("stream", true).member_raw("stream_options", R"({"include_usage":true})");
  return true;
}

bool Translator::read_tools(json::Value tools) {
  if (tools.kind() != json::Kind::array) return wrong_kind("tools", "an array", tools);
  if (tools.is_empty()) return true;
  out_.key("tools").array();
  std::size_t number = 0;
  for (const json::Value tool : tools.items()) {
    if (!read_tool("tools[" + std::to_string(number++) + "]", tool)) return false;
  }
  out_.close_array();
  return true;
}

ApiError renamed(ApiError error, std::span<const Renamed> names) {
  const auto is_part = [](std::string_view text, std::string_view name) {
    return text.starts_with(name) &&
           (text.size() == name.size() || text[name.size()] == '.' || text[name.size()] == '[');
  };
  std::string own = error.param;
  for (const Renamed& name : names) {
    if (!is_part(own, name.chat)) continue;
    own.replace(0, name.whole ? own.size() : name.chat.size(), name.own);
    break;
  }
  // A tool of theirs is its function.
  constexpr std::string_view inner = ".function";
  if (const std::size_t at = own.find(inner); own.starts_with("tools[") && at != own.npos) own.erase(at, inner.size());
  const std::string quoted = "'" + error.param + "'";
  if (const std::size_t at = error.message.find(quoted); at != error.message.npos)
    error.message.replace(at + 1, error.param.size(), own);
  error.param = std::move(own);
  return error;
}

ApiError not_json(const Error& error, const std::string& twice) {
  return {.cause = Cause::invalid_json,
          .message = error.message,
          .param = twice.empty() || twice.size() > limits::name_bytes_max ? "body" : twice,
          .retry_after = {}};
}

}  // namespace faelled::openai
